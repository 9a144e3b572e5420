//! A password from a terminal or from standard input; never from an argument.

use std::io::{self, Read};

use parlour_server::users::{PASSWORD_CHARACTERS_MIN, Password};

/// Longest line on standard input, in bytes; the book says which passwords are too long.
const LINE_BYTES_MAX: u64 = 8 * 1024;

/// Where it comes from.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// Typed twice, for this user.
    Terminal(&'a str),
    Stdin,
}

impl<'a> Asked<'a> {
    pub(super) fn of(name: &'a str, is_stdin: bool) -> Self {
        if is_stdin {
            Self::Stdin
        } else {
            Self::Terminal(name)
        }
    }
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("there is no terminal to ask for the password ({0}): give it with --password-stdin")]
    NoTerminal(io::Error),
    #[error("the two passwords differ, nothing was changed: type the same one twice")]
    Differ,
    #[error("the password is too short: at least {PASSWORD_CHARACTERS_MIN} characters")]
    TooShort,
    #[error("standard input cannot be read as text ({0}): give one line in UTF-8")]
    Unreadable(io::Error),
    #[error("standard input is empty: give the password as one line")]
    Empty,
    #[error("standard input has more than one line: give the password alone")]
    ManyLines,
}

pub(super) fn ask(asked: Asked<'_>) -> Result<Password, PasswordError> {
    match asked {
        Asked::Terminal(name) => typed_twice(name),
        Asked::Stdin => one_line(io::stdin().lock()),
    }
}

fn typed_twice(name: &str) -> Result<Password, PasswordError> {
    let typed = |prompt: String| {
        let typed = rpassword::prompt_password(prompt).map_err(PasswordError::NoTerminal)?;
        Ok(Password::new(typed))
    };
    let first = typed(format!("Password for {name}: "))?;
    if first.expose().chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(PasswordError::TooShort);
    }
    let second = typed("The same again: ".into())?;
    if first.expose() != second.expose() {
        return Err(PasswordError::Differ);
    }
    Ok(first)
}

fn one_line(input: impl Read) -> Result<Password, PasswordError> {
    // Large enough from the start: growing would leave copies behind.
    let mut text = String::with_capacity(2 * LINE_BYTES_MAX as usize);
    let read = input.take(LINE_BYTES_MAX).read_to_string(&mut text);
    read.map_err(PasswordError::Unreadable)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    let password = Password::new(text);
    if password.expose().is_empty() {
        return Err(PasswordError::Empty);
    }
    if password.expose().contains(['\n', '\r']) {
        return Err(PasswordError::ManyLines);
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<String, PasswordError> {
        one_line(input).map(|password| password.expose().to_owned())
    }

    #[test]
    fn the_end_of_the_line_is_no_part_of_the_password() {
        assert_eq!(read(b"correct horse\n").unwrap(), "correct horse");
        assert_eq!(read(b"correct horse\r\n").unwrap(), "correct horse");
        assert_eq!(read(b"correct horse").unwrap(), "correct horse");
        assert_eq!(read(b" blanks stay \n").unwrap(), " blanks stay ");
    }

    #[test]
    fn what_is_no_single_line_is_refused() {
        assert!(matches!(read(b""), Err(PasswordError::Empty)));
        assert!(matches!(read(b"\n"), Err(PasswordError::Empty)));
        assert!(matches!(read(b"a\n\n"), Err(PasswordError::ManyLines)));
        assert!(matches!(read(b"a\nb"), Err(PasswordError::ManyLines)));
        assert!(matches!(read(b"\xff\n"), Err(PasswordError::Unreadable(_))));
    }
}
