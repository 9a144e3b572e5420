//! Names for guests who bring none.

use parlour_proto::UserName;

/// Digits that nobody mistakes for another one.
const DIGITS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const NAME_DIGITS: usize = 6;

/// `guest-` and six random digits; `None` without random bytes.
pub(super) fn name() -> Option<UserName> {
    let mut bytes = [0; NAME_DIGITS];
    getrandom::fill(&mut bytes).ok()?;
    let digits: String = bytes
        .iter()
        .map(|byte| char::from(DIGITS[usize::from(byte % 32)]))
        .collect();
    UserName::guest(&digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_name_has_the_mark_and_six_digits() {
        let name = name().unwrap();
        let digits = name.as_str().strip_prefix("guest-").unwrap();
        assert_eq!(digits.len(), NAME_DIGITS);
        assert!(digits.bytes().all(|byte| DIGITS.contains(&byte)));
    }
}
