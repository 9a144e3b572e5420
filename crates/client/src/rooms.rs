//! The rooms of a client, and where each goes on.

use std::collections::BTreeMap;

use parlour_proto::told::ask;
use parlour_proto::{Join, Position, ROOMS_PER_FRAME_MAX, RoomName, Seq};
use tokio::time::Instant;

use crate::call::Reply;
use crate::event::Joined;

/// By name.
pub(crate) type Rooms = BTreeMap<RoomName, Room>;

/// Rooms that nobody asked for, at most: of more, one that the server puts this client into is refused, with an
/// event for each. It is twice what a server of this version grants one connection, if nothing else is said.
pub(crate) const GIVEN_MAX: usize = 2_000;

/// A room that this client is in, or wants to be in.
pub(crate) struct Room {
    pub(crate) presence: bool,
    /// The last entry that the client has; `None` before the first `joined`, unless one was given.
    pub(crate) position: Option<Position>,
    /// The room's last entry when it was joined: up to it, it is a replay.
    pub(crate) head: Seq,
    /// Whether it was joined before, so that the next `joined` is a return.
    pub(crate) was_in: bool,
    /// Whether the server's application put this client into it: nobody asked, so nobody asks again.
    pub(crate) is_given: bool,
    /// When it is asked for again, as the frame that asked for it may have been thrown away.
    pub(crate) again: Option<Instant>,
    pub(crate) phase: Phase,
}

/// How far it is.
pub(crate) enum Phase {
    /// Asked for, and not answered; `None`: by this client itself, as it has come back. The time is that of who waits
    /// long enough; there is none before there is a connection.
    Asked(Option<(Reply<Joined>, Option<Instant>)>),
    In,
    Leaving(Reply<()>, Instant),
    /// Refused for now; asked for again then.
    Later(Instant),
}

impl Room {
    /// One that nobody asked for.
    pub(crate) fn given() -> Self {
        Self {
            presence: false,
            position: None,
            head: Seq(0),
            was_in: false,
            is_given: true,
            again: None,
            phase: Phase::Asked(None),
        }
    }

    /// As it is asked for.
    pub(crate) fn join(&self, room: &RoomName) -> Join {
        Join {
            room: room.clone(),
            from: self.position,
            presence: self.presence,
        }
    }

    /// When somebody has waited long enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Asked(Some((_, due))) => *due,
            Phase::Leaving(_, due) => Some(*due),
            Phase::Asked(None) | Phase::In | Phase::Later(_) => None,
        }
    }

    pub(crate) fn has_caller(&self) -> bool {
        matches!(self.phase, Phase::Asked(Some(_)) | Phase::Leaving(..))
    }
}

/// As few `join` frames as fit what the server takes, and what each costs of the rate.
pub(crate) fn join_frames(joins: &[Join], message_bytes: u64) -> Vec<(Vec<u8>, u32)> {
    let most = usize::try_from(message_bytes).unwrap_or(usize::MAX);
    let mut frames = Vec::new();
    let mut begin = 0;
    let mut bytes = 0;
    for end in 0..=joins.len() {
        let one = joins.get(end).map_or(0, |join| {
            let mut frame = Vec::new();
            ask::join(std::slice::from_ref(join), &mut frame);
            frame.len()
        });
        let is_full = bytes + one > most || end - begin == ROOMS_PER_FRAME_MAX;
        if end > begin && (end == joins.len() || is_full) {
            let together = &joins[begin..end];
            let mut frame = Vec::new();
            ask::join(together, &mut frame);
            frames.push((frame, cost(together)));
            (begin, bytes) = (end, 0);
        }
        bytes += one;
    }
    frames
}

/// As docs/protocol.md counts a `join`.
fn cost(joins: &[Join]) -> u32 {
    let watched = joins.iter().filter(|join| join.presence).count();
    u32::try_from(1 + joins.len() / 16 + watched).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use parlour_proto::dialect::{Dialect, V1};
    use parlour_proto::{Command, Frame};

    use super::*;

    #[test]
    fn many_rooms_are_joined_in_frames_that_the_server_takes() {
        let name = |n: usize| RoomName::new(&format!("room-{n:0>100}")).unwrap();
        let joins: Vec<Join> = (0..2_500).map(|n| Join::next(name(n))).collect();
        for most in [4_096, 65_536, 10_000_000] {
            let mut read = Vec::new();
            for (frame, cost) in join_frames(&joins, most) {
                assert!(frame.len() as u64 <= most);
                let text = std::str::from_utf8(&frame).unwrap();
                let command = V1.decode(Frame::Text(text)).unwrap();
                assert_eq!(command.cost(), cost);
                match command {
                    Command::Join { rooms } => read.extend(rooms),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(read, joins, "{most}");
        }
        assert!(join_frames(&[], 4_096).is_empty());
    }
}
