//! The encoded entries of a room for one dialect, and the cursors of its members.

use std::collections::VecDeque;

use parlour_proto::Seq;

/// A member of a room: its connection, and how far into the ring it has been sent.
///
/// The pass over members touches nothing else, so this stays small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Index of the connection in its shard.
    pub(crate) connection: u32,
    /// Place of this room in the connection's list of rooms.
    pub(crate) slot: u32,
    /// Everything before this offset was sent; [`NOT_LIVE`] if the ring does not serve it now.
    pub(crate) cursor: u64,
}

/// The cursor of a member that is not (yet, or not now) served from the ring. It compares as ahead
/// of everything, so a pass skips it without another test.
pub(crate) const NOT_LIVE: u64 = u64::MAX;

/// Where a member goes live, between the notices behind an entry: no number says where that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    pub(crate) connection: u32,
    pub(crate) cursor: u64,
    /// The last entry before it.
    pub(crate) seq: Seq,
}

/// Progress of a pass over the members: everything up to `seq` and before `end` is offered to all
/// when `next` has come to the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    pub(crate) next: usize,
    pub(crate) seq: Seq,
    pub(crate) end: u64,
    /// How many notices have come since it began.
    late: u64,
    /// Somebody who was already passed has something to be sent again.
    pub(crate) again: bool,
}

/// Contiguous bytes of whole frames, addressed by offsets that never repeat.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) bytes: Bytes,
    /// Offset of the oldest frame. Before it there may be bytes that are not dropped yet.
    start: u64,
    /// Where the oldest numbered frame begins: between `start` and here lie notices.
    lead: u64,
    /// Where each frame ends; they have the numbers `first`, `first + 1`, …
    ends: VecDeque<u64>,
    first: Seq,
    pub(crate) members: Vec<Member>,
    /// Of members who read from the home up to there, each at most once.
    pins: Vec<Pin>,
    pub(crate) pass: Option<Pass>,
    /// Everything up to this number was offered to all members.
    pub(crate) passed: Seq,
    /// Everything before this offset was, where a frame ends: also in the middle of the notices behind
    /// an entry, whose end moves.
    offered: u64,
    /// How many notices have come that were not offered to all members yet.
    pub(crate) due: u64,
    /// In the shard's list of rings with something to send.
    pub(crate) queued: bool,
}

/// Bytes by offset.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    bytes: Vec<u8>,
    /// Offset of `bytes[0]`.
    base: u64,
}

impl Bytes {
    /// What a cursor is still to be sent.
    pub(crate) fn after(&self, cursor: u64) -> &[u8] {
        &self.bytes[(cursor - self.base) as usize..]
    }

    fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// Forgets what lies before `start`. Each byte is moved at most once per halving, so appending
    /// stays amortised O(1).
    fn drop_before(&mut self, start: u64) {
        let dropped = (start - self.base) as usize;
        if dropped == self.bytes.len() {
            self.base = start;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
        } else if dropped > self.bytes.len() / 2 {
            self.bytes.drain(..dropped);
            self.base = start;
            if self.bytes.capacity() > KEPT_CAPACITY.max(4 * self.bytes.len()) {
                self.bytes.shrink_to(2 * self.bytes.len());
            }
        }
    }
}

/// A ring that has nothing to keep gives back a buffer larger than this.
const KEPT_CAPACITY: usize = 1024;

impl Ring {
    /// A ring whose next frame is that of the entry after `head`.
    pub(crate) fn new(head: Seq) -> Self {
        Self {
            bytes: Bytes::default(),
            start: 0,
            lead: 0,
            ends: VecDeque::new(),
            first: head.next(),
            members: Vec::new(),
            pins: Vec::new(),
            pass: None,
            passed: head,
            offered: 0,
            due: 0,
            queued: false,
        }
    }

    /// Offset after the last frame.
    pub(crate) fn end(&self) -> u64 {
        self.bytes.end()
    }

    /// The number of the last frame.
    pub(crate) fn head(&self) -> Seq {
        Seq(self.first.0 + self.ends.len() as u64 - 1)
    }

    pub(crate) fn len_bytes(&self) -> usize {
        (self.end() - self.start) as usize
    }

    /// What it really holds: dropped bytes that were not moved over yet and spare room included.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.bytes.capacity() + self.ends.capacity() * size_of::<u64>()
    }

    /// Gives spare room back.
    pub(crate) fn shrink(&mut self) {
        self.bytes.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(crate) fn len_frames(&self) -> usize {
        self.ends.len()
    }

    /// Appends the frame that `put` writes as that of the next entry. Nothing written is fine: the
    /// entry keeps its number (design, section 9).
    pub(crate) fn push(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        put(&mut self.bytes.bytes);
        self.ends.push_back(self.end());
    }

    /// Appends a frame without a number, behind that of the last entry. `true` if there is something to
    /// send.
    pub(crate) fn push_notice(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> bool {
        let before = self.end();
        put(&mut self.bytes.bytes);
        let end = self.end();
        match self.ends.back_mut() {
            Some(last) => *last = end,
            None => self.lead = end,
        }
        self.due += 1;
        if let Some(pass) = &mut self.pass {
            pass.again |= end > before;
            pass.late += 1;
        }
        end > before
    }

    /// Goes on after `head` without keeping anything: nobody reads here.
    pub(crate) fn skip_to(&mut self, head: Seq) {
        debug_assert!(self.members.iter().all(|member| member.cursor == NOT_LIVE));
        self.drop_all();
        self.first = head.next();
        self.passed = head;
        (self.offered, self.due) = (self.end(), 0);
        self.pass = None;
    }

    /// Begins a pass, if none is under way.
    pub(crate) fn begin_pass(&mut self) {
        let (seq, end) = (self.head(), self.end());
        self.pass.get_or_insert(Pass {
            next: 0,
            seq,
            end,
            late: 0,
            again: false,
        });
    }

    /// A pass has come to the last member. Whether there must be another, `None` if there was none.
    pub(crate) fn end_pass(&mut self) -> Option<bool> {
        let pass = self.pass.take()?;
        let again = pass.again || self.head() > pass.seq;
        (self.passed, self.offered) = (pass.seq, pass.end);
        // Of what came since there is nothing to be sent.
        self.due = if again { pass.late } else { 0 };
        Some(again)
    }

    /// What a cursor is still to be sent.
    pub(crate) fn after(&self, cursor: u64) -> &[u8] {
        self.bytes.after(cursor)
    }

    /// The frame that `cursor` lies in or before: its number, and where it starts and ends.
    fn frame_at(&self, cursor: u64) -> Option<(Seq, u64, u64)> {
        if cursor < self.lead {
            return Some((Seq(self.first.0 - 1), self.start, self.lead));
        }
        let index = self.ends.partition_point(|end| *end <= cursor);
        let end = *self.ends.get(index)?;
        let start = if index == 0 {
            self.lead
        } else {
            self.ends[index - 1]
        };
        Some((Seq(self.first.0 + index as u64), start, end))
    }

    /// The rest of the frame in whose middle `cursor` lies.
    pub(crate) fn rest_of_frame(&self, cursor: u64) -> Option<&[u8]> {
        let (_, start, end) = self.frame_at(cursor)?;
        (start < cursor).then(|| &self.after(cursor)[..(end - cursor) as usize])
    }

    /// The last entry that a member with this cursor has, or will have when the frame that it is in
    /// the middle of has been finished.
    pub(crate) fn seq_at(&self, cursor: u64) -> Seq {
        match self.frame_at(cursor) {
            // Notices behind an entry that it has.
            Some((seq, ..)) if cursor < self.lead => seq,
            Some((seq, start, _)) if start < cursor => seq,
            Some((seq, ..)) => Seq(seq.0 - 1),
            None => self.head(),
        }
    }

    /// The cursor of a reader that has everything up to `seq`, if the ring goes back so far.
    pub(crate) fn cursor_after(&self, seq: Seq) -> Option<u64> {
        let index = usize::try_from(seq.next().0.checked_sub(self.first.0)?).ok()?;
        match index {
            0 => Some(self.lead),
            index => self.ends.get(index - 1).copied(),
        }
    }

    /// Keeps what follows `pin`, as long as the ring's bounds let it.
    pub(crate) fn pin(&mut self, pin: Pin) {
        self.pins.push(pin);
    }

    pub(crate) fn pin_of(&self, connection: u32) -> Option<Pin> {
        let mut pins = self.pins.iter();
        pins.find(|pin| pin.connection == connection).copied()
    }

    pub(crate) fn unpin(&mut self, connection: u32) {
        self.pins.retain(|pin| pin.connection != connection);
        if self.pins.is_empty() {
            self.pins = Vec::new();
        }
    }

    /// The offset to trim to so that at most `frames_max` and `bytes_max` remain, but never beyond
    /// what was offered to all.
    pub(crate) fn trim_point(&self, frames_max: usize, bytes_max: usize) -> u64 {
        let over = self.ends.len().saturating_sub(frames_max);
        let by_frames = if over == 0 {
            self.start
        } else {
            self.ends[over - 1]
        };
        let lowest = self.end().saturating_sub(bytes_max as u64);
        let index = self.ends.partition_point(|end| *end < lowest);
        let by_bytes = if self.start >= lowest {
            self.start
        } else if self.lead >= lowest {
            self.lead
        } else {
            self.ends[index]
        };
        let offered = self.offered.max(self.start);
        by_frames.max(by_bytes).min(offered)
    }

    /// Forgets the frames that end at or before `offset`, and of the notices behind the last of them
    /// those that were offered to all.
    pub(crate) fn trim(&mut self, offset: u64) {
        if offset >= self.lead {
            self.start = self.lead;
        }
        while let Some(end) = self.ends.front().copied()
            && end <= offset
        {
            self.ends.pop_front();
            self.first = self.first.next();
            (self.start, self.lead) = (end, end);
        }
        if self.start < self.offered && self.offered <= offset {
            // Behind an entry that was offered stand notices that were not.
            if self.lead < self.offered
                && let Some(end) = self.ends.pop_front()
            {
                self.first = self.first.next();
                self.lead = end;
            }
            self.start = self.offered;
        }
        self.pins.retain(|pin| pin.cursor >= self.start);
        self.bytes.drop_before(self.start);
    }

    fn drop_all(&mut self) {
        self.ends.clear();
        self.pins.clear();
        (self.start, self.lead) = (self.end(), self.end());
        self.bytes.drop_before(self.start);
    }

    /// The lowest cursor of a member that the ring serves, or will when it has caught up.
    pub(crate) fn lowest_cursor(&self) -> u64 {
        let pins = self.pins.iter().map(|pin| pin.cursor);
        self.members
            .iter()
            .map(|member| member.cursor)
            .chain(pins)
            .min()
            .unwrap_or(NOT_LIVE)
            .min(self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(frames: &[&str]) -> Ring {
        let mut ring = Ring::new(Seq(10));
        for frame in frames {
            ring.push(|out| out.extend_from_slice(frame.as_bytes()));
        }
        ring
    }

    #[test]
    fn cursors_and_numbers_agree() {
        let ring = ring(&["aaaa", "bb", "", "c"]);
        assert_eq!((ring.head(), ring.end()), (Seq(14), 7));
        assert_eq!(ring.cursor_after(Seq(10)), Some(0));
        assert_eq!(ring.cursor_after(Seq(11)), Some(4));
        assert_eq!(ring.cursor_after(Seq(14)), Some(7));
        assert_eq!(ring.cursor_after(Seq(9)), None, "older than the ring");
        assert_eq!(ring.cursor_after(Seq(15)), None, "not there yet");
        assert_eq!(ring.seq_at(0), Seq(10));
        assert_eq!(ring.seq_at(4), Seq(11));
        assert_eq!(
            ring.seq_at(5),
            Seq(12),
            "a frame that was begun counts as had"
        );
        assert_eq!(ring.seq_at(7), Seq(14));
    }

    #[test]
    fn a_frame_that_was_begun_can_be_finished() {
        let ring = ring(&["aaaa", "bb"]);
        assert_eq!(ring.rest_of_frame(1), Some(&b"aaa"[..]));
        assert_eq!(ring.rest_of_frame(4), None);
        assert_eq!(ring.rest_of_frame(5), Some(&b"b"[..]));
    }

    #[test]
    fn trimming_keeps_offsets_valid() {
        let mut ring = ring(&["aaaa", "bb", "c"]);
        (ring.passed, ring.offered) = (Seq(12), 6);
        assert_eq!(ring.trim_point(1, 100), 6);
        assert_eq!(ring.trim_point(9, 3), 4);
        assert_eq!(
            ring.trim_point(0, 0),
            6,
            "what was not offered to all stays"
        );
        ring.trim(6);
        assert_eq!(
            (ring.after(6), ring.len_bytes(), ring.len_frames()),
            (&b"c"[..], 1, 1)
        );
        assert_eq!(ring.seq_at(6), Seq(12));
        ring.push(|out| out.extend_from_slice(b"dd"));
        assert_eq!(ring.after(6), b"cdd");
        ring.trim(9);
        assert_eq!((ring.end(), ring.head(), ring.len_bytes()), (9, Seq(14), 0));
        assert_eq!(ring.cursor_after(Seq(14)), Some(9));
    }

    fn notice(ring: &mut Ring, text: &str) -> bool {
        ring.push_notice(|out| out.extend_from_slice(text.as_bytes()))
    }

    #[test]
    fn notices_have_no_number_and_belong_to_the_entry_before_them() {
        let mut ring = ring(&["aaaa"]);
        assert!(notice(&mut ring, "nn") && !notice(&mut ring, ""));
        ring.push(|out| out.extend_from_slice(b"bb"));
        assert_eq!((ring.head(), ring.end()), (Seq(12), 8));
        assert_eq!(ring.cursor_after(Seq(11)), Some(6), "a replay has none");
        assert_eq!(ring.seq_at(4), Seq(11), "between an entry and its notice");
        assert_eq!(ring.rest_of_frame(5), Some(&b"n"[..]));
        assert_eq!(ring.seq_at(6), Seq(11));
        ring.trim(6);
        assert_eq!((ring.len_bytes(), ring.len_frames()), (2, 1));
    }

    #[test]
    fn notices_before_the_first_entry_stand_in_front_of_it() {
        let mut ring = Ring::new(Seq(10));
        assert!(notice(&mut ring, "nn") && notice(&mut ring, "mm"));
        assert_eq!(
            (ring.head(), ring.end(), ring.len_frames()),
            (Seq(10), 4, 0)
        );
        let all = [0, 1, 3, 4].map(|cursor| ring.seq_at(cursor));
        assert_eq!(all, [Seq(10); 4]);
        assert_eq!(ring.rest_of_frame(0), None);
        assert_eq!(ring.rest_of_frame(1), Some(&b"nmm"[..]));
        assert_eq!(ring.cursor_after(Seq(10)), Some(4));
        ring.push(|out| out.extend_from_slice(b"aaaa"));
        assert_eq!(ring.cursor_after(Seq(10)), Some(4), "in front of the entry");
        assert_eq!(ring.seq_at(4), Seq(10));
        assert_eq!(ring.after(2), b"mmaaaa");
        assert_eq!(ring.trim_point(9, 5), 0, "nobody was offered them yet");
        ring.begin_pass();
        assert_eq!(ring.end_pass(), Some(false));
        assert_eq!(ring.trim_point(9, 5), 4, "the notices go first");
        ring.trim(2);
        assert_eq!(ring.len_bytes(), 8, "somebody is in the middle of them");
        ring.trim(4);
        assert_eq!((ring.len_bytes(), ring.len_frames()), (4, 1));
        ring.skip_to(Seq(12));
        assert!(notice(&mut ring, "oo"));
        assert_eq!((ring.head(), ring.len_bytes()), (Seq(12), 2));
    }

    #[test]
    fn a_notice_in_the_middle_of_a_pass_asks_for_another() {
        let mut ring = ring(&["aaaa"]);
        ring.begin_pass();
        notice(&mut ring, "");
        assert!(!ring.pass.unwrap().again, "nothing is to be sent");
        notice(&mut ring, "nn");
        assert_eq!(ring.due, 2);
        assert_eq!(ring.end_pass(), Some(true));
        assert_eq!(ring.due, 2, "they came during the pass");
        ring.begin_pass();
        assert_eq!(ring.end_pass(), Some(false));
        assert_eq!(ring.due, 0);
    }

    #[test]
    fn only_notices_that_were_offered_are_trimmed() {
        let mut ring = ring(&["aaaa"]);
        notice(&mut ring, "nn");
        ring.begin_pass();
        notice(&mut ring, "mm");
        ring.end_pass();
        assert_eq!(ring.trim_point(9, 0), 6, "the last came during the pass");
        ring.trim(5);
        assert_eq!(
            ring.len_bytes(),
            8,
            "somebody is in the middle of the first"
        );
        ring.trim(6);
        assert_eq!((ring.len_bytes(), ring.len_frames()), (2, 0));
        assert_eq!((ring.head(), ring.seq_at(6)), (Seq(11), Seq(11)));
        assert_eq!(ring.rest_of_frame(7), Some(&b"m"[..]));
        ring.push(|out| out.extend_from_slice(b"bb"));
        assert_eq!((ring.after(6), ring.seq_at(9)), (&b"mmbb"[..], Seq(12)));
    }
}
