//! Standard input, line by line.

use std::io::{self, BufRead, Read};

/// Longest line, in bytes; a server takes far less unless it is told otherwise.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;

/// Why there is no next line. Whoever writes to our input can mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("standard input cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("line {0} of standard input is not UTF-8")]
    NotUtf8(u64),
    #[error("line {0} of standard input has more than {LINE_BYTES_MAX} bytes")]
    TooLong(u64),
}

/// A reader that knows where it is.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// The next line without its end; `None` at the end of the input.
    pub(crate) fn next(&mut self) -> Result<Option<String>, LineError> {
        self.number += 1;
        let mut bytes = Vec::new();
        let most = LINE_BYTES_MAX as u64 + 2;
        if self
            .input
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut bytes)?
            == 0
        {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        if bytes.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong(self.number));
        }
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| LineError::NotUtf8(self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let mut lines = Lines::new(&b"a\n\n  b \r\nlast"[..]);
        let mut next = || lines.next().unwrap();
        assert_eq!(next().as_deref(), Some("a"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("  b "));
        assert_eq!(next().as_deref(), Some("last"));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_line_that_is_no_text_or_too_long_is_named() {
        let mut lines = Lines::new(&b"a\n\xff\n"[..]);
        lines.next().unwrap();
        assert!(matches!(lines.next(), Err(LineError::NotUtf8(2))));
        let fits = vec![b'x'; LINE_BYTES_MAX];
        assert!(Lines::new(&fits[..]).next().is_ok());
        let long = vec![b'x'; LINE_BYTES_MAX + 1];
        assert!(matches!(
            Lines::new(&long[..]).next(),
            Err(LineError::TooLong(1))
        ));
    }
}
