//! How things are put into words.

use std::fmt::Write as _;

use parlour_client::{RoomName, Said};

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

/// One line for a message, with its room if it is another one than people look at; `None` for what only
/// programs understand.
pub(super) fn message(said: &Said, elsewhere: Option<&RoomName>) -> Option<String> {
    let from = harmless(&said.from);
    let mut line = String::new();
    if let Some(room) = elsewhere {
        let _ = write!(line, "[{}] ", harmless(room.as_str()));
    }
    if said.kind.as_str() == NICK {
        let names: serde_json::Value = serde_json::from_slice(&said.payload).ok()?;
        let (was, now) = (names["was"].as_str()?, names["now"].as_str()?);
        let _ = write!(line, "{} is now {}", harmless(was), harmless(now));
        return Some(line);
    }
    if said.kind != parlour_client::EntryKind::MESSAGE {
        return None;
    }
    let text = said.text()?;
    let _ = match text.strip_prefix("/me ") {
        Some(what) => write!(line, "* {from} {}", harmless(what)),
        None => write!(line, "{from}: {}", harmless(&text)),
    };
    Some(line)
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
