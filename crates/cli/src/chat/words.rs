//! How things are put into words.

use jiff::tz::TimeZone;
use parlour_client::{RoomName, Said, Timestamp};

use crate::harmless::harmless;

/// What `/help` says.
pub(super) const COMMANDS: &str = "\
/join ROOM     be in another room, too, and talk there
/part [ROOM]   leave this room, or that one
/who           who is here
/me WAVES      say that you are waving
/nick NAME     come back under another name, as a guest
/quit          the end
//TEXT         say a text that begins with a slash";

/// The kind of what a server says when somebody at `/plain` changes names.
const NICK: &str = "$nick";

/// A message as one line, which no terminal obeys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The server's clock.
    sent: Timestamp,
    before: String,
    name: String,
    after: String,
    /// Whether it is one's own, which is delivered, as it has come.
    is_own: bool,
}

/// Foregrounds of a terminal (ECMA-48, 8.3.117) that are seen on light and on dark grounds.
const COLOURS: [u8; 6] = [31, 32, 33, 34, 35, 36];

impl Line {
    /// As a pipe has it.
    pub(super) fn text(&self) -> String {
        format!("{}{}{}", self.before, self.name, self.after)
    }

    /// As a terminal has it: with the time in this zone, and the name perhaps in a colour of its own.
    pub(super) fn on_terminal(&self, zone: &TimeZone, has_colours: bool) -> String {
        let Self {
            sent,
            before,
            name,
            after,
            is_own,
        } = self;
        let mark = if *is_own { " ✓" } else { "" };
        let time = time(*sent, zone);
        if !has_colours {
            return format!("{time} {before}{name}{after}{mark}");
        }
        let sum = name.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        let colour = COLOURS[sum % COLOURS.len()];
        format!("{time} {before}\u{1b}[{colour}m{name}\u{1b}[0m{after}{mark}")
    }
}

/// Hours and minutes; a time that no calendar has is unknown.
fn time(sent: Timestamp, zone: &TimeZone) -> String {
    let nanoseconds = i128::from(sent.unix_nanoseconds());
    let at = jiff::Timestamp::from_nanosecond(nanoseconds);
    at.map_or_else(
        |_| "--:--".to_owned(),
        |at| at.to_zoned(zone.clone()).strftime("%H:%M").to_string(),
    )
}

/// One line for a message, with its room if it is another one than people look at; `None` for what only
/// programs understand.
pub(super) fn message(said: &Said, elsewhere: Option<&RoomName>, is_own: bool) -> Option<Line> {
    let mut before = elsewhere.map_or_else(String::new, |room| {
        format!("[{}] ", harmless(room.as_str()))
    });
    let (name, after) = told(said, &mut before)?;
    let sent = said.sent;
    Some(Line {
        sent,
        before,
        name,
        after,
        is_own,
    })
}

/// Whose name comes behind `before`, and what behind it.
fn told(said: &Said, before: &mut String) -> Option<(String, String)> {
    if said.kind.as_str() == NICK {
        let names: serde_json::Value = serde_json::from_slice(&said.payload).ok()?;
        let (was, now) = (names["was"].as_str()?, names["now"].as_str()?);
        return Some((harmless(was), format!(" is now {}", harmless(now))));
    }
    if said.kind != parlour_client::EntryKind::MESSAGE {
        return None;
    }
    let text = said.text()?;
    let from = harmless(&said.from);
    Some(match text.strip_prefix("/me ") {
        Some(what) => {
            before.push_str("* ");
            (from, format!(" {}", harmless(what)))
        }
        None => (from, format!(": {}", harmless(&text))),
    })
}

/// Who is here.
pub(super) fn here(room: &RoomName, count: u64, users: &[String]) -> String {
    let users: Vec<_> = users.iter().map(String::as_str).collect();
    format!("{count} in {room}: {}", names(&users))
}

/// How many are here, where the room tells no names.
pub(super) fn many_here(room: &RoomName, count: u64) -> String {
    format!("{count} in {room}")
}

/// Names with commas between them.
pub(super) fn names(names: &[&str]) -> String {
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use jiff::tz::{TimeZone, offset};

    use super::*;

    fn line(sent: i64, from: &str) -> Line {
        let said = Said {
            room: RoomName::general(),
            position: parlour_client::Position {
                epoch: parlour_client::Epoch(1),
                seq: parlour_client::Seq(1),
            },
            id: None,
            from: from.into(),
            kind: parlour_client::EntryKind::MESSAGE,
            payload: "\"hi\"".into(),
            sent: Timestamp::from_unix_nanoseconds(sent),
        };
        message(&said, Some(&RoomName::general()), false).unwrap()
    }

    #[test]
    fn a_terminal_has_the_time_where_it_stands_and_names_in_colour() {
        let east = TimeZone::fixed(offset(5));
        let ann = line(3_600_000_000_000, "ann");
        assert_eq!(ann.text(), "[general] ann: hi");
        assert_eq!(ann.on_terminal(&east, false), "06:00 [general] ann: hi");
        let coloured = ann.on_terminal(&TimeZone::UTC, true);
        let (before, rest) = coloured.split_once('\u{1b}').unwrap();
        assert_eq!(before, "01:00 [general] ");
        let (colour, rest) = rest.split_once('m').unwrap();
        assert!(colour.starts_with("[3"), "{colour}");
        assert_eq!(rest, "ann\u{1b}[0m: hi");
        let bob = line(0, "bob").on_terminal(&TimeZone::UTC, true);
        assert!(!bob.contains(&format!("\u{1b}{colour}m")), "{bob:?}");
        let attack = line(0, "\u{1b}[2J").on_terminal(&TimeZone::UTC, true);
        assert_eq!(attack.matches('\u{1b}').count(), 2, "{attack:?}");
    }
}
