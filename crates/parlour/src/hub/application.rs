//! The seam to the handlers of whoever embeds the hub: what they are asked, and where that goes.

use std::sync::{Arc, OnceLock};

use parlour_hub::{Asked, WireIndex};
use parlour_proto::{ConnectionId, ShardId};

use super::reach::Reach;

/// What the hub asks while connections are served.
pub(crate) trait Application: Send + Sync {
    /// The hub is there; called once, before anything is asked.
    fn begin(&self, reach: Reach);

    /// Takes a question on the shard's own thread, and must not block it. The answer goes by
    /// [`Reach::answer`], once for each but [`What::Closed`](parlour_hub::What::Closed).
    fn asked(&self, shard: ShardId, asked: Asked);
}

/// One connection of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Whereabouts {
    pub(crate) shard: ShardId,
    pub(crate) id: ConnectionId,
}

/// Who is asked for what.
pub(crate) struct Asking {
    pub(crate) application: Option<Arc<dyn Application>>,
    /// Whoever gives out the nicknames of `/plain`, once there is one.
    pub(crate) names: OnceLock<Arc<dyn Application>>,
    /// The plain wire of `/plain`.
    pub(crate) plain: Option<WireIndex>,
}
