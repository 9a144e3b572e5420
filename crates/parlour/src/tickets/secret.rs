//! The secret itself: 256 random bits.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::pile::Hash;

const BYTES: usize = 32;
/// Digits of a secret in base64url without padding.
pub(super) const DIGITS: usize = 43;

/// The secret of a ticket: 43 digits that fit an address, a header and a subprotocol. Shown once, to
/// whom it is for; [`Debug`](fmt::Debug) hides it, and it is overwritten when it is dropped.
///
/// ```
/// let tickets = parlour::Tickets::new(std::time::Duration::from_secs(5), 100);
/// let secret = tickets.issue("ann")?;
/// assert_eq!(secret.expose().len(), 43);
/// assert_eq!(format!("{secret:?}"), "TicketSecret(hidden)");
/// # Ok::<(), parlour::IssueError>(())
/// ```
pub struct TicketSecret(Zeroizing<String>);

impl TicketSecret {
    /// `None` without random bytes.
    pub(super) fn random() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes).ok()?;
        Some(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))))
    }

    /// The secret as text; not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> Hash {
        Hash::of(&self.0).expect("a random secret has the form of one")
    }
}

impl fmt::Debug for TicketSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketSecret(hidden)")
    }
}

pub(super) fn has_form(secret: &str) -> bool {
    secret.len() == DIGITS
}
