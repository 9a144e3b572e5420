//! Which rooms are kept, and how much of them: `PATTERN=durable|volatile[,keep=N][,keep-bytes=SIZE][,keep-age=TIME]`.

use std::ops::RangeInclusive;
use std::time::Duration;

use parlour::{Keep, RoomKind, RoomKinds};

use super::kind::Item;
use super::units::{parse_size, parse_time, show_size, show_time};

/// What stands for a rule in a usage line.
pub(super) const VALUE_NAME: &str =
    "PATTERN=durable|volatile[,keep=N][,keep-bytes=SIZE][,keep-age=TIME]";

/// The longest pattern, in bytes: every room's name, and stars.
const PATTERN_BYTES_MAX: usize = 256;
const ENTRIES: RangeInclusive<u64> = 1..=1 << 50;
const BYTES: RangeInclusive<u64> = 1 << 10..=1 << 50;
const AGE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3_650 * 24 * 60 * 60);

/// What holds for rooms whose names match a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRule {
    /// A `*` in it stands for any text.
    pub pattern: String,
    /// What holds.
    pub kind: RoomKind,
}

impl RoomRule {
    /// What holds for rooms that no rule names: all are on disk, the last 100,000 entries of each within
    /// 64 MiB.
    #[must_use]
    pub fn usual() -> Self {
        let keep = Keep {
            entries: Some(100_000),
            bytes: Some(64 << 20),
            age: None,
        };
        Self {
            pattern: EVERY.into(),
            kind: RoomKind {
                is_durable: true,
                keep,
            },
        }
    }

    /// Whether no room gets past this rule.
    pub(super) fn takes_all(&self) -> bool {
        !self.pattern.is_empty() && self.pattern.bytes().all(|it| it == b'*')
    }
}

const EVERY: &str = "*";

/// The rules in their order, and behind them the usual one: who names some rooms says nothing of the
/// others.
pub(super) fn kinds(rules: &[RoomRule]) -> RoomKinds {
    let mut kinds = RoomKinds::default();
    for rule in rules {
        kinds = kinds.with(&*rule.pattern, rule.kind);
    }
    if rules.iter().any(RoomRule::takes_all) {
        return kinds;
    }
    let usual = RoomRule::usual();
    kinds.with(usual.pattern, usual.kind)
}

impl Item for RoomRule {
    fn show(&self) -> String {
        let Keep {
            entries,
            bytes,
            age,
        } = self.kind.keep;
        let mut text = format!("{}={}", self.pattern, word(self.kind.is_durable));
        if let Some(entries) = entries {
            text.push_str(&format!(",keep={entries}"));
        }
        if let Some(bytes) = bytes {
            text.push_str(&format!(",keep-bytes={}", show_size(bytes)));
        }
        if let Some(age) = age {
            text.push_str(&format!(",keep-age={}", show_time(age)));
        }
        text
    }

    fn parse(typed: &str) -> Result<Self, String> {
        let (pattern, is_durable, keep) = split(typed).ok_or_else(|| no_rule(typed))?;
        if pattern.is_empty() {
            return Err(format!(
                "`{typed}` names no rooms: put a name or a pattern before it, for example '*{typed}'"
            ));
        }
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!(
                "a pattern of {} bytes fits no room: use at most {PATTERN_BYTES_MAX}",
                pattern.len()
            ));
        }
        if pattern.starts_with('$') {
            return Err(format!(
                "`{pattern}`: rooms whose names begin with $ are the server's own: leave the rule out"
            ));
        }
        let mut kind = RoomKind {
            is_durable,
            keep: Keep::ALL,
        };
        for part in keep.into_iter().flat_map(|keep| keep.split(',')) {
            put(&mut kind.keep, part)?;
        }
        Ok(Self {
            pattern: pattern.into(),
            kind,
        })
    }
}

fn word(is_durable: bool) -> &'static str {
    if is_durable { "durable" } else { "volatile" }
}

/// The pattern, whether such rooms are durable, and what is kept. A room's name may have `=` and `,` in
/// it, so the last place that can be meant is.
fn split(typed: &str) -> Option<(&str, bool, Option<&str>)> {
    let last = |is_durable| {
        let word = word(is_durable);
        let ends_there = |end: &usize| matches!(typed.as_bytes().get(*end), None | Some(b','));
        let found = typed
            .match_indices(word)
            .filter(|(at, _)| typed[..*at].ends_with('=') && ends_there(&(at + word.len())));
        let (at, word) = found.last()?;
        let keep = &typed[at + word.len()..];
        Some((&typed[..at - 1], is_durable, keep.strip_prefix(',')))
    };
    let (durable, volatile) = (last(true), last(false));
    durable
        .into_iter()
        .chain(volatile)
        .max_by_key(|(pattern, ..)| pattern.len())
}

fn no_rule(typed: &str) -> String {
    let meant = typed.rsplit_once('=').map_or(typed, |(pattern, _)| pattern);
    format!(
        "`{typed}` says neither durable nor volatile: use PATTERN=durable or PATTERN=volatile, for \
         example '{meant}=durable,keep=100000'"
    )
}

fn put(keep: &mut Keep, part: &str) -> Result<(), String> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let is_again = match name {
        "keep" => keep.entries.replace(entries(value)?).is_some(),
        "keep-bytes" => {
            let bytes = parse_size(value).map_err(|why| format!("keep-bytes: {why}"))?;
            within(&bytes, &BYTES, "keep-bytes", |it| show_size(*it))?;
            keep.bytes.replace(bytes).is_some()
        }
        "keep-age" => {
            let age = parse_time(value).map_err(|why| format!("keep-age: {why}"))?;
            within(&age, &AGE, "keep-age", |it| show_time(*it))?;
            keep.age.replace(age).is_some()
        }
        _ => {
            return Err(format!(
                "`{part}` is no bound of a room: use keep=N, keep-bytes=SIZE or keep-age=TIME"
            ));
        }
    };
    if is_again {
        return Err(format!("{name} is there twice: leave out one of them"));
    }
    Ok(())
}

fn entries(value: &str) -> Result<u64, String> {
    let entries = value.parse().map_err(|_| {
        format!(
            "keep: `{value}` is no whole number: use a number of entries, for example keep=100000"
        )
    })?;
    within(&entries, &ENTRIES, "keep", u64::to_string)?;
    Ok(entries)
}

fn within<T: PartialOrd>(
    value: &T,
    range: &RangeInclusive<T>,
    name: &str,
    show: impl Fn(&T) -> String,
) -> Result<(), String> {
    if range.contains(value) {
        return Ok(());
    }
    Err(format!(
        "{name}={} is out of range: use {} to {}, or leave {name} out for no bound",
        show(value),
        show(range.start()),
        show(range.end())
    ))
}

#[cfg(test)]
mod tests;
