//! The values that the settings have together, in the words of what they are for.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use parlour::{
    Compression, DoorLimits, DoorPath, DoorPaths, Guests, Limits, ListenerLimits, Network, Origin,
    Origins, RoomKinds, RoomName, Route, SamePath,
};
use parlour_accounts::BookConfig;
use parlour_store_redb::StoreConfig;

use super::kind::{Choose, Item};
use super::room_rule::{self, RoomRule};

/// How the server runs. The bounds and their defaults are those of the parts that enforce them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. Port 0 picks a free one.
    pub address: SocketAddr,
    /// Plain HTTP on an address that others can reach.
    pub is_insecure: bool,
    /// Proxies whose word is taken for the client's address.
    pub trusted_proxies: Vec<Network>,
    /// Whose pages may use the doors.
    pub origins: Origins,
    /// Doors that are open to everybody.
    pub doors: Vec<Door>,
    /// Where the doors are.
    pub paths: Paths,
    /// The room of the door for plain text.
    pub plain_room: RoomName,
    /// The room of the door for subscribers.
    pub subscribe_room: RoomName,
    /// Whether messages are compressed for clients that offer it.
    pub compression: Compression,
    /// The pages, instead of the built-in one.
    pub web_root: Option<PathBuf>,
    /// Where the certificate comes from, unless it is given as a file.
    pub tls: TlsMode,
    /// The certificate and its chain, PEM.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Who is let in without an account.
    pub guests: Guests,
    /// The file with the secret for publishing over HTTP from elsewhere.
    pub publish_token_file: Option<PathBuf>,
    /// The file with the secret for `/debug` from elsewhere.
    pub operator_token_file: Option<PathBuf>,
    /// Which rooms are kept on disk, and how much of them: the first rule that names a room holds, and
    /// behind them all [`RoomRule::usual`].
    pub rooms: Vec<RoomRule>,
    /// Files that rooms are spread over, when a data directory is made.
    pub store_partitions: u32,
    /// The data directory, made if it is not there.
    pub data: PathBuf,
    /// The longest that a stop takes.
    pub shutdown_timeout: Duration,
    /// What is logged, e.g. `info` or `parlour=debug,info`.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// The bounds of the engine.
    pub limits: Limits,
    /// The bounds of the doors.
    pub door_limits: DoorLimits,
    /// The bounds of HTTP.
    pub listener_limits: ListenerLimits,
    /// The bounds of the accounts.
    pub accounts: BookConfig,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8080).into(),
            is_insecure: false,
            trusted_proxies: Vec::new(),
            origins: Origins::default(),
            doors: Vec::new(),
            paths: Paths::default(),
            plain_room: RoomName::general(),
            subscribe_room: RoomName::general(),
            compression: Compression::default(),
            web_root: None,
            tls: TlsMode::Off,
            tls_cert: None,
            tls_key: None,
            guests: Guests::Loopback,
            publish_token_file: None,
            operator_token_file: None,
            rooms: vec![RoomRule::usual()],
            store_partitions: u32::from(StoreConfig::default().partitions),
            data: "parlour-data".into(),
            shutdown_timeout: Duration::from_secs(10),
            log: "info".into(),
            log_format: LogFormat::Text,
            limits: Limits::default(),
            door_limits: DoorLimits::default(),
            listener_limits: ListenerLimits::default(),
            accounts: BookConfig::default(),
        }
    }
}

impl Settings {
    /// Whether the server speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls == TlsMode::SelfSigned || self.tls_cert.is_some()
    }

    /// What holds for which rooms.
    #[must_use]
    pub fn room_kinds(&self) -> RoomKinds {
        room_rule::kinds(&self.rooms)
    }

    /// Whether others than this machine can reach the address.
    #[must_use]
    pub fn is_public(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }
}

/// Where the doors are to be. Two may still have the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths([DoorPath; Route::ALL.len()]);

impl Default for Paths {
    fn default() -> Self {
        Self(Route::ALL.map(Route::usual_path))
    }
}

impl Paths {
    /// Where one is to be.
    #[must_use]
    pub fn of(&self, route: Route) -> &DoorPath {
        &self.0[route as usize]
    }

    pub(super) fn of_mut(&mut self, route: Route) -> &mut DoorPath {
        &mut self.0[route as usize]
    }

    /// The same, each in its own place.
    ///
    /// # Errors
    /// [`SamePath`].
    pub fn checked(&self) -> Result<DoorPaths, SamePath> {
        DoorPaths::moved(Route::ALL.into_iter().zip(self.0.iter().cloned()))
    }
}

/// Where the certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Plain HTTP, unless a certificate is given as a file.
    Off,
    /// Made by the server, and kept in the data directory.
    SelfSigned,
}

/// The form of a line of the log, on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    Text,
    /// One JSON object per line.
    Json,
}

/// A door that can be opened to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `/echo`.
    Echo,
    /// `/plain`.
    Plain,
    /// `/subscribe`.
    Subscribe,
    /// `POST /publish` and `POST /rooms/{room}/publish`, which ask for a token.
    Publish,
    /// `/debug`, which then asks nobody for a token.
    Debug,
}

impl Door {
    const ALL: [(&'static str, Self); 5] = [
        ("echo", Self::Echo),
        ("plain", Self::Plain),
        ("subscribe", Self::Subscribe),
        ("publish", Self::Publish),
        ("debug", Self::Debug),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Plain => "plain",
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::Debug => "debug",
        }
    }
}

impl Choose for TlsMode {
    fn value_name(&self) -> &'static str {
        "off|self-signed"
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("off", "plain HTTP"),
            (
                "self-signed",
                "a certificate for tests, made and kept in the data directory",
            ),
        ]
    }

    fn chosen(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::SelfSigned => "self-signed",
        }
    }

    fn choose(&mut self, word: &str) {
        *self = if word == "self-signed" {
            Self::SelfSigned
        } else {
            Self::Off
        };
    }
}

impl Choose for LogFormat {
    fn value_name(&self) -> &'static str {
        "text|json"
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("text", "lines for people"),
            ("json", "one JSON object per line"),
        ]
    }

    fn chosen(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    fn choose(&mut self, word: &str) {
        *self = if word == "json" {
            Self::Json
        } else {
            Self::Text
        };
    }
}

impl Choose for Guests {
    fn value_name(&self) -> &'static str {
        "nobody|loopback|everybody"
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("nobody", "an account is needed"),
            ("loopback", "who is on this machine"),
            ("everybody", "who can reach the server"),
        ]
    }

    fn chosen(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Loopback => "loopback",
            Self::Everybody => "everybody",
        }
    }

    fn choose(&mut self, word: &str) {
        *self = match word {
            "nobody" => Self::Nobody,
            "everybody" => Self::Everybody,
            _ => Self::Loopback,
        };
    }
}

impl Choose for Compression {
    fn value_name(&self) -> &'static str {
        "on|off"
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &[("on", "for everybody who offers it"), ("off", "for nobody")]
    }

    fn chosen(&self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    fn choose(&mut self, word: &str) {
        *self = if word == "off" { Self::Off } else { Self::On };
    }
}

impl Item for Door {
    fn show(&self) -> String {
        self.name().into()
    }

    fn parse(typed: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == typed);
        found.map(|(_, door)| *door).ok_or_else(|| {
            format!("`{typed}` is no door: use echo, plain, subscribe, publish or debug")
        })
    }
}

impl Item for Network {
    fn show(&self) -> String {
        self.to_string()
    }

    /// A single address is a network of one.
    fn parse(typed: &str) -> Result<Self, String> {
        typed.parse().map_err(|_| {
            format!(
                "`{typed}` is no network: use an address or ADDRESS/BITS, for example 10.0.0.0/8"
            )
        })
    }
}

impl Item for Origin {
    fn show(&self) -> String {
        self.to_string()
    }

    fn parse(typed: &str) -> Result<Self, String> {
        typed.parse().map_err(|error| format!("`{typed}`: {error}"))
    }
}
