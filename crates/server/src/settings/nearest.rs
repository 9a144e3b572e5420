//! What somebody may have meant.

use super::Setting;
use super::table::settings;

/// Settings by what other servers call them.
const ELSEWHERE: [(&str, &str); 5] = [
    ("address", "addr"),
    ("bind", "addr"),
    ("host", "addr"),
    ("listen", "addr"),
    ("port", "addr"),
];

/// The setting that somebody may have meant by `typed`, if it is near enough.
pub(super) fn nearest_setting(typed: &str) -> Option<&'static str> {
    let lower = typed.to_lowercase();
    let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == lower);
    elsewhere
        .map(|(_, flag)| *flag)
        .or_else(|| nearest(typed, settings().map(Setting::flag)))
}

/// The known name that is nearest to `typed`, if it is near enough to be a slip.
fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase().replace('_', "-");
    let slips_max = (typed.chars().count() / 3).max(1);
    known
        .map(|name| (distance(&typed, name), name))
        .min()
        .filter(|(slips, _)| *slips <= slips_max)
        .map(|(_, name)| name)
}

/// How many characters must be put in, taken out or changed to make one of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, character) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(character != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let known = ["addr", "max-message-bytes", "ping-interval", "pong-timeout"];
        for (typed, meant) in [
            ("adr", Some("addr")),
            ("max_message_bytes", Some("max-message-bytes")),
            ("Max-Message-Byte", Some("max-message-bytes")),
            ("ping-intervall", Some("ping-interval")),
            ("pong-time", Some("pong-timeout")),
            ("pong", None),
            ("x", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(typed, known.into_iter()), meant, "{typed}");
        }
    }

    #[test]
    fn distances_are_counted_in_characters() {
        for (from, to, slips) in [
            ("", "", 0),
            ("", "ab", 2),
            ("größe", "grösse", 2),
            ("abc", "acb", 2),
        ] {
            assert_eq!(distance(from, to), slips);
            assert_eq!(distance(to, from), slips);
        }
    }
}
