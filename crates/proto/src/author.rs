//! Who said an entry, beside the name: what the free doors know of him.

use std::fmt;

use sha1_smol::Sha1;

/// What a client at `/plain` is told apart by, whatever its nickname: 16 bytes, shown as 32
/// lower-case hexadecimal digits (docs/seeds.md, 1.09).
///
/// ```
/// use parlour_proto::ClientId;
/// assert_eq!(ClientId::SERVER.to_string(), "0".repeat(32));
/// assert_eq!(ClientId::of_name("ann"), ClientId::of_name("ann"));
/// assert_ne!(ClientId::of_name("ann"), ClientId::of_name("bob"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId([u8; 16]);

impl ClientId {
    /// The server's own, in its answers: all zeros.
    pub const SERVER: Self = Self([0; 16]);

    /// That of these bytes, which whoever gives out ids draws at random.
    ///
    /// ```
    /// use parlour_proto::ClientId;
    /// assert_eq!(ClientId::from_bytes([0; 16]), ClientId::SERVER);
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As [`from_bytes`](Self::from_bytes) takes it.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// A stable one for who is not at `/plain`: the first 16 bytes of the name's SHA-1.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let digest = Sha1::from(name).digest().bytes();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the free doors know of who said an entry. Each shows its own people by their bare name, and
/// all others as everybody does.
///
/// ```
/// use parlour_proto::{Author, ClientId};
/// assert_eq!(Author::Named.id("ann"), ClientId::of_name("ann"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Author {
    /// Nothing more than the name.
    #[default]
    Named,
    /// Somebody at `/plain`; `from` is `guest-` and the nickname.
    Plain(ClientId),
    /// Whoever sent it to `POST /publish`; `from` is `guest-` and the name given there.
    Published,
}

impl Author {
    /// The id that `/plain` shows for him.
    #[must_use]
    pub fn id(self, from: &str) -> ClientId {
        match self {
            Self::Plain(id) => id,
            Self::Named | Self::Published => ClientId::of_name(from),
        }
    }
}
