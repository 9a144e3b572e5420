//! Rooms in which nothing that was acknowledged is lost, for an axum application.
//!
//! A [`Hub`] is the engine: one thread per core that owns its sockets and its rooms. [`Doors`] are
//! the HTTP side of it: routes for an axum router, which check who may come in and then hand the
//! socket to the hub. [`serve`] is a listener with bounds for that router.
//!
//! ```text
//!  TCP ─▶ serve ─▶ axum Router ─▶ Doors: shape · ticket · Origin · room ─ 101 ─▶ Hub: a shard's
//!                    │                                                            plane, for good
//!                    └─▶ your own routes
//! ```
//!
//! See [`Doors`] for a whole program.

mod accounts;
mod application;
mod authority;
pub mod connections;
mod doors;
mod forwarded;
mod framing;
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
#[cfg(feature = "testing")]
pub mod testing;
mod tickets;
mod tls;
mod topic;
mod upgrade;
mod visit;

pub use accounts::{Accounts, AccountsError, BoxFuture, Password, Session, SessionSecret};
pub use application::{CloseCode, ConnectionId, Handlers};
pub use connections::Connections;
pub use doors::{
    Door, DoorCounts, DoorLimits, DoorPath, DoorPathError, DoorPaths, Doors, DoorsConfig, Guests,
    Route, SamePath, TicketCounts, Token, TokenError,
};
pub use hub::{Hub, HubConfig, PublishError, SendError, StartError};
pub use listener::{Listener, ListenerLimits, ListenerLimitsError, UnderWay, serve};
pub use local_session::{Joined, LocalSession, SessionEnd, SessionError};
pub use nofile::raise_nofile_limit;
pub use origin::{Origin, OriginError, OriginRefusal, Origins};
pub use parlour_hub::Counts;
pub use parlour_proto::Join;
pub use parlour_proto::dialect;
pub use parlour_proto::told::{Hello, HelloLimits, NotTold, Said, Told};
pub use parlour_proto::{
    Author, ClientId, CloseReason, Command, Dialect, Draft, Entry, EntryId, EntryKind, Epoch,
    Event, Frame, FrameKind, Limits, Missed, NameError, Position, Refusal, RoomName, RoomNameError,
    Seq, SessionId, Timestamp, UserName,
};
pub use policy::Policy;
pub use proxies::{Network, NetworkError};
pub use router::EventRouter;
pub use tickets::{IssueError, TicketSecret, Tickets};
pub use tls::{TlsError, TlsKeys};
pub use topic::{Delivery, Handle, Item, Lost, Subscription, Topic, TopicConfig, TopicError};

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
