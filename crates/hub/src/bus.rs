//! How shards talk.

use parlour_proto::ShardId;

use crate::Letter;

/// Carries letters to the other shards, in batches. Letters between one pair of shards stay in
/// order and are not lost; there is no order between pairs.
///
/// What can be on the way is bounded by the letters' own rules: commands by credit
/// ([`COMMANDS_IN_FLIGHT_MAX`](parlour_proto::COMMANDS_IN_FLIGHT_MAX)), entries by the half of a
/// room's log that a view may have untaken. So a carrier needs no bound of its own.
pub trait Bus {
    /// Takes all `letters` for the shard `to`. Called at most once per peer and turn.
    fn post(&mut self, to: ShardId, letters: &mut Vec<Letter>);
}
