//! Since when somebody is in the room that he comes with.

use parlour_proto::Position;

/// Where a reader starts in the room that he comes with.
///
/// A door asks for it [before](crate::Shard::since) it lets somebody in, so that he misses nothing that
/// is said while he is on the way to his shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// With the room's next entry when he is in it.
    #[default]
    Joined,
    /// Behind this position. In a later epoch of the room with its first entry, which came after it.
    Position(Position),
    /// With the room's first entry: there was no such room.
    Nothing,
}
