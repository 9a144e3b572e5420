//! What others wrote, for people to read: nothing of it reaches a terminal as a command to it.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};

/// Tells it on standard error, in one line. That nobody reads there is no failure.
pub(crate) fn tell(words: impl Display) {
    let line = harmless(&words.to_string());
    let _ = writeln!(io::stderr(), "parlour: {line}");
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

/// The same JSON with every such character as an escape (RFC 8259, 7). It is JSON already, so these can
/// only stand in its strings.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    let is_one =
        |char: char| char.is_control() || turns(char) || matches!(char, '\u{2028}' | '\u{2029}');
    if !json.contains(is_one) {
        return json.into();
    }
    let mut line = String::with_capacity(json.len() + 64);
    for char in json.chars() {
        if is_one(char) {
            let _ = write!(line, "\\u{:04x}", u32::from(char));
        } else {
            line.push(char);
        }
    }
    line.into()
}

/// Controls of the direction of writing (Unicode Standard Annex 9, 2).
fn turns(char: char) -> bool {
    matches!(
        char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
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

    #[test]
    fn json_keeps_its_meaning_without_a_control() {
        let every: String = (0x20..=0x2fff).filter_map(char::from_u32).collect();
        let json = serde_json::Value::from(&*every).to_string();
        let line = harmless_json(&json);
        assert!(!line.contains(|char: char| char.is_control() || turns(char)));
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), every);
        assert!(line.contains("\\u007f\\u0080") && line.contains("\\u202e"));
        assert!(matches!(harmless_json("\"é\""), Cow::Borrowed(_)));
    }
}
