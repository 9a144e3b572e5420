//! What a client is told without having asked.

use std::time::Duration;

use bytes::Bytes;
use parlour_proto::told::{Hello, Said};
use parlour_proto::{Missed, Position, RoomName, Seq};

use crate::error::{ConnectError, Ended, Lost};

/// One thing that happened. Entries and gaps of a room come in the room's order.
///
/// ```
/// use parlour_client::{Client, Config, Event, Join, RoomName};
///
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let url = server().await?;
/// let config = Config::new(&url)?.guest("ann");
/// let (client, mut events) = Client::connect(config).await?;
/// let room = RoomName::general();
/// client.join(Join::next(room.clone())).await?;
/// client.say(&room, "hello").await?;
/// let text = loop {
///     match events.next().await.ok_or("the end")? {
///         Event::Entry(said) => break said.text(),
///         Event::Gap { room, missed } => panic!("missed in {room}: {missed:?}"),
///         _ => {}
///     }
/// };
/// assert_eq!(text.as_deref(), Some("hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The connection is open: the first time, and every time after it was away. It says who this
    /// client speaks as now. The rooms are joined again after it, each told with
    /// [`Joined`](Self::Joined).
    Connected(Hello),
    /// The connection was lost, or could not be opened; it is tried again, and the rooms go on where they were. While nobody
    /// reads, the last attempt stands for all.
    Away {
        /// What happened.
        why: Away,
        /// When it is tried next, from now.
        retry_in: Duration,
    },
    /// In a room: asked for by this client, or put into it by the application that embeds the server.
    Joined {
        /// Which room.
        room: RoomName,
        /// What was joined.
        joined: Joined,
        /// Whether it is a room that this client was in before it was away.
        is_back: bool,
    },
    /// Something was said.
    Entry(Said),
    /// Entries that will not come: trimmed before they could be sent, or of another epoch; or this
    /// stream was full while a call waited for its answer.
    Gap {
        /// Which room.
        room: RoomName,
        /// What is missing.
        missed: Missed,
    },
    /// Who is in a room; replaces all that was told before.
    Presence {
        /// Which room.
        room: RoomName,
        /// How many users.
        count: u64,
        /// Who they are, unless they are too many.
        users: Option<Vec<String>>,
    },
    /// Who came and went since then.
    PresenceChange {
        /// Which room.
        room: RoomName,
        /// How many users there are now.
        count: u64,
        /// Those who are new.
        came: Vec<String>,
        /// Those who are no longer here.
        went: Vec<String>,
    },
    /// The application that embeds the server tells this client something of its own.
    Told {
        /// What it is.
        kind: String,
        /// JSON text.
        payload: Bytes,
    },
    /// In a room no longer: asked for, or refused when this client came back.
    Left {
        /// Which room.
        room: RoomName,
    },
    /// The server refused something that no call waits for.
    Refused {
        /// For programs.
        code: String,
        /// For people.
        message: String,
        /// The room that it is about.
        room: Option<RoomName>,
    },
    /// The file of [`Config::outbox`](crate::Config::outbox) cannot be written: what is to be published is refused
    /// with [`CallError::Outbox`](crate::CallError::Outbox) until it can. It is tried again by itself.
    OutboxFailed {
        /// What the system says.
        why: String,
    },
    /// The file is written again, with all that is not delivered.
    OutboxMended,
    /// The last: the client has ended and does not come back.
    Ended(Ended),
}

impl Event {
    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let of_users = |users: &[String]| -> usize {
            let bytes = users.iter().map(|it| size_of::<String>() + it.len());
            bytes.sum()
        };
        let of_room = |room: &RoomName| room.as_str().len();
        size_of::<Self>()
            + match self {
                Self::Connected(hello) => hello.version.len() + hello.user.len(),
                Self::Away { why, .. } => why.to_string().len(),
                Self::Entry(said) => {
                    let id = said.id.as_ref().map_or(0, |id| id.as_str().len());
                    let named = of_room(&said.room) + said.kind.as_str().len() + said.from.len();
                    named + id + said.payload.len()
                }
                Self::Joined { room, .. } | Self::Gap { room, .. } | Self::Left { room } => {
                    of_room(room)
                }
                Self::Presence { room, users, .. } => {
                    of_room(room) + users.as_deref().map_or(0, of_users)
                }
                Self::PresenceChange {
                    room, came, went, ..
                } => of_room(room) + of_users(came) + of_users(went),
                Self::Told { kind, payload } => kind.len() + payload.len(),
                Self::Refused {
                    code,
                    message,
                    room,
                } => code.len() + message.len() + room.as_ref().map_or(0, of_room),
                Self::OutboxFailed { why } => why.len(),
                Self::OutboxMended => 0,
                Self::Ended(ended) => ended.to_string().len(),
            }
    }
}

/// Why a client is away.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Away {
    /// The connection was lost.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// It could not be opened, or not again.
    #[error(transparent)]
    Failed(#[from] ConnectError),
}

/// A room that was joined.
///
/// ```
/// use parlour_client::{Client, Config, Join, RoomName};
///
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let url = server().await?;
/// let config = Config::new(&url)?.guest("ann");
/// let (client, _events) = Client::connect(config).await?;
/// let room = RoomName::general();
/// client.join(Join::next(room.clone())).await?;
/// client.say(&room, "hello").await?;
/// let (reader, _events) = Client::connect(Config::new(&url)?.guest("bob")).await?;
/// let joined = reader.join(Join::next(room)).await?;
/// assert_eq!(joined.position.seq, joined.head, "from the next entry on: nothing is replayed");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Everything after it comes.
    pub position: Position,
    /// The room's last entry at that moment: what comes up to it is a replay.
    pub head: Seq,
}

/// How a client is.
///
/// ```
/// use parlour_client::{Client, Config, Ended, Status};
///
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let url = server().await?;
/// let (client, _events) = Client::start(Config::new(&url)?.guest("ann"))?;
/// assert_eq!(client.status(), Status::Connecting);
/// client.until(|status| matches!(status, Status::Connected { .. })).await;
/// client.close().await;
/// assert_eq!(client.status(), Status::Ended(Ended::Closed));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Connected, as this user.
    Connected {
        /// The user's name.
        user: String,
        /// Whether that is a guest.
        guest: bool,
    },
    /// Not connected yet: the first attempt is under way.
    Connecting,
    /// Not connected; it comes back.
    Away,
    /// Not connected; it does not come back.
    Ended(Ended),
}
