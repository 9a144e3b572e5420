//! What the doors of a listener are opened with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlour_proto::RoomName;

use super::paths::DoorPaths;
use super::token::Token;
use crate::accounts::Accounts;
use crate::authority::Scheme;
use crate::limits::{
    BODY_BYTES_MAX, CONNECTION_SHARE, HANDSHAKE_TIME, TICKET_LIFETIME, TICKETS_OUTSTANDING_MAX,
};
use crate::origin::Origins;
use crate::proxies::Network;

/// What [`Doors::with`](crate::Doors::with) is given.
///
/// ```
/// use parlour::{DoorsConfig, Guests};
/// let mut config = DoorsConfig::new("127.0.0.1:8080".parse().unwrap());
/// config.guests = Guests::Nobody;
/// config.limits.ticket_lifetime = std::time::Duration::from_secs(2);
/// config.origins.allowed.push("https://chat.example".parse().unwrap());
/// ```
#[derive(Clone)]
pub struct DoorsConfig {
    /// Where the listener listens; a public address gets the public rules. For a listener that has no
    /// such address (a Unix socket) or gives none of its peers, take `0.0.0.0:0`: every request then
    /// counts as foreign and as one peer's, so [`guests`](Self::guests) and
    /// [`open_doors`](Self::open_doors) say who gets in, and the bounds for each address hold for all.
    pub bind: SocketAddr,
    /// Whether the listener speaks TLS: then its own origin is `https://`, and cookies are secure.
    pub is_tls: bool,
    /// Who is let in without an account.
    pub guests: Guests,
    /// Whose pages may use the doors, beside this server's own.
    pub origins: Origins,
    /// Proxies whose word is taken for the client's address, scheme and host. What comes from them
    /// is never local, whatever it says: who names a loopback address gives loopback up as a proof.
    pub trusted_proxies: Vec<Network>,
    /// Where the doors are.
    pub paths: DoorPaths,
    /// The room of `GET /plain` (default `general`).
    pub plain_room: RoomName,
    /// The room of `GET /subscribe` and `POST /publish` (default `general`).
    pub subscribe_room: RoomName,
    /// Doors that are open beyond loopback, too.
    pub open_doors: Vec<Door>,
    /// Whether messages are compressed for clients that offer it.
    pub compression: Compression,
    /// What publishing over HTTP asks for beyond loopback; without it nobody there can.
    pub publish_token: Option<Token>,
    /// What `GET /debug` asks for beyond loopback; without it nobody there can.
    pub operator_token: Option<Token>,
    /// Who has an account; `None`: there are only guests, and no `/login` and `/logout`.
    pub accounts: Option<Arc<dyn Accounts>>,
    /// What keeps the rooms; `None`: nothing that `GET /healthz` could ask.
    pub rooms: Option<Arc<dyn RoomsHealth>>,
    /// The bounds of the doors.
    pub limits: DoorLimits,
}

/// What `GET /healthz` and `GET /debug` ask of what keeps the rooms.
///
/// ```
/// use std::sync::Arc;
/// use parlour::{DoorsConfig, RoomsHealth};
///
/// struct Disk;
///
/// impl RoomsHealth for Disk {
///     fn trouble(&self) -> Option<String> {
///         Some("the disk is full: free some space".to_owned()) // told with a 503
///     }
/// }
///
/// let mut config = DoorsConfig::new("127.0.0.1:8080".parse().unwrap());
/// config.rooms = Some(Arc::new(Disk));
/// ```
pub trait RoomsHealth: Send + Sync + 'static {
    /// Why rooms cannot be stored or read now, and what to do; a line for each reason. It is told to
    /// everybody who asks, so it says no secret. Cheap: it is asked often.
    fn trouble(&self) -> Option<String>;

    /// What `GET /debug?format=json` shows beside the hub's own counters, by name.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

impl DoorsConfig {
    /// Doors for the listener at `bind`: plain HTTP, guests on loopback only, no accounts.
    #[must_use]
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            is_tls: false,
            guests: Guests::default(),
            origins: Origins::default(),
            trusted_proxies: Vec::new(),
            paths: DoorPaths::default(),
            plain_room: RoomName::general(),
            subscribe_room: RoomName::general(),
            open_doors: Vec::new(),
            compression: Compression::default(),
            publish_token: None,
            operator_token: None,
            accounts: None,
            rooms: None,
            limits: DoorLimits::default(),
        }
    }

    /// What the listener speaks.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.is_tls {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }
}

/// A door that is shut beyond loopback, unless [`DoorsConfig::open_doors`] has it.
///
/// ```
/// use parlour::{Door, DoorsConfig};
/// let mut config = DoorsConfig::new("0.0.0.0:8080".parse().unwrap());
/// config.open_doors.push(Door::Echo); // for everybody
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Door {
    /// `GET /echo`.
    Echo,
    /// `GET /debug`, which then shows its numbers to everybody.
    Debug,
    /// `POST /publish` and `POST /rooms/{room}/publish`, which ask for
    /// [`DoorsConfig::publish_token`] there.
    Publish,
    /// `GET /plain`.
    Plain,
    /// `GET /subscribe`.
    Subscribe,
    /// The [free doors](crate::Doors::free_door) of this dialect. If the hub does not speak it, the
    /// log says so when the doors are made.
    Free(&'static str),
}

/// Whether the doors' WebSockets agree on permessage-deflate (RFC 7692) with clients that offer it, as
/// browsers do.
///
/// Messages below 256 bytes are sent as they are. A message to a room is compressed once for all of its
/// members that speak the same dialect, and no connection keeps anything for it.
///
/// ```
/// use parlour::{Compression, DoorsConfig};
/// let mut config = DoorsConfig::new("127.0.0.1:8080".parse().unwrap());
/// config.compression = Compression::Off;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// With everybody who offers it.
    #[default]
    On,
    /// With nobody.
    Off,
}

/// Who is let in without an account.
///
/// ```
/// use parlour::{DoorsConfig, Guests};
/// let mut config = DoorsConfig::new("0.0.0.0:8080".parse().unwrap());
/// config.guests = Guests::Everybody;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guests {
    /// Nobody.
    Nobody,
    /// Who is on this machine, in the strict sense of [`Doors`](crate::Doors).
    #[default]
    Loopback,
    /// Everybody.
    Everybody,
}

/// The bounds of the doors, each with what happens over it.
///
/// ```
/// use parlour::DoorLimits;
/// let strict = DoorLimits { connections_per_address: 8, ..DoorLimits::default() };
/// # let _ = strict;
/// ```
#[derive(Clone, Debug)]
pub struct DoorLimits {
    /// How long a ticket lets its holder in, to the nanosecond (default 5 s); after it: 401.
    pub ticket_lifetime: Duration,
    /// Tickets that are neither used nor ended (default 10,000); over it: 429. Loopback can have
    /// three quarters of them, each other address 256, and all guests together three quarters.
    pub tickets_max: usize,
    /// Connections from one address, or one /64 of IPv6 (default 256; 0: no limit); over it: 429.
    pub connections_per_address: usize,
    /// Connections from one loopback address (default 20,000; 0: no limit); over it: 429.
    pub connections_per_loopback_address: usize,
    /// Body of a request in bytes (default 16 KiB); over it: 413. What is published has the bound
    /// of a message instead.
    pub body_bytes_max: usize,
    /// Time for the body of a request (default 10 s); after it: 408.
    pub body_time: Duration,
    /// Sign-ins that one address may try in a minute, right or wrong (default 10; 0: no limit);
    /// over it: 429.
    pub logins_per_minute_per_address: u32,
    /// Wrong passwords for one name in a minute (default 5; 0: no limit); over it: 429, except for
    /// an address that has not failed under that name in the last minute, which may try once.
    pub failed_logins_per_minute_per_name: u32,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            ticket_lifetime: TICKET_LIFETIME,
            tickets_max: TICKETS_OUTSTANDING_MAX,
            connections_per_address: CONNECTION_SHARE.address,
            connections_per_loopback_address: CONNECTION_SHARE.loopback,
            body_bytes_max: BODY_BYTES_MAX,
            body_time: HANDSHAKE_TIME,
            logins_per_minute_per_address: 10,
            failed_logins_per_minute_per_name: 5,
        }
    }
}
