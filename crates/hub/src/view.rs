//! A shard's view of a room: one ring of encoded entries per dialect in use here.

use std::collections::BTreeSet;

use parlour_proto::{Position, RoomName, Seq, ShardId};

use crate::grow;
use crate::presence::ViewPresence;
use crate::ring::Ring;
use crate::wire::WireIndex;

/// What one shard knows of a room in which some of its connections are.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) room: RoomName,
    pub(crate) home: ShardId,
    /// The last entry that came; `None` until the home has answered.
    pub(crate) at: Option<Position>,
    /// In the order in which they came into use. A ring that nobody reads keeps nothing.
    pub(crate) rings: Vec<(WireIndex, Ring)>,
    /// Members over all rings.
    pub(crate) members: usize,
    /// What the home was told that all members were offered.
    pub(crate) taken: Seq,
    /// Notices that have come, and how many of these the home was told of.
    pub(crate) notices: u64,
    pub(crate) taken_notices: u64,
    /// Bytes of all rings, as they stand in the shard's weights.
    pub(crate) weight: usize,
    /// Only while somebody asks who is in the room.
    pub(crate) presence: Option<Box<ViewPresence>>,
    /// Members who had more than had come here, and wait for it to come, by their connections.
    pub(crate) ahead: BTreeSet<u32>,
    /// In the shard's list of views to close.
    pub(crate) in_empty: bool,
}

impl View {
    pub(crate) fn new(room: RoomName, home: ShardId) -> Self {
        Self {
            room,
            home,
            at: None,
            rings: Vec::new(),
            members: 0,
            taken: Seq(0),
            notices: 0,
            taken_notices: 0,
            weight: 0,
            presence: None,
            ahead: BTreeSet::new(),
            in_empty: false,
        }
    }

    pub(crate) fn head(&self) -> Seq {
        self.at.map_or(Seq(0), |at| at.seq)
    }

    /// Whether what a reader of `position` has is still to come here.
    pub(crate) fn is_before(&self, position: Position) -> bool {
        self.at
            .is_some_and(|at| at.epoch == position.epoch && at.seq < position.seq)
    }

    /// The place of the ring for this wire, made when needed.
    pub(crate) fn ring_for(&mut self, wire: WireIndex) -> u8 {
        let place = self
            .rings
            .iter()
            .position(|(of, _)| *of == wire)
            .unwrap_or_else(|| {
                grow::for_one_more(&mut self.rings);
                self.rings.push((wire, Ring::new(self.head())));
                self.rings.len() - 1
            });
        // There is at most one ring per wire, and a wire's index is a u8.
        place as u8
    }

    pub(crate) fn ring(&self, ring: u8) -> &Ring {
        &self.rings[usize::from(ring)].1
    }

    pub(crate) fn ring_mut(&mut self, ring: u8) -> &mut Ring {
        &mut self.rings[usize::from(ring)].1
    }

    /// Everything up to here was offered to all members.
    pub(crate) fn offered(&self) -> Seq {
        let read = self
            .rings
            .iter()
            .filter(|(_, ring)| !ring.members.is_empty());
        read.map(|(_, ring)| ring.passed)
            .min()
            .unwrap_or(self.head())
    }

    /// How many notices were offered to all members, or came where nobody is.
    pub(crate) fn offered_notices(&self) -> u64 {
        let due = self.rings.iter().map(|(_, ring)| ring.due);
        self.notices - due.max().unwrap_or(0)
    }

    pub(crate) fn memory(&self) -> usize {
        self.rings.iter().map(|(_, ring)| ring.memory()).sum()
    }
}
