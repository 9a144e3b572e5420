//! The secrets of sessions, and what is kept of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parlour::SessionSecret;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const SECRET_BYTES: usize = 32;
/// Digits of a secret in base64url without padding.
const SECRET_DIGITS: usize = 43;

/// What is kept instead of a secret: who reads it cannot come in with it, and looking it up takes a
/// time that says nothing about other secrets.
pub(crate) type SecretHash = [u8; 32];

/// A new secret of 256 bits; `None` if the operating system gave no random bytes.
pub(crate) fn make() -> Option<SessionSecret> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    getrandom::fill(&mut *bytes).ok()?;
    Some(SessionSecret::new(URL_SAFE_NO_PAD.encode(*bytes)))
}

/// What is kept of `secret`; `None` if it has not the form of one.
pub(crate) fn hash(secret: &str) -> Option<SecretHash> {
    (secret.len() == SECRET_DIGITS).then(|| Sha256::digest(secret).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_have_a_hash() {
        let (a, b) = (make().unwrap(), make().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_ne!(hash(a.expose()), hash(b.expose()));
        assert!(hash(a.expose()).is_some());
        assert_eq!(hash(""), None);
        assert_eq!(hash(&"x".repeat(100_000)), None);
    }
}
