//! `parlour room show`.

use std::io::{self, Write};

use clap::Args;
use parlour_server::rooms::{KeptEntry, KeptRoom, Rooms};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{RoomError, found, table};
use crate::harmless::{harmless, harmless_json};
use crate::place::Place;

pub(super) const EXAMPLES: &str = "\
Examples:
  parlour room show den
      The newest 50 entries of den, the oldest of them first.
  parlour room show den --before 1000 --limit 10
      The entries 990 to 999.
  parlour room show den --after 0 --limit 1000000 --json > den.jsonl
      Everything that is kept, one JSON object per line: room, epoch, seq, id, from, type, payload and
      sent, as `parlour sub` prints it.";

/// Entries that one question to the server is answered with, at most.
const AT_ONCE: u32 = 500;

/// Which room, and what of it.
#[derive(Debug, Args)]
pub(crate) struct Showing {
    /// Name of the room
    room: String,
    /// The newest entries before this number
    #[arg(long, value_name = "SEQ", conflicts_with = "after")]
    before: Option<u64>,
    /// The oldest entries after this number
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What is shown of an entry.
#[derive(Deserialize)]
struct Entry<'a> {
    seq: u64,
    from: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    payload: &'a RawValue,
    sent: String,
}

impl Showing {
    pub(super) fn run(&self) -> Result<(), RoomError> {
        let data = self.place.found()?;
        let rooms = Rooms::of(&data.0)?;
        let room = found(&rooms, &self.room, &data)?;
        let (mut after, last) = self.range(&room);
        let mut out = io::stdout().lock();
        while after < last {
            let most = u32::try_from(last - after).unwrap_or(u32::MAX).min(AT_ONCE);
            let entries = rooms.read(&self.room, after, most)?;
            let Some(newest) = entries.last() else {
                break;
            };
            after = serde_json::from_str::<Entry<'_>>(newest.json())?.seq;
            for entry in &entries {
                self.print(entry, last, &mut out)?;
            }
        }
        out.flush()?;
        Ok(())
    }

    /// Everything behind the first, up to the last. Numbers have no holes, so they can be counted.
    fn range(&self, room: &KeptRoom) -> (u64, u64) {
        let oldest = room.first.saturating_sub(1);
        match (self.after, self.before) {
            (Some(after), _) => {
                let after = after.max(oldest);
                (after, after.saturating_add(self.limit).min(room.head))
            }
            (None, before) => {
                let last = before.map_or(room.head, |before| before.saturating_sub(1));
                let last = last.min(room.head);
                (last.saturating_sub(self.limit).max(oldest), last)
            }
        }
    }

    fn print(&self, entry: &KeptEntry, last: u64, out: &mut impl Write) -> Result<(), RoomError> {
        let shown: Entry<'_> = serde_json::from_str(entry.json())?;
        if shown.seq > last {
            return Ok(());
        }
        if self.json {
            writeln!(out, "{}", harmless_json(entry.json()))?;
        } else {
            writeln!(out, "{}", line(&shown)?)?;
        }
        Ok(())
    }
}

/// `13  2026-11-22 04:00:00Z  ann: hello`; what is no message has its type and its JSON.
fn line(entry: &Entry<'_>) -> Result<String, RoomError> {
    let head = format!(
        "{}  {}  {}",
        entry.seq,
        table::moment(&entry.sent),
        harmless(&entry.from)
    );
    Ok(if entry.kind == "message" {
        let text: String = serde_json::from_str(entry.payload.get())?;
        format!("{head}: {}", harmless(&text))
    } else {
        let kind = harmless(&entry.kind);
        format!("{head} [{kind}] {}", harmless_json(entry.payload.get()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_line_that_no_terminal_obeys() {
        for (payload, kind, shown) in [
            (
                r#""hel\nlo \u001b[2J""#,
                "message",
                r"13  2026-11-22 04:00:00Z  ann: hel ⏎ lo \u{1b}[2J",
            ),
            (
                r#"{"a": "x"}"#,
                "app:x",
                r#"13  2026-11-22 04:00:00Z  ann [app:x] {"a": "x"}"#,
            ),
        ] {
            let json = format!(
                r#"{{"room":"den","epoch":"00","seq":13,"from":"ann","type":"{kind}","payload":{payload},"sent":"2026-11-22T04:00:00.120000000Z"}}"#
            );
            let entry: Entry<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(line(&entry).unwrap(), shown);
        }
    }
}
