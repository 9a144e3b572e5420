//! What the simulated world looks at to check a shard's bounds.

use parlour_proto::{ConnectionId, UserName};

use super::Shard;
use crate::store::Store;

impl<S: Store> Shard<S> {
    /// Entries and bytes of the largest log, frames and bytes of the largest ring, bytes of the
    /// largest private buffer, and bytes of all logs and rings.
    pub(crate) fn memory(&self) -> ((usize, usize), (usize, usize), usize, usize) {
        let homes = self
            .homes
            .indices()
            .into_iter()
            .filter_map(|index| self.homes.at(index));
        let logs = homes
            .map(|home| (home.log.len(), home.log.bytes()))
            .collect::<Vec<_>>();
        let views = self
            .views
            .indices()
            .into_iter()
            .filter_map(|index| self.views.at(index));
        let rings = views.flat_map(|view| &view.rings);
        let rings = rings
            .map(|(_, ring)| (ring.len_frames(), ring.len_bytes()))
            .collect::<Vec<_>>();
        let connections = self.connections.indices().into_iter();
        let private = connections.filter_map(|index| self.connections.at(index));
        let private = private
            .map(|connection| connection.private.waiting().len())
            .max();
        let total = logs.iter().chain(&rings).map(|(_, bytes)| bytes).sum();
        (largest(&logs), largest(&rings), private.unwrap_or(0), total)
    }

    /// Connections with a buffer for private output and nothing in it.
    pub(crate) fn empty_buffers(&self) -> usize {
        let connections = self.connections.indices().into_iter();
        connections
            .filter_map(|index| self.connections.at(index))
            .filter(|connection| connection.private.is_held_empty())
            .count()
    }

    /// Who a connection speaks as, if it is still there.
    pub(crate) fn name_of(&mut self, id: ConnectionId) -> Option<UserName> {
        self.connection(id).map(|connection| connection.who.clone())
    }

    pub(crate) fn count(&self) -> usize {
        usize::from(self.shards)
    }

    pub(crate) fn store(&self) -> &S {
        &self.store
    }
}

fn largest(of: &[(usize, usize)]) -> (usize, usize) {
    let most = of.iter().map(|(count, _)| *count).max().unwrap_or(0);
    (most, of.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0))
}
