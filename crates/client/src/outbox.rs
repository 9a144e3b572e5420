//! What waits for the reader of the events. Bounded, and nothing is lost without a word.

use std::collections::VecDeque;

use parlour_proto::told::Said;
use parlour_proto::{Missed, Position};
use tokio::sync::mpsc;

use crate::event::Event;

/// Events that wait for their reader before nothing more is read from the server.
pub(crate) const EVENTS_MAX: usize = 1_024;
/// Events beside entries that wait beyond that while a call needs its answer.
const BEYOND_MAX: usize = 1_024;

/// The writing end of the events.
pub(crate) struct Outbox {
    sender: mpsc::Sender<Event>,
    /// What found no place. Its entries are gaps.
    beyond: VecDeque<Event>,
}

impl Outbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let beyond = VecDeque::new();
        (Self { sender, beyond }, receiver)
    }

    /// Whether the reader lags behind, and what comes should wait with the server.
    pub(crate) fn is_full(&self) -> bool {
        !self.sender.is_closed() && (!self.beyond.is_empty() || self.sender.capacity() == 0)
    }

    /// Whether not even an answer may be looked for.
    pub(crate) fn is_overfull(&self) -> bool {
        !self.sender.is_closed() && self.beyond.len() >= BEYOND_MAX
    }

    /// Whether something waits that [`drain`](Self::drain) can bring away.
    pub(crate) fn has_beyond(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// Tells the reader, if there still is one.
    pub(crate) fn push(&mut self, event: Event) {
        if !self.beyond.is_empty() {
            return self.push_beyond(event);
        }
        if let Err(mpsc::error::TrySendError::Full(event)) = self.sender.try_send(event) {
            self.push_beyond(event);
        }
    }

    fn push_beyond(&mut self, event: Event) {
        match event {
            Event::Entry(said) => self.miss(said),
            event => match self.beyond.back_mut() {
                // Attempts to come back have no end.
                Some(last @ Event::Away { .. }) if matches!(event, Event::Away { .. }) => {
                    *last = event;
                }
                _ => self.beyond.push_back(event),
            },
        }
    }

    /// An entry for which there is no place: the gap before it grows, or a new one begins.
    fn miss(&mut self, said: Said) {
        let Position { epoch, seq } = said.position;
        let before = self.beyond.iter_mut().rev().find_map(|event| match event {
            Event::Gap { room, missed } if *room == said.room => Some(Some(missed)),
            Event::Joined { room, .. } | Event::Left { room } if *room == said.room => Some(None),
            _ => None,
        });
        if let Some(Some(Missed::Entries {
            epoch: of, last, ..
        })) = before
            && *of == epoch
            && last.next() == seq
        {
            *last = seq;
            return;
        }
        let missed = Missed::Entries {
            epoch,
            first: seq,
            last: seq,
        };
        let room = said.room;
        self.beyond.push_back(Event::Gap { room, missed });
    }

    /// Waits until the reader has taken something, and fills its place if something waits for one.
    /// Nothing is lost if it is dropped.
    pub(crate) async fn drain(&mut self) {
        match self.sender.reserve().await {
            Ok(place) => {
                if let Some(event) = self.beyond.pop_front() {
                    place.send(event);
                }
            }
            Err(_) => self.beyond.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use parlour_proto::{EntryKind, Epoch, RoomName, Seq, Timestamp};

    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn entry(room: &str, seq: u64) -> Event {
        Event::Entry(Said {
            room: RoomName::new(room).unwrap(),
            position: Position {
                epoch: EPOCH,
                seq: Seq(seq),
            },
            id: None,
            from: "ann".into(),
            kind: EntryKind::MESSAGE,
            payload: "\"\"".into(),
            sent: Timestamp::from_unix_nanoseconds(0),
        })
    }

    /// The room, and what is missing in it.
    fn gap(event: Event) -> (String, u64, u64) {
        match event {
            Event::Gap {
                room,
                missed: Missed::Entries { first, last, .. },
            } => (room.to_string(), first.0, last.0),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_finds_no_place_is_told_exactly() {
        let (mut outbox, mut reader) = Outbox::new();
        let most = EVENTS_MAX as u64;
        for seq in 1..=most {
            assert!(!outbox.is_full());
            outbox.push(entry("a", seq));
        }
        assert!(outbox.is_full());
        for seq in 1..=3 {
            outbox.push(entry("a", most + seq));
            outbox.push(entry("b", seq));
        }
        let room = RoomName::new("a").unwrap();
        outbox.push(Event::Left { room: room.clone() });
        outbox.push(entry("a", most + 9));
        for _ in 0..EVENTS_MAX {
            assert!(matches!(reader.recv().await, Some(Event::Entry(_))));
        }
        while outbox.has_beyond() {
            outbox.drain().await;
        }
        let mut next = || reader.try_recv().unwrap();
        assert_eq!(gap(next()), ("a".into(), most + 1, most + 3));
        assert_eq!(gap(next()), ("b".into(), 1, 3));
        assert!(matches!(next(), Event::Left { .. }));
        assert_eq!(gap(next()), ("a".into(), most + 9, most + 9));
        assert!(!outbox.is_full());
    }

    #[tokio::test]
    async fn of_the_attempts_that_nobody_reads_of_the_last_is_kept() {
        let (mut outbox, mut reader) = Outbox::new();
        for seq in 1..=EVENTS_MAX as u64 {
            outbox.push(entry("a", seq));
        }
        let away = |seconds| Event::Away {
            why: crate::Away::Lost(crate::Lost::Silent),
            retry_in: std::time::Duration::from_secs(seconds),
        };
        (0..10 * BEYOND_MAX as u64).for_each(|seconds| outbox.push(away(seconds)));
        assert!(!outbox.is_overfull());
        while outbox.has_beyond() {
            reader.recv().await.unwrap();
            outbox.drain().await;
        }
        for _ in 1..EVENTS_MAX {
            assert!(matches!(reader.recv().await, Some(Event::Entry(_))));
        }
        let last = 10 * BEYOND_MAX as u64 - 1;
        assert!(matches!(
            reader.try_recv().unwrap(),
            Event::Away { retry_in, .. } if retry_in.as_secs() == last
        ));
        assert!(reader.try_recv().is_err());
    }

    #[tokio::test]
    async fn who_does_not_read_events_stops_nothing() {
        let (mut outbox, reader) = Outbox::new();
        for seq in 0..=EVENTS_MAX as u64 {
            outbox.push(entry("a", seq));
        }
        assert!(outbox.is_full());
        drop(reader);
        assert!(!outbox.is_full() && !outbox.is_overfull());
        outbox.drain().await;
        assert!(!outbox.has_beyond());
    }
}
