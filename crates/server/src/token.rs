//! Secrets that an operator keeps in files.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use parlour::Token;

use crate::ServeError;

/// The token in `path`, if one is named. The file must be this user's alone, as who reads it can do
/// what it is for.
pub(crate) fn read(path: Option<&Path>, flag: &'static str) -> Result<Option<Token>, ServeError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let bad = |reason: String| ServeError::Token {
        flag,
        path: path.into(),
        reason,
    };
    let unreadable = |error| {
        bad(format!(
            "cannot be read ({error}): name a file that this user can read"
        ))
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(bad(
            "is no file: name one with the token on its only line".into()
        ));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(bad(format!(
            "can be read by others: run chmod 600 {}",
            path.display()
        )));
    }
    let mut text = String::new();
    let most = u64::try_from(Token::BYTES_MAX).unwrap_or(u64::MAX) + 2;
    file.take(most)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    // An editor ends the line.
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Token::new(text)
        .map(Some)
        .map_err(|error| bad(format!("holds no token: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};

    #[test]
    fn a_token_is_a_line_of_a_file_of_this_user_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let put = |text: &str, mode| {
            write(&path, text).unwrap();
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            read(Some(&path), "publish-token-file")
        };
        for good in [
            "0123456789abcdef",
            "0123456789abcdef\n",
            "0123456789abcdef\r\n",
        ] {
            assert!(put(good, 0o600).unwrap().is_some());
        }
        for (text, mode, words) in [
            ("0123456789abcdef", 0o640, "chmod 600"),
            ("0123456789abcdef", 0o604, "chmod 600"),
            ("", 0o600, "empty"),
            ("\n", 0o600, "empty"),
            ("short", 0o600, "16 bytes"),
            (&"x".repeat(1_030), 0o600, "1024"),
            ("0123456789abcdef\n\n0123", 0o600, "line ends"),
        ] {
            let refused = put(text, mode).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
            assert!(
                refused.contains("--publish-token-file") && !refused.contains("0123"),
                "{refused}"
            );
        }
        assert!(read(None, "x").unwrap().is_none());
        for path in ["/nowhere/token", "/"] {
            assert!(read(Some(Path::new(path)), "x").is_err());
        }
    }
}
