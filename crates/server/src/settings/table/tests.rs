use std::collections::HashSet;

use super::*;
use crate::settings::Settings;
use crate::settings::kind::{Kind, Zero};

#[test]
fn every_name_is_there_once_and_makes_a_variable() {
    let mut names = HashSet::new();
    for setting in settings() {
        let flag = setting.flag();
        assert!(names.insert(flag), "{flag} is there twice");
        assert!(
            flag.bytes().all(|it| it.is_ascii_lowercase() || it == b'-'),
            "{flag}"
        );
        let variable = setting.variable();
        assert!(
            variable.starts_with("PARLOUR_") && !variable.contains('-'),
            "{variable}"
        );
        assert!(
            !["config", "print-config", "help"].contains(&flag),
            "{flag} means something else"
        );
    }
}

#[test]
fn help_is_one_sentence_and_more() {
    for setting in settings() {
        let (help, flag) = (setting.help, setting.flag());
        assert!(
            help.starts_with(char::is_uppercase) && !help.ends_with('.'),
            "{flag}: {help}"
        );
        assert!(
            setting.more.is_empty() || setting.more.ends_with('.'),
            "{flag}: {}",
            setting.more
        );
        assert!(setting.long_help().contains(&setting.variable()), "{flag}");
    }
}

#[test]
fn a_default_is_what_it_would_be_if_it_were_typed() {
    for setting in settings() {
        let mut values = Settings::default();
        let shown = setting.kind.show(&mut values);
        if shown.is_empty() {
            continue;
        }
        setting.put(&mut values, &shown).unwrap();
        assert_eq!(setting.kind.show(&mut values), shown, "{}", setting.flag());
    }
}

#[test]
fn both_ends_of_a_range_are_taken_and_what_is_beyond_is_not() {
    for setting in settings() {
        let (good, bad) = match &setting.kind {
            Kind::Count { range, zero, .. } => {
                let below = range.start().saturating_sub(1);
                let is_no_limit = below == 0 && *zero != Zero::Refused;
                let below = if is_no_limit {
                    None
                } else {
                    Some(below.to_string())
                };
                let above = Some((range.end() + 1).to_string());
                (
                    [range.start(), range.end()].map(u64::to_string),
                    [below, above],
                )
            }
            Kind::Bytes { range, .. } => {
                let (below, above) = (range.start() - 1, range.end() + 1);
                (
                    [range.start(), range.end()].map(u64::to_string),
                    [below, above].map(|it| Some(it.to_string())),
                )
            }
            Kind::Time { range, .. } => {
                let ms = |time: &Duration| format!("{}ms", time.as_millis());
                let one = Duration::from_millis(1);
                let below = range.start().checked_sub(one).map(|it| ms(&it));
                (
                    [range.start(), range.end()].map(ms),
                    [below, Some(ms(&(*range.end() + one)))],
                )
            }
            _ => continue,
        };
        let flag = setting.flag();
        let put = |typed: &str| {
            let mut values = Settings::default();
            let put = setting.put(&mut values, &[typed.to_owned()]);
            put.map(|()| setting.kind.show(&mut values).concat())
        };
        for good in good {
            let shown = put(&good).unwrap_or_else(|error| panic!("{flag} {good}: {error}"));
            assert_eq!(put(&shown), Ok(shown), "{flag}: the place holds it");
        }
        for bad in bad.into_iter().flatten() {
            let refused = put(&bad).unwrap_err();
            assert!(
                refused.contains("use ") && refused.contains(" to "),
                "{flag} {bad}: {refused}"
            );
        }
    }
}

#[test]
fn zero_means_no_limit_only_where_that_is_said_and_is_kept_as_such() {
    for setting in settings() {
        let Kind::Count { zero, .. } = &setting.kind else {
            continue;
        };
        let mut values = Settings::default();
        let put = setting.put(&mut values, &["0".to_owned()]);
        assert_eq!(put.is_ok(), *zero != Zero::Refused, "{}", setting.flag());
        assert_eq!(setting.takes().contains("0 means no limit"), put.is_ok());
        if put.is_ok() {
            assert_eq!(setting.kind.show(&mut values), ["0"]);
        }
    }
}

#[test]
fn each_setting_has_a_place_of_its_own() {
    let shown = |values: &mut Settings| -> Vec<Vec<String>> {
        settings()
            .map(|setting| setting.kind.show(values))
            .collect()
    };
    let defaults = shown(&mut Settings::default());
    for (at, setting) in settings().enumerate() {
        let mut values = Settings::default();
        let typed = match &setting.kind {
            Kind::Address(_) => "127.0.0.1:1".to_owned(),
            Kind::Directory(_) | Kind::File(_) | Kind::Folder(_) | Kind::Room(_) => "other".into(),
            Kind::Path(_) => "/other".into(),
            Kind::Filter(_) => "parlour=trace".into(),
            Kind::Count { range, .. } | Kind::Bytes { range, .. } => (range.end() - 1).to_string(),
            Kind::Time { range, .. } => format!("{}ms", range.end().as_millis() - 1),
            Kind::Choice(place) => {
                let place = place(&mut values);
                let words: Vec<_> = place.choices().iter().map(|(word, _)| *word).collect();
                assert_eq!(place.value_name(), words.join("|"));
                words
                    .into_iter()
                    .find(|word| *word != place.chosen())
                    .unwrap()
                    .to_owned()
            }
            Kind::Switch(_) => "true".into(),
            Kind::List { .. } => match setting.flag() {
                "door" => "echo".into(),
                "rooms" => "den=volatile".into(),
                "allow-origin" => "https://a.example".into(),
                _ => "192.0.2.0/24".into(),
            },
        };
        setting
            .put(&mut values, std::slice::from_ref(&typed))
            .unwrap();
        for (other, (now, default)) in shown(&mut values).iter().zip(&defaults).enumerate() {
            let flag = setting.flag();
            assert_eq!(
                now != default,
                other == at,
                "{flag} {typed} changes the setting number {other}"
            );
        }
    }
}
