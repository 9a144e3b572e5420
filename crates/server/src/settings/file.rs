//! Settings in a TOML file: the keys are the flags without their dashes.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::Setting;
use super::error::{SettingsError, Source, ValuePlace};
use super::kind::Kind;
use super::nearest::nearest_setting;
use super::table::settings;

/// A value of the file, as it would be typed.
pub(super) struct Line {
    pub(super) setting: &'static Setting,
    pub(super) typed: Vec<String>,
    /// From 1.
    pub(super) line: usize,
}

impl Line {
    /// Where it stands, in the file at `path`.
    pub(super) fn source(&self, path: &Path) -> Source {
        Source::File {
            path: path.into(),
            line: self.line,
        }
    }
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<Vec<Line>, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::File {
        path: path.into(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Line>, SettingsError> {
    let table = DeTable::parse(text).map_err(|error| SettingsError::Syntax {
        path: path.into(),
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        reason: error.message().replace('\n', ", "),
    })?;
    let mut lines = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line_at(text, key.span().start);
        let Some(setting) = settings().find(|it| it.flag() == key.get_ref()) else {
            return Err(SettingsError::UnknownKey {
                path: path.into(),
                line,
                key: key.get_ref().to_string(),
                nearest: nearest_setting(key.get_ref()),
            });
        };
        let typed =
            typed(&setting.kind, value.get_ref()).map_err(|wanted| SettingsError::Value {
                place: ValuePlace::of(
                    setting,
                    Source::File {
                        path: path.into(),
                        line,
                    },
                ),
                reason: format!("{} is of the wrong type: {wanted}", a(value.get_ref())),
            })?;
        lines.push(Line {
            setting,
            typed,
            line,
        });
    }
    // The table is sorted by key; who has two mistakes wants to hear of the first line first.
    lines.sort_by_key(|line| line.line);
    Ok(lines)
}

/// The value as it would be typed, or an example of what is wanted instead.
fn typed(kind: &Kind, value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    let one = match (kind, value) {
        (Kind::List { .. }, DeValue::Array(values)) => return strings(values),
        (Kind::List { .. }, _) => {
            return Err("use an array of strings, for example [\"…\", \"…\"]");
        }
        (Kind::Count { .. } | Kind::Bytes { .. } | Kind::Time { .. }, DeValue::Integer(number)) => {
            plain(number)
        }
        (Kind::Count { .. }, _) => return Err("use a whole number, for example 100"),
        (Kind::Time { .. }, DeValue::Float(number)) => number.to_string(),
        (Kind::Switch(_), DeValue::Boolean(value)) => value.to_string(),
        (Kind::Switch(_), _) => return Err("use true or false"),
        (_, DeValue::String(text)) => text.to_string(),
        (Kind::Bytes { .. }, _) => {
            return Err("use a number of bytes or a string, for example \"64KiB\"");
        }
        (Kind::Time { .. }, _) => {
            return Err("use a number of seconds or a string, for example \"500ms\"");
        }
        (_, _) => return Err("use a string, for example \"…\""),
    };
    Ok(vec![one])
}

fn strings(values: &DeArray<'_>) -> Result<Vec<String>, &'static str> {
    let string = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("use an array of strings, for example [\"…\", \"…\"]"),
    };
    values.iter().map(string).collect()
}

/// In decimal, whatever radix it was written in.
fn plain(number: &toml::de::DeInteger<'_>) -> String {
    match i128::from_str_radix(number.as_str(), number.radix()) {
        Ok(decimal) => decimal.to_string(),
        Err(_) => number.to_string(),
    }
}

fn a(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

fn line_at(text: &str, byte: usize) -> usize {
    1 + text.as_bytes()[..byte.min(text.len())]
        .iter()
        .filter(|it| **it == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match parse(Path::new("parlour.toml"), text) {
            Ok(_) => panic!("{text} is taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn values_are_read_as_they_would_be_typed() {
        let text = "addr = \"127.0.0.1:1\"\nmax-message-bytes = 0x10\n\nping-interval = 1.5\n\
            pong-timeout = \"500ms\"\nrequire-origin = true\ndoor = [\"echo\"]\n";
        let lines = parse(Path::new("x"), text).unwrap();
        let read: Vec<_> = lines
            .iter()
            .map(|line| (line.line, line.setting.flag(), line.typed.join(",")))
            .collect();
        let expected = [
            (1, "addr", "127.0.0.1:1"),
            (2, "max-message-bytes", "16"),
            (4, "ping-interval", "1.5"),
            (5, "pong-timeout", "500ms"),
            (6, "require-origin", "true"),
            (7, "door", "echo"),
        ];
        assert_eq!(
            read,
            expected.map(|(line, flag, typed)| (line, flag, typed.to_owned()))
        );
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_the_fix() {
        for (text, words) in [
            ("\nadr = \"x\"", ["parlour.toml:2:", "`addr`"]),
            (
                "max_message_bytes = 1",
                ["parlour.toml:1:", "`max-message-bytes`"],
            ),
            (
                "colour = 1",
                ["`colour` is no setting", "parlour help serve"],
            ),
            (
                "\n\naddr = 8080",
                [
                    "parlour.toml:3: addr: a number is of the wrong type",
                    "use a string",
                ],
            ),
            (
                "max-rooms = \"many\"",
                ["a string is of the wrong type", "whole number"],
            ),
            ("max-rooms = 1.5", ["with a fraction", "whole number"]),
            (
                "door = \"echo\"",
                ["a string is of the wrong type", "[\"…\""],
            ),
            (
                "door = [1]",
                ["an array is of the wrong type", "of strings"],
            ),
            (
                "require-origin = 1",
                ["a number is of the wrong type", "true or false"],
            ),
            (
                "ping-interval = true",
                ["true or false is of the wrong type", "500ms"],
            ),
            ("\naddr = ", ["parlour.toml:2:", "look like"]),
            (
                "addr = \"a\"\naddr = \"b\"",
                ["parlour.toml:2:", "duplicate"],
            ),
            ("[limits]\n", ["parlour.toml:1: `limits` is no setting", ""]),
        ] {
            let told = refused(text);
            assert!(!told.contains('\n'), "{told}");
            assert!(
                words.iter().all(|words| told.contains(words)),
                "{text} gives: {told}"
            );
        }
    }
}
