//! Where durable rooms are kept: the seam for stores.
//!
//! A hub with durable rooms is started with [`Logs`]: one of the crates that implement it, or your own.
//! Of a store is asked that it never blocks, that it carries out the requests of a room in their order,
//! and that it says [`Stored::Committed`] only of what a power cut cannot take back.
//!
//! ```
//! use parlour::{Hub, HubConfig, RoomKind, RoomKinds, StartError};
//! let rooms = RoomKinds::default().with("*", RoomKind::DURABLE);
//! let started = Hub::start(HubConfig { rooms, ..HubConfig::default() });
//! assert!(matches!(started, Err(StartError::NoStore)), "there is nowhere to keep them");
//! ```

pub use parlour_hub::{
    Digester, IdDigest, Logs, Opened, ReadToken, Recent, Request, RoomKey, Store, StoreFault,
    Stored, Wake,
};
pub use parlour_proto::ShardId;
