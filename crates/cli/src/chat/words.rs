//! How things are put into words. Nothing that others wrote reaches a terminal as a command to it.

use std::fmt::Write as _;

use parlour_client::{RoomName, Said};

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

/// Text on one line that no terminal obeys: ends of lines become `⏎`, other controls are spelled out, and
/// so is what turns the direction of writing.
pub(crate) fn harmless(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => line.push_str(" ⏎ "),
            '\t' => line.push(' '),
            char if char.is_control() || turns(char) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(char));
            }
            char => line.push(char),
        }
    }
    line
}

/// Controls of the direction of writing (Unicode Standard Annex 9, 2).
fn turns(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(harmless("plain é €𝄞 ‍"), "plain é €𝄞 ‍");
        assert_eq!(harmless("a\nb\r\nc\rd\u{2028}e"), "a ⏎ b ⏎ c ⏎ d ⏎ e");
        assert_eq!(
            harmless("\u{1b}[2J\u{7}\u{9b}x\t\u{202e}y"),
            "\\u{1b}[2J\\u{7}\\u{9b}x \\u{202e}y"
        );
        let every: String = (0..=0x2fff).filter_map(char::from_u32).collect();
        assert!(!harmless(&every).contains(char::is_control));
    }
}
