//! Secrets that an operator hands out: one to publish with, one to look inside.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// A secret that the operator has chosen, e.g. for `Authorization: Bearer TOKEN`. Only its hash is
/// kept, and [`Debug`](fmt::Debug) hides that too.
///
/// ```
/// use parlour::{Token, TokenError};
/// assert!(Token::new("correct-horse-battery".to_owned()).is_ok());
/// assert_eq!(Token::new("short".to_owned()).unwrap_err(), TokenError::TooShort);
/// ```
#[derive(Clone)]
pub struct Token([u8; 32]);

/// Why a text is no [`Token`]. The operator's to mend.
///
/// ```
/// use parlour::{Token, TokenError};
/// assert_eq!(Token::new("guess".to_owned()).err(), Some(TokenError::TooShort));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing at all.
    #[error("a token must not be empty")]
    Empty,
    /// Fewer than 16 bytes: it could be guessed.
    #[error("a token has at least 16 bytes; `openssl rand -hex 32` makes a good one")]
    TooShort,
    /// More than 1,024 bytes: it would not fit into every client's header.
    #[error("a token has at most 1024 bytes")]
    TooLong,
    /// Something that a header's value cannot carry.
    #[error("a token has visible ASCII characters only, without blanks or line ends")]
    Character,
}

impl Token {
    /// Fewest bytes of a token.
    pub const BYTES_MIN: usize = 16;
    /// Most bytes of a token.
    pub const BYTES_MAX: usize = 1024;

    /// Takes a token of 16 to 1,024 visible ASCII characters; `text` is overwritten.
    ///
    /// # Errors
    /// [`TokenError`] says which rule the text breaks.
    pub fn new(mut text: String) -> Result<Self, TokenError> {
        let token = match text.len() {
            0 => Err(TokenError::Empty),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(TokenError::Character),
            1..Self::BYTES_MIN => Err(TokenError::TooShort),
            Self::BYTES_MIN..=Self::BYTES_MAX => Ok(Self(hash(&text))),
            _ => Err(TokenError::TooLong),
        };
        text.zeroize();
        token
    }

    /// Whether `text` is this token. Hashes are compared, and in constant time, so the time says
    /// nothing about how much of a guess is right.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.0.ct_eq(&hash(text)).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<Token, TokenError> {
        Token::new(text.to_owned())
    }

    #[test]
    fn a_token_is_long_enough_and_fits_a_header() {
        assert_eq!(token("").unwrap_err(), TokenError::Empty);
        assert_eq!(token(&"x".repeat(15)).unwrap_err(), TokenError::TooShort);
        assert!(token(&"x".repeat(16)).is_ok());
        assert!(token(&"x".repeat(1024)).is_ok());
        assert_eq!(token(&"x".repeat(1025)).unwrap_err(), TokenError::TooLong);
        for bad in [
            "0123456789abcdef\n",
            "0123456789 abcdef",
            "0123456789äbcdef",
            "\t",
        ] {
            assert_eq!(token(bad).unwrap_err(), TokenError::Character, "{bad:?}");
        }
    }

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = token("0123456789abcdef").unwrap();
        assert!(token.is("0123456789abcdef"));
        for wrong in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789abcdeF",
        ] {
            assert!(!token.is(wrong), "{wrong:?}");
        }
        assert_eq!(format!("{token:?}"), "Token(hidden)");
    }
}
