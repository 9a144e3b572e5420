//! Publishes of which the store does not say for long what has become of them.

use std::time::Duration;

use parlour_proto::{Refusal, RoomName};

use super::Shard;
use crate::home::{Publisher, Unsure};
use crate::letter::Body;
use crate::store::Store;
use crate::table::Key;

/// So long a publisher waits for the store at most. Then he is told that the outcome is unknown, and the
/// entry stays on its way: it is shown in its place when it is final.
const ANSWER_TIME: Duration = Duration::from_secs(5);

impl<S: Store> Shard<S> {
    /// Looks at a durable room when what is numbered in it now has waited for long. A room in which much
    /// is said is in the list once.
    pub(super) fn watch(&mut self, key: Key) {
        let due = self.now.monotonic.saturating_add(ANSWER_TIME);
        if let Some(home) = self.homes.get_mut(key)
            && !home.is_watched
        {
            home.is_watched = true;
            self.watched.insert((due, key));
        }
    }

    /// When [`doubt_late`](Self::doubt_late) must be called next.
    pub(super) fn doubt_due(&self) -> Option<Duration> {
        self.watched.first().map(|(due, _)| *due)
    }

    /// Answers publishes that have waited for the store too long.
    pub(super) fn doubt_late(&mut self) {
        while let Some((due, key)) = self.watched.first().copied()
            && due <= self.now.monotonic
        {
            self.watched.pop_first();
            let latest = self.now.monotonic.saturating_sub(ANSWER_TIME);
            let (mut unsure, mut answered) = (Vec::new(), Vec::new());
            let Some(home) = self.homes.get_mut(key) else {
                continue;
            };
            let next = home.doubt(latest, &mut unsure, &mut answered);
            home.is_watched = next.is_some();
            let room = home.room.clone();
            if let Some(since) = next {
                self.watched
                    .insert((since.saturating_add(ANSWER_TIME), key));
            }
            for late in unsure {
                self.tell_unsure(&room, late);
            }
            for repeat in answered {
                self.answer_publish(&room, repeat);
            }
        }
    }

    fn tell_unsure(&mut self, room: &RoomName, unsure: Unsure) {
        let refusal = Refusal::OutcomeUnknown;
        let Unsure { to, id } = unsure;
        match to {
            Publisher::Connection { shard, id: to } => {
                let room = room.clone();
                let body = Body::Refused {
                    to,
                    room,
                    id,
                    refusal,
                };
                // Its credit comes back when it is out of the way.
                self.link(shard).tell(body);
            }
            Publisher::Driver(token) => self.published.push((token, Err(refusal))),
            Publisher::Nobody { .. } | Publisher::Answered { .. } => {}
        }
    }
}
