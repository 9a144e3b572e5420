//! Which offer of a client is accepted, and with which words: RFC 7692, 5 and 7.1.

const NAME: &str = "permessage-deflate";

/// How far back the server's compressed data refers within a message.
///
/// There are two, so that what is compressed for many is compressed at most twice: the usual one, and
/// the smallest that zlib has for clients that ask for less. RFC 7692, 7.1.2.1 lets a server answer
/// with less than was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// 32 KiB, 15 bits: for who asks for nothing, or for that.
    Full,
    /// 512 bytes, 9 bits: for who asks for 9 to 14.
    Small,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Full, Self::Small];

    /// Its size as the power of two that RFC 7692 counts in.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Full => 15,
            Self::Small => 9,
        }
    }

    /// The largest that keeps to an offer's `server_max_window_bits`. For 8 there is none: zlib
    /// cannot compress so.
    fn within(bits_max: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.bits() <= bits_max)
    }
}

/// An offer that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// What to compress with.
    pub window: Window,
    /// The offer had a word about it, so the answer must have one, too.
    is_window_named: bool,
}

impl Agreed {
    /// The value of the answer's `Sec-WebSocket-Extensions` header. Both sides go without context
    /// takeover, which a server may say unasked (RFC 7692, 7.1.1).
    #[must_use]
    pub const fn answer(self) -> &'static str {
        match (self.is_window_named, self.window) {
            (false, _) => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            }
            (true, Window::Full) => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=15"
            }
            (true, Window::Small) => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=9"
            }
        }
    }
}

/// The first offer that can be accepted, of those that
/// [`Upgrade::extensions`](crate::handshake::Upgrade::extensions) lists; `None` declines them all.
///
/// Each offer stands for itself: one with a parameter that is unknown, repeated or has a value that it
/// must not have is declined (RFC 7692, 7.1), and the next is looked at. Other extensions are passed
/// over.
///
/// ```
/// use parlour_ws::deflate::{Window, negotiate};
///
/// let offers = [
///     "x-webkit-deflate-frame",
///     "permessage-deflate; server_max_window_bits=8", // zlib cannot
///     "permessage-deflate; server_max_window_bits=10",
/// ];
/// let agreed = negotiate(offers).expect("the third");
/// assert_eq!(agreed.window, Window::Small);
/// assert!(agreed.answer().ends_with("; server_max_window_bits=9"));
/// assert_eq!(negotiate(["permessage-deflate; server_max_window_bits=8"]), None);
/// ```
pub fn negotiate<'a>(offers: impl IntoIterator<Item = &'a str>) -> Option<Agreed> {
    offers.into_iter().find_map(accept)
}

/// The parameters of an offer, each at most once.
#[derive(Default)]
struct Offer {
    server_no_context_takeover: Option<()>,
    client_no_context_takeover: Option<()>,
    server_max_window_bits: Option<u8>,
    /// The largest that the client will use, or no number. It binds nobody: every window of a client
    /// can be inflated.
    client_max_window_bits: Option<Option<u8>>,
}

fn accept(offer: &str) -> Option<Agreed> {
    let mut pieces = offer.split(';').map(trim);
    if pieces.next() != Some(NAME) {
        return None;
    }
    let mut offer = Offer::default();
    for piece in pieces {
        let (name, value) = match piece.split_once('=') {
            Some((name, value)) => (trim(name), Some(trim(value))),
            None => (piece, None),
        };
        match name {
            "server_no_context_takeover" => {
                once(&mut offer.server_no_context_takeover, nothing(value)?)?;
            }
            "client_no_context_takeover" => {
                once(&mut offer.client_no_context_takeover, nothing(value)?)?;
            }
            "server_max_window_bits" => once(&mut offer.server_max_window_bits, bits(value?)?)?,
            "client_max_window_bits" => {
                let bits = match value {
                    Some(value) => Some(bits(value)?),
                    None => None,
                };
                once(&mut offer.client_max_window_bits, bits)?;
            }
            _ => return None,
        }
    }
    let asked = offer.server_max_window_bits;
    Some(Agreed {
        window: Window::within(asked.unwrap_or(Window::Full.bits()))?,
        is_window_named: asked.is_some(),
    })
}

/// White space as headers have it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A parameter that is there a second time spoils its offer.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn nothing(value: Option<&str>) -> Option<()> {
    value.is_none().then_some(())
}

/// 8 to 15, without leading zeros (RFC 7692, 7.1.2), perhaps in quotes (RFC 6455, 9.1).
fn bits(value: &str) -> Option<u8> {
    let quoted = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let digits = match quoted {
        Some(quoted) => unescaped(quoted)?,
        None => value.to_owned(),
    };
    (8..=15).find(|bits: &u8| bits.to_string() == digits)
}

/// The content of a quoted string: a backslash stands for what follows it.
fn unescaped(quoted: &str) -> Option<String> {
    let mut chars = quoted.chars();
    let mut content = String::new();
    while let Some(char) = chars.next() {
        content.push(if char == '\\' { chars.next()? } else { char });
    }
    Some(content)
}
