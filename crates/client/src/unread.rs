//! What waits for the reader of the events. Bounded, and nothing is lost without a word.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parlour_proto::told::Said;
use parlour_proto::{Missed, Position};
use tokio::sync::{Notify, mpsc};

use crate::event::Event;

/// Events that wait for their reader before nothing more is read from the server.
pub(crate) const EVENTS_MAX: usize = 1_024;
/// Bytes of events that wait before nothing more is read; the last of them may be a whole message more.
pub(crate) const EVENTS_BYTES_MAX: usize = 4 << 20;
/// Events beside entries that wait beyond that while a call needs its answer.
const BEYOND_MAX: usize = 1_024;
/// Bytes of those; again the last may be a whole message more.
const BEYOND_BYTES_MAX: usize = 4 << 20;

/// The writing end of the events.
pub(crate) struct Unread {
    sender: mpsc::Sender<Weighed>,
    waiting: Arc<Waiting>,
    /// What found no place. Its entries are gaps.
    beyond: VecDeque<Event>,
    beyond_bytes: usize,
}

/// The reading end.
pub(crate) struct Inbox {
    receiver: mpsc::Receiver<Weighed>,
    waiting: Arc<Waiting>,
}

struct Weighed {
    event: Event,
    bytes: usize,
}

/// What the reader has not taken yet.
#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    taken: Notify,
}

impl Waiting {
    fn has_place(&self) -> bool {
        self.bytes.load(Ordering::Acquire) < EVENTS_BYTES_MAX
    }

    async fn place(&self) {
        while !self.has_place() {
            self.taken.notified().await;
        }
    }
}

impl Inbox {
    /// The next event; `None` after the last. Nothing is lost if it is dropped.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        let Weighed { event, bytes } = self.receiver.recv().await?;
        self.waiting.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.waiting.taken.notify_one();
        Some(event)
    }
}

impl Unread {
    pub(crate) fn new() -> (Self, Inbox) {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let waiting = Arc::new(Waiting::default());
        let unread = Self {
            sender,
            waiting: Arc::clone(&waiting),
            beyond: VecDeque::new(),
            beyond_bytes: 0,
        };
        (unread, Inbox { receiver, waiting })
    }

    /// Whether the reader lags behind, and what comes should wait with the server.
    pub(crate) fn is_full(&self) -> bool {
        let has_place = self.sender.capacity() > 0 && self.waiting.has_place();
        !self.sender.is_closed() && (!self.beyond.is_empty() || !has_place)
    }

    /// Whether not even an answer may be looked for.
    pub(crate) fn is_overfull(&self) -> bool {
        let is_full = self.beyond.len() >= BEYOND_MAX || self.beyond_bytes >= BEYOND_BYTES_MAX;
        !self.sender.is_closed() && is_full
    }

    /// Whether something waits that [`drain`](Self::drain) can bring away.
    pub(crate) fn has_beyond(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// Tells the reader, if there still is one.
    pub(crate) fn push(&mut self, event: Event) {
        if self.beyond.is_empty()
            && self.waiting.has_place()
            && let Ok(place) = self.sender.try_reserve()
        {
            return self.waiting.send(place, event);
        }
        self.push_beyond(event);
    }

    fn push_beyond(&mut self, event: Event) {
        if self.sender.is_closed() {
            return; // nobody reads
        }
        match event {
            Event::Entry(said) => self.miss(said),
            event => {
                // Attempts to come back have no end.
                if matches!(
                    (&event, self.beyond.back()),
                    (Event::Away { .. }, Some(Event::Away { .. }))
                ) && let Some(before) = self.beyond.pop_back()
                {
                    self.beyond_bytes -= before.bytes();
                }
                self.beyond_bytes += event.bytes();
                self.beyond.push_back(event);
            }
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
        self.push_beyond(Event::Gap { room, missed });
    }

    /// Waits until the reader has taken something, and fills its place if something waits for one.
    /// Nothing is lost if it is dropped.
    pub(crate) async fn drain(&mut self) {
        tokio::select! {
            () = self.waiting.place() => {}
            () = self.sender.closed() => {}
        }
        match self.sender.reserve().await {
            Ok(place) => {
                if let Some(event) = self.beyond.pop_front() {
                    self.beyond_bytes -= event.bytes();
                    self.waiting.send(place, event);
                }
            }
            Err(_) => {
                self.beyond.clear();
                self.beyond_bytes = 0;
            }
        }
    }
}

impl Waiting {
    fn send(&self, place: mpsc::Permit<'_, Weighed>, event: Event) {
        let bytes = event.bytes();
        // Before the reader can take it.
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        place.send(Weighed { event, bytes });
    }
}

#[cfg(test)]
mod tests {
    use parlour_proto::{EntryKind, Epoch, RoomName, Seq, Timestamp};

    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn entry(room: &str, seq: u64) -> Event {
        large(room, seq, 0)
    }

    /// With so many bytes.
    fn large(room: &str, seq: u64, bytes: usize) -> Event {
        Event::Entry(Said {
            room: RoomName::new(room).unwrap(),
            position: Position {
                epoch: EPOCH,
                seq: Seq(seq),
            },
            id: None,
            from: "ann".into(),
            kind: EntryKind::MESSAGE,
            payload: format!("\"{}\"", "x".repeat(bytes)).into(),
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
        let (mut unread, mut reader) = Unread::new();
        let most = EVENTS_MAX as u64;
        for seq in 1..=most {
            assert!(!unread.is_full());
            unread.push(entry("a", seq));
        }
        assert!(unread.is_full());
        for seq in 1..=3 {
            unread.push(entry("a", most + seq));
            unread.push(entry("b", seq));
        }
        let room = RoomName::new("a").unwrap();
        unread.push(Event::Left { room: room.clone() });
        unread.push(entry("a", most + 9));
        for _ in 0..EVENTS_MAX {
            assert!(matches!(reader.next().await, Some(Event::Entry(_))));
        }
        while unread.has_beyond() {
            unread.drain().await;
        }
        let mut next = || reader.receiver.try_recv().unwrap().event;
        assert_eq!(gap(next()), ("a".into(), most + 1, most + 3));
        assert_eq!(gap(next()), ("b".into(), 1, 3));
        assert!(matches!(next(), Event::Left { .. }));
        assert_eq!(gap(next()), ("a".into(), most + 9, most + 9));
        assert!(!unread.is_full());
    }

    #[tokio::test]
    async fn of_the_attempts_that_nobody_reads_of_the_last_is_kept() {
        let (mut unread, mut reader) = Unread::new();
        for seq in 1..=EVENTS_MAX as u64 {
            unread.push(entry("a", seq));
        }
        let away = |seconds| Event::Away {
            why: crate::Away::Lost(crate::Lost::Silent),
            retry_in: std::time::Duration::from_secs(seconds),
        };
        (0..10 * BEYOND_MAX as u64).for_each(|seconds| unread.push(away(seconds)));
        assert!(!unread.is_overfull());
        while unread.has_beyond() {
            reader.next().await.unwrap();
            unread.drain().await;
        }
        for _ in 1..EVENTS_MAX {
            assert!(matches!(reader.next().await, Some(Event::Entry(_))));
        }
        let last = 10 * BEYOND_MAX as u64 - 1;
        assert!(matches!(
            reader.receiver.try_recv().unwrap().event,
            Event::Away { retry_in, .. } if retry_in.as_secs() == last
        ));
        assert!(reader.receiver.try_recv().is_err());
    }

    #[tokio::test]
    async fn who_does_not_read_events_stops_nothing() {
        let (mut unread, reader) = Unread::new();
        for seq in 0..=EVENTS_MAX as u64 {
            unread.push(entry("a", seq));
        }
        assert!(unread.is_full());
        drop(reader);
        assert!(!unread.is_full() && !unread.is_overfull());
        unread.drain().await;
        assert!(!unread.has_beyond());
    }

    #[tokio::test]
    async fn few_large_events_fill_it_as_many_small_ones_do() {
        const MIB: usize = 1 << 20;
        let (mut unread, mut reader) = Unread::new();
        let most = (EVENTS_BYTES_MAX / MIB) as u64;
        for seq in 1..=most {
            assert!(!unread.is_full(), "{seq}");
            unread.push(large("a", seq, MIB));
        }
        assert!(unread.is_full());
        unread.push(large("a", most + 1, MIB));
        unread.push(large("a", most + 2, MIB));
        assert!(!unread.is_overfull(), "a gap is small");
        for _ in 0..BEYOND_BYTES_MAX / MIB {
            let kind = "x".into();
            let payload = vec![b'1'; MIB].into();
            unread.push(Event::Told { kind, payload });
        }
        assert!(unread.is_overfull());
        // What is taken makes place, one for the other, in order.
        for _ in 0..most {
            assert!(matches!(reader.next().await, Some(Event::Entry(_))));
        }
        unread.drain().await;
        let next = reader.next().await.unwrap();
        assert_eq!(gap(next), ("a".into(), most + 1, most + 2));
        while unread.has_beyond() {
            unread.drain().await;
            assert!(matches!(reader.next().await, Some(Event::Told { .. })));
        }
        assert!(!unread.is_full() && !unread.is_overfull());
        unread.push(large("a", most + 3, MIB));
        assert!(matches!(reader.next().await, Some(Event::Entry(_))));
        assert_eq!(unread.waiting.bytes.load(Ordering::Acquire), 0);
        assert_eq!(unread.beyond_bytes, 0);
    }
}
