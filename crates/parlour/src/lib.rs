//! Rooms in which nothing that was acknowledged is lost, for an axum application.
//!
//! A *room* is a log, a *connection* is a cursor into it. What somebody publishes gets a number, is
//! acknowledged, and is told to everybody in the room in one order, the publisher too; who comes back
//! goes on where they were; who reads too slowly is told exactly what they missed, and never costs the
//! others anything.
//!
//! # Two lines in an axum application
//!
//! A [`Hub`] is the engine: one thread per core that owns its sockets and its rooms. [`Doors`] are the
//! HTTP side of it: routes for an axum router, which check who may come in and then hand the socket to
//! the hub.
//!
//! ```no_run
//! use parlour::{Doors, Hub, HubConfig};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! let hub = Hub::start(HubConfig::default())?; // one
//! let doors = Doors::new(&hub, listener.local_addr()?); // two
//! let app = axum::Router::new().merge(doors.routes()); // and your own routes
//! let stop = std::future::pending::<()>(); // or a signal
//! parlour::serve(listener, app, stop).await;
//! hub.shutdown(std::time::Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!  TCP ─▶ serve ─▶ axum Router ─▶ Doors: shape · ticket · Origin · room ─ 101 ─▶ Hub: a shard's
//!                    │                                                            plane, for good
//!                    └─▶ your own routes
//! ```
//!
//! [`serve`] and [`Listener`] bound what HTTP can cost and speak TLS. `axum::serve` and listeners of
//! your own work, too: what is no TCP socket is served through a pipe, with the same promises.
//!
//! Nobody gets in without a ticket, and only this machine gets one without an account, until you say
//! otherwise: [`DoorsConfig`] has guests, origins, proxies, tokens and bounds, [`Accounts`] is who can
//! sign in.
//!
//! # What do you want to do?
//!
//! | you want to | take |
//! |---|---|
//! | handle events of your own, one line for each type | [`EventRouter`]: async functions, as axum's handlers |
//! | say who may connect, join and publish | [`Policy`] |
//! | publish from code that is nobody's connection | [`Hub::publish`] |
//! | send and get values of your own type in a room | [`Topic`] |
//! | be a client without a socket | [`Hub::session`] |
//! | speak no protocol, or one of your own, message by message | [`Connections`] |
//! | put a wire protocol of your own in front of the same rooms | [`Dialect`] |
//! | give out secrets that work once | [`Tickets`] |
//! | know how it is doing | [`Hub::stats`], [`Doors::counts`], `GET /debug` |
//!
//! The folder `examples/` has a whole program for each of the larger ones, from `embed_axum`, which has
//! rooms, presence and a page in twelve lines, to `custom_dialect`.
//!
//! # What holds
//!
//! - **Order.** A room has one order, everybody sees it, and what one connection sends keeps its own.
//! - **Nothing is lost in silence.** A publish is answered with its place or with a reason by name.
//!   A reader who misses something is told what, or is closed with the reason where its protocol has
//!   no words.
//! - **Nobody waits for somebody else.** A client that stops reading costs a bounded amount of memory
//!   and delays nobody. Handlers of yours run beside the threads that serve sockets, and one that
//!   panics ends its connection and nothing else.
//! - **Everything is bounded**: [`Limits`] for the engine, [`DoorLimits`] and [`ListenerLimits`] for
//!   HTTP. What happens at each bound stands beside it.
//!
//! # Features
//!
//! - `tls` (on by default): [`Listener`] speaks TLS. Without it neither rustls nor a C compiler is needed.
//! - `testing`: `parlour::testing`, in-memory connections and a clock that a test moves.
//!
//! Rooms live in memory, or on disk where [`HubConfig::rooms`] says so: then what is acknowledged survives
//! a crash and a power cut, in the store that [`HubConfig::store`] gives ([`store`]). The threads of the hub are its own; tokio serves HTTP, and runs your
//! handlers.

mod accounts;
mod application;
mod authority;
pub mod connections;
mod doors;
mod forwarded;
mod framing;
mod grow;
mod http;
mod hub;
mod limits;
mod listener;
mod local;
mod local_session;
mod nicknames;
mod nofile;
mod occupancy;
mod origin;
mod plane;
pub mod policy;
mod proxies;
mod rates;
pub mod router;
mod source;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tickets;
#[cfg(feature = "tls")]
mod tls;
pub mod topic;
mod upgrade;
mod visit;
mod wires;

pub use accounts::{Accounts, AccountsError, BoxFuture, Password, Session, SessionSecret};
pub use application::{CloseCode, ConnectionId, Handlers};
pub use connections::Connections;
pub use doors::{
    Compression, Door, DoorCounts, DoorLimits, DoorPath, DoorPathError, DoorPaths, Doors,
    DoorsConfig, Guests, RoomsHealth, Route, SamePath, TicketCounts, Token, TokenError,
};
pub use hub::{HistoryError, Hub, HubConfig, PublishError, SendError, StartError};
pub use listener::{Listener, ListenerLimits, ListenerLimitsError, UnderWay, serve};
pub use local_session::{Joined, LocalSession, SessionEnd, SessionError};
pub use nofile::raise_nofile_limit;
pub use origin::{Origin, OriginError, OriginRefusal, Origins};
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use parlour::{Draft, Hub, HubConfig, RoomName};
/// let hub = Hub::start(HubConfig::default())?;
/// hub.publish(RoomName::general(), Draft::message("app", "hello")).await?;
/// let counts = hub.stats();
/// println!("{} of {} bytes were sent", counts.sends, counts.sent_bytes);
/// # Ok(()) }
/// ```
pub use parlour_hub::{Counts, History};
pub use parlour_proto::Join;
pub use parlour_proto::dialect;
pub use parlour_proto::told::{Hello, HelloLimits, NotTold, Said, Told};
pub use parlour_proto::{
    Author, ClientId, CloseReason, Command, Dialect, Draft, Entry, EntryId, EntryIdError,
    EntryKind, EntryKindError, Epoch, Event, Frame, FrameKind, Keep, Limits, Missed, NameError,
    Page, PageFrom, Position, Refusal, RoomKind, RoomKinds, RoomName, RoomNameError, Seq,
    SessionId, Timestamp, UserName,
};
pub use policy::Policy;
pub use proxies::{Network, NetworkError};
pub use router::EventRouter;
pub use tickets::{IssueError, TicketSecret, Tickets};
#[cfg(feature = "tls")]
pub use tls::{TlsError, TlsKeys};
pub use topic::{Topic, TopicConfig, TopicError};

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
