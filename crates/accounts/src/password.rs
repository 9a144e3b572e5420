//! Passwords: argon2id, and the same work whoever is asked for.

use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use parlour::Password;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::ChangeError;

/// The longest password, in bytes as it is typed.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// The shortest password that a user can be given, in characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;

/// 19 MiB and two passes in one lane: what OWASP's Password Storage Cheat Sheet asks for at least.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes passwords and checks them.
#[derive(Debug)]
pub(crate) struct Passwords {
    params: Params,
    /// Checked where there is no user, so that this takes as long.
    nobodys: String,
    computations: AtomicU64,
}

/// There was no memory for a hash, or there were no random bytes for its salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoHash;

impl Passwords {
    pub(crate) fn new() -> Result<Self, NoHash> {
        Self::with(MEMORY_KIB, PASSES, LANES)
    }

    fn with(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, NoHash> {
        let params = Params::new(memory_kib, passes, lanes, None).map_err(|_| NoHash)?;
        Ok(Self {
            nobodys: nobodys(&params)?,
            params,
            computations: AtomicU64::new(0),
        })
    }

    /// The PHC string of a password that a user is to have.
    pub(crate) fn hash(&self, password: &Password) -> Result<String, NoHash> {
        self.compute(normal(password).as_bytes())
    }

    /// Whether `password` is that of `stored`, a PHC string. Without one the answer is no, after
    /// the same work.
    pub(crate) fn verify(&self, password: &Password, stored: Option<&str>) -> bool {
        let Ok(hash) = PasswordHash::new(stored.unwrap_or(&self.nobodys)) else {
            return false;
        };
        self.computations.fetch_add(1, Ordering::Relaxed);
        // The parameters are those of the stored hash.
        let is_right = self
            .argon2()
            .verify_password(normal(password).as_bytes(), &hash)
            .is_ok();
        is_right && stored.is_some()
    }

    /// Whether `stored` was made with less than today's parameters.
    pub(crate) fn is_outgrown(&self, stored: &str) -> bool {
        let Ok(hash) = PasswordHash::new(stored) else {
            return true;
        };
        let Ok(params) = Params::try_from(&hash) else {
            return true;
        };
        let is_argon2id = hash.algorithm == Algorithm::Argon2id.ident();
        !is_argon2id
            || params.m_cost() < self.params.m_cost()
            || params.t_cost() < self.params.t_cost()
    }

    /// How often argon2 was computed since the start.
    pub(crate) fn computations(&self) -> u64 {
        self.computations.load(Ordering::Relaxed)
    }

    fn compute(&self, password: &[u8]) -> Result<String, NoHash> {
        self.computations.fetch_add(1, Ordering::Relaxed);
        let hash: PasswordHash = self.argon2().hash_password(password).map_err(|_| NoHash)?;
        Ok(hash.to_string())
    }

    fn argon2(&self) -> Argon2<'_> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }
}

/// A hash that no password is known to have: random bytes. Computing it would cost every start 19 MiB,
/// which the allocator keeps for a while.
fn nobodys(params: &Params) -> Result<String, NoHash> {
    let mut random = [0; 16 + Params::DEFAULT_OUTPUT_LEN];
    getrandom::fill(&mut random).map_err(|_| NoHash)?;
    let (salt, output) = random.split_at(16);
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| NoHash)?,
        salt: Some(Salt::new(salt).map_err(|_| NoHash)?),
        hash: Some(Output::new(output).map_err(|_| NoHash)?),
    };
    Ok(hash.to_string())
}

/// Whether a password can be right at all. Says nothing about users.
pub(crate) fn can_be_right(password: &Password) -> bool {
    (1..=PASSWORD_BYTES_MAX).contains(&password.expose().len())
}

/// Whether a user can be given this password.
pub(crate) fn check_new(password: &Password) -> Result<(), ChangeError> {
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Err(ChangeError::PasswordTooLong);
    }
    if normal(password).chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(ChangeError::PasswordTooShort);
    }
    Ok(())
}

/// Keyboards differ in how they write an é; the password is the same (RFC 8265, 4.2.2: NFC).
fn normal(password: &Password) -> Zeroizing<String> {
    let typed = password.expose();
    // NFC makes UTF-8 three times as long at most: no copy is left behind by growing.
    let mut normal = Zeroizing::new(String::with_capacity(typed.len() * 3));
    normal.extend(typed.nfc());
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.into())
    }

    fn cheap() -> Passwords {
        Passwords::with(8, 1, 1).unwrap()
    }

    #[test]
    fn nothing_is_computed_before_somebody_asks_and_then_as_much_for_nobody() {
        let passwords = Passwords::new().unwrap();
        assert_eq!(passwords.computations(), 0);
        assert!(!passwords.is_outgrown(&passwords.nobodys));
        let of_somebody = passwords.hash(&password("x")).unwrap();
        let shape = |stored: &str| {
            let hash = PasswordHash::new(stored).unwrap();
            let lens = (hash.salt.unwrap().len(), hash.hash.unwrap().len());
            (hash.algorithm, hash.version, hash.params, lens)
        };
        assert_eq!(shape(&passwords.nobodys), shape(&of_somebody));
    }

    #[test]
    fn the_parameters_are_those_that_are_stated() {
        let stored = Passwords::new().unwrap().hash(&password("x")).unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
    }

    #[test]
    fn only_the_right_password_is_right() {
        let passwords = cheap();
        let stored = passwords.hash(&password("correct horse")).unwrap();
        assert!(passwords.verify(&password("correct horse"), Some(&stored)));
        assert!(!passwords.verify(&password("correct horsE"), Some(&stored)));
        assert!(!passwords.verify(&password("correct horse"), None));
        assert!(!passwords.verify(&password("correct horse"), Some("damaged")));
    }

    #[test]
    fn salts_differ() {
        let passwords = cheap();
        let hash = || passwords.hash(&password("same")).unwrap();
        assert_ne!(hash(), hash());
    }

    #[test]
    fn two_ways_to_write_an_accent_are_one_password() {
        let passwords = cheap();
        let stored = passwords.hash(&password("caf\u{e9} au lait")).unwrap();
        assert!(passwords.verify(&password("cafe\u{301} au lait"), Some(&stored)));
    }

    #[test]
    fn weaker_parameters_are_outgrown_and_stronger_ones_are_not() {
        let weak = Passwords::with(8, 1, 1).unwrap();
        let strong = Passwords::with(16, 2, 1).unwrap();
        let by_weak = weak.hash(&password("x")).unwrap();
        let by_strong = strong.hash(&password("x")).unwrap();
        assert!(strong.is_outgrown(&by_weak));
        assert!(!weak.is_outgrown(&by_strong));
        assert!(!strong.is_outgrown(&by_strong));
        assert!(strong.is_outgrown("damaged"));
        assert!(strong.verify(&password("x"), Some(&by_weak)), "still right");
    }

    #[test]
    fn new_passwords_have_a_length() {
        assert_eq!(
            check_new(&password("7 chars")),
            Err(ChangeError::PasswordTooShort)
        );
        assert_eq!(check_new(&password("8 chars.")), Ok(()));
        assert_eq!(check_new(&password("éééééééé")), Ok(()));
        assert_eq!(check_new(&password(&"x".repeat(1024))), Ok(()));
        assert_eq!(
            check_new(&password(&"x".repeat(1025))),
            Err(ChangeError::PasswordTooLong)
        );
        assert!(can_be_right(&password("x")));
        assert!(!can_be_right(&password("")));
        assert!(!can_be_right(&password(&"x".repeat(1025))));
    }
}
