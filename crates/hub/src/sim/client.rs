//! A simulated client: what it hears, and what it holds the hub to.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use super::speech::take_frame;
use super::truth::Truth;

/// One client over all its connections. It remembers its positions, as a real one would.
#[derive(Default)]
pub(super) struct Client {
    /// Shard and index, while it is connected.
    pub(super) connection: Option<(usize, u32)>,
    /// It does not read at the moment.
    pub(super) stalled: bool,
    /// It reads everything at once: it must never be told of a gap in what came while it was there.
    pub(super) prompt: bool,
    /// The rooms that it is in on this connection: the position up to which it has everything.
    pub(super) rooms: BTreeMap<String, Option<(u64, u64)>>,
    /// Positions from earlier connections.
    pub(super) remembered: BTreeMap<String, (u64, u64)>,
    /// Publishes on this connection that were not answered yet.
    waiting: BTreeSet<String>,
    /// Rooms that it came back to with a position: it may be told of gaps until it has caught up.
    resuming: BTreeSet<String>,
    read: Vec<u8>,
    pub(super) pinged: bool,
    pub(super) closed: Option<String>,
}

impl Client {
    /// Every third client is a prompt one.
    pub(super) fn numbered(number: u64) -> Self {
        Self {
            prompt: number.is_multiple_of(3),
            ..Self::default()
        }
    }

    /// A new connection: nothing is under way on it.
    pub(super) fn connect(&mut self, shard: usize, index: u32) {
        self.connection = Some((shard, index));
        self.closed = None;
    }

    /// The connection is gone; the positions stay.
    pub(super) fn disconnect(&mut self) {
        for (room, position) in std::mem::take(&mut self.rooms) {
            if let Some(position) = position {
                self.remembered.insert(room, position);
            }
        }
        let remembered = std::mem::take(&mut self.remembered);
        *self = Self {
            remembered,
            ..Self::default()
        };
    }

    pub(super) fn publishes(&mut self, id: &str) {
        self.waiting.insert(id.to_owned());
    }

    pub(super) fn asks_for(&mut self, room: &str, resumes: bool) {
        self.rooms.insert(room.to_owned(), None);
        if resumes {
            self.resuming.insert(room.to_owned());
        }
    }

    pub(super) fn leaves(&mut self, room: &str) {
        if let Some(Some(position)) = self.rooms.remove(room) {
            self.remembered.insert(room.to_owned(), position);
        }
        self.resuming.remove(room);
    }

    /// Reads what came and checks every word of it.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        truth: &mut Truth,
        report: &mut Report,
    ) -> Result<(), String> {
        self.read.extend_from_slice(bytes);
        while let Some(frame) = take_frame(&mut self.read) {
            if self.closed.is_some() {
                return Err(format!("close: {frame:?} came after the close frame"));
            }
            self.hear_frame(&frame, truth, report)?;
        }
        Ok(())
    }

    fn hear_frame(
        &mut self,
        frame: &str,
        truth: &mut Truth,
        report: &mut Report,
    ) -> Result<(), String> {
        let words: Vec<_> = frame.split(' ').collect();
        match words[..] {
            ["entry", room, epoch, seq, id, _] => {
                report.entries_heard += 1;
                if self.waiting.contains(id) {
                    return Err(format!("ack: the entry {id} came before its ack"));
                }
                truth.witness(&(room.to_owned(), number(epoch)?, number(seq)?), id)?;
                self.move_on(room, number(epoch)?, number(seq)?, number(seq)?)
            }
            ["ack", room, epoch, seq, id] => {
                report.acks += 1;
                if !self.waiting.remove(id) {
                    return Err(format!("ack: {id} was not waiting for an ack"));
                }
                truth.witness_ack(&(room.to_owned(), number(epoch)?, number(seq)?), id)
            }
            ["joined", room, epoch, seq] => {
                let position = Some((number(epoch)?, number(seq)?));
                match self.rooms.get_mut(room) {
                    Some(joined) => *joined = position,
                    None => return Err(format!("join: was not asking for {room}")),
                }
                Ok(())
            }
            ["gap", room, epoch, first, last] => {
                report.gaps_heard += 1;
                self.may_have_gap(room)?;
                self.move_on(room, number(epoch)?, number(first)?, number(last)?)
            }
            ["reset", room, epoch, seq] => {
                report.gaps_heard += 1;
                self.may_have_gap(room)?;
                self.rooms
                    .insert(room.to_owned(), Some((number(epoch)?, number(seq)?)));
                Ok(())
            }
            ["refused", id, code] => self.hear_refusal(id, code, truth, report),
            ["!ping"] => {
                self.pinged = true;
                Ok(())
            }
            ["!pong"] => Ok(()),
            ["!close", code] => {
                self.closed = Some(code.to_owned());
                Ok(())
            }
            _ => Err(format!("frames: {frame:?} is no frame of this dialect")),
        }
    }

    fn hear_refusal(
        &mut self,
        id: &str,
        code: &str,
        truth: &Truth,
        report: &mut Report,
    ) -> Result<(), String> {
        match code {
            "not_stored" | "not_in_room" | "too_many_rooms" if id != "-" => {
                report.refused += u64::from(code == "not_stored");
                self.waiting.remove(id);
                truth.check_refused(id)
            }
            "too_many_rooms" => {
                // The world asks for one room at a time, so it is the one without an answer.
                self.rooms.retain(|_, position| position.is_some());
                Ok(())
            }
            code => Err(format!("refused: {id} for no reason: {code}")),
        }
    }

    /// The next number of a room, or a told range of missing ones.
    fn move_on(&mut self, room: &str, epoch: u64, first: u64, last: u64) -> Result<(), String> {
        let Some(Some(position)) = self.rooms.get_mut(room) else {
            return Err(format!("gap: {room} was heard before it was joined"));
        };
        if (epoch, first) != (position.0, position.1 + 1) || last < first {
            return Err(format!(
                "gap: in {room} {first}..={last} of {epoch} after {position:?}"
            ));
        }
        position.1 = last;
        Ok(())
    }

    /// Somebody who reads at once is never behind, but for what happened before he came.
    fn may_have_gap(&self, room: &str) -> Result<(), String> {
        if self.prompt && !self.resuming.contains(room) {
            return Err(format!("slow: a prompt reader of {room} was told of a gap"));
        }
        Ok(())
    }

    /// What must be true when nothing moves any more.
    pub(super) fn check_complete(&self, truth: &Truth) -> Result<(), String> {
        for (room, position) in &self.rooms {
            let Some((epoch, seq)) = position else {
                return Err(format!("join: {room} was never answered"));
            };
            let head = truth.head(room, *epoch);
            if *seq < head {
                return Err(format!("loss: in {room} somebody ended at {seq} of {head}"));
            }
        }
        match self.waiting.first() {
            Some(id) => Err(format!("ack: {id} was never answered")),
            None => Ok(()),
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("frames: {text:?} is no number"))
}
