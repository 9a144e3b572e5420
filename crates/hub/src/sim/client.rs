//! A simulated client: what it hears, and what it holds the hub to.

use std::collections::{BTreeMap, BTreeSet};

use parlour_proto::{ClientId, CloseReason, ConnectionId, Limits, Refusal, RoomName};

use super::Doings;
use super::asked::{Rate, Rooms, Whole};
use super::noticed::Noticed;
use super::speech::take_frame;
use super::truth::Truth;
use super::watched::Watched;
use crate::since::Since;

/// One client over all its connections. It remembers its positions, as a real one would.
#[derive(Default)]
pub(super) struct Client {
    /// Whom it speaks as; others may be the same user.
    pub(super) user: String,
    /// Shard and index, while it is connected.
    pub(super) connection: Option<(usize, u32)>,
    generation: u32,
    /// Its id at the door that announces who comes and goes.
    pub(super) own: Option<ClientId>,
    pub(super) noticed: Noticed,
    /// Whom it spoke as when it came.
    came_as: String,
    /// It does not read at the moment.
    pub(super) stalled: bool,
    /// It reads everything at once: it must never be told of a gap in what came while it was there.
    pub(super) prompt: bool,
    pub(super) rooms: Rooms,
    /// Rooms in which it asked who is there.
    pub(super) watched: BTreeMap<String, Watched>,
    /// Positions from earlier connections.
    pub(super) remembered: BTreeMap<String, (u64, u64)>,
    /// The room that it was let in for, and where that was then.
    pub(super) first: Option<(RoomName, Since)>,
    /// A frame without an answer that would name it.
    pub(super) whole: Option<Whole>,
    pub(super) rate: Rate,
    /// Publishes on this connection that were not answered yet.
    waiting: BTreeSet<String>,
    read: Vec<u8>,
    pub(super) pinged: bool,
    /// It was greeted.
    greeted: bool,
    /// It has asked for its close itself.
    pub(super) requested_close: bool,
    /// It was told that it will be closed.
    closing: bool,
    closed: Option<String>,
}

impl Client {
    /// Every third client is a prompt one, and some are the same user.
    pub(super) fn numbered(number: u64) -> Self {
        Self {
            user: format!("c{}", number % 8),
            prompt: number.is_multiple_of(3),
            ..Self::default()
        }
    }

    /// A new connection: nothing is under way on it.
    pub(super) fn connect(
        &mut self,
        shard: usize,
        id: ConnectionId,
        now_ms: u64,
        own: Option<ClientId>,
    ) {
        self.connection = Some((shard, id.index));
        self.generation = id.generation;
        self.own = own;
        self.came_as = self.user.clone();
        self.rate = Rate::begin(now_ms);
        if let Some((room, _)) = &self.first {
            let room = room.as_str().to_owned();
            self.rooms.resuming.insert(room.clone());
            self.rooms.positions.insert(room, None);
        }
    }

    pub(super) fn is_at(&self, shard: usize, id: ConnectionId) -> bool {
        self.connection == Some((shard, id.index)) && self.generation == id.generation
    }

    /// Its wish for another name was granted.
    pub(super) fn is_called(&mut self, name: &str) {
        name.clone_into(&mut self.user);
        if self.whole == Some(Whole::Nick) {
            self.whole = None;
        }
    }

    pub(super) fn speaks_as(&self) -> String {
        format!("guest-{}", self.user)
    }

    /// The connection is gone; the positions stay.
    pub(super) fn disconnect(&mut self) {
        let Self {
            user,
            prompt,
            rooms,
            mut remembered,
            ..
        } = std::mem::take(self);
        for (room, position) in rooms.positions {
            if let Some(position) = position {
                remembered.insert(room, position);
            }
        }
        *self = Self {
            user,
            prompt,
            remembered,
            ..Self::default()
        };
    }

    pub(super) fn publishes(&mut self, id: &str) {
        self.rate.send(1);
        self.waiting.insert(id.to_owned());
    }

    pub(super) fn asks(&mut self, whole: Whole) {
        let joined = if let Whole::Join(rooms) = &whole {
            &rooms[..]
        } else {
            &[]
        };
        let watched = joined
            .iter()
            .filter(|room| self.watched.contains_key(*room));
        self.rate.send(1 + watched.count() as u64);
        if let Whole::Leave(rooms) = &whole {
            let here = rooms.iter().filter(|room| self.rooms.is_settled(room));
            let here: Vec<_> = here.cloned().collect();
            self.rooms.leaving.extend(here);
        }
        self.whole = Some(whole);
    }

    /// An answer to one room of a frame: the frame was not refused as a whole.
    fn answered(&mut self, room: &str) {
        if let Some(Whole::Join(rooms) | Whole::Leave(rooms)) = &self.whole
            && rooms.iter().any(|asked| asked == room)
        {
            self.whole = None;
        }
    }

    /// The frame without a name was thrown away.
    fn refused_whole(&mut self) -> Result<(), String> {
        match self.whole.take() {
            None => return Err("refused: nothing that has no name was asked".to_owned()),
            Some(Whole::Join(rooms)) => {
                for room in rooms {
                    if self.rooms.refused_double(&room).is_err() {
                        self.rooms.refused(&room)?;
                        self.watched.remove(&room);
                    }
                }
            }
            Some(Whole::Leave(rooms)) => {
                for room in rooms {
                    self.rooms.leaving.remove(&room);
                }
            }
            Some(Whole::Ping(_) | Whole::Nonsense | Whole::Nick) => {}
        }
        Ok(())
    }

    /// Reads what came and checks every word of it.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        truth: &mut Truth,
        limits: &Limits,
        doings: &mut Doings,
    ) -> Result<(), String> {
        self.read.extend_from_slice(bytes);
        while let Some(frame) = take_frame(&mut self.read) {
            let words: Vec<_> = frame.split(' ').collect();
            if self.closed.is_some() {
                return Err(format!("close: {frame:?} came after the close frame"));
            }
            if self.closing && words[0] != "!close" {
                return Err(format!("close: {frame:?} came after the notice"));
            }
            if self.greeted == (words[0] == "hello") {
                return Err(format!("hello: {frame:?} at the wrong place"));
            }
            let known = self.hear_of_entries(&words, truth, doings)?
                || self.hear_of_rooms(&words, limits, doings)?
                || self.hear_of_itself(&words, truth, limits, doings)?;
            if !known {
                return Err(format!("frames: {frame:?} is no frame of this dialect"));
            }
        }
        Ok(())
    }

    fn hear_of_entries(
        &mut self,
        words: &[&str],
        truth: &mut Truth,
        doings: &mut Doings,
    ) -> Result<bool, String> {
        match *words {
            ["nick", room, epoch, seq, names] => {
                doings.renames += 1;
                let place = (room.to_owned(), number(epoch)?, number(seq)?);
                truth.witness_rename(&place, names)?;
                self.rooms.move_on(room, place.1, place.2, place.2)?;
            }
            ["notice", room, who, what] => {
                doings.notices += 1;
                if !matches!(self.rooms.positions.get(room), Some(Some(_))) {
                    return Err(format!("notice: in {room}, outside of it"));
                }
                if self.prompt {
                    self.noticed.hear(room, who, what)?;
                }
            }
            ["entry", room, epoch, seq, id, from, author, _] => {
                truth.witness_from(id, from)?;
                self.noticed.said(room, author)?;
                let own = self
                    .own
                    .filter(|own| self.prompt && own.to_string() == author);
                if own.is_some() {
                    self.noticed.said_itself(room, author)?;
                }
                doings.report.entries_heard += 1;
                if self.waiting.contains(id) {
                    return Err(format!("ack: the entry {id} came before its ack"));
                }
                truth.witness(&(room.to_owned(), number(epoch)?, number(seq)?), id)?;
                self.rooms
                    .move_on(room, number(epoch)?, number(seq)?, number(seq)?)?;
            }
            ["ack", room, epoch, seq, id] => {
                doings.report.acks += 1;
                if !self.waiting.remove(id) {
                    return Err(format!("ack: {id} was not waiting for an ack"));
                }
                truth.witness_ack(&(room.to_owned(), number(epoch)?, number(seq)?), id)?;
            }
            ["gap", room, epoch, first, last] => {
                doings.report.gaps_heard += 1;
                self.may_have_gap(room)?;
                self.rooms
                    .move_on(room, number(epoch)?, number(first)?, number(last)?)?;
            }
            ["reset", room, epoch, seq] => {
                doings.report.gaps_heard += 1;
                self.may_have_gap(room)?;
                let position = Some((number(epoch)?, number(seq)?));
                self.rooms.positions.insert(room.to_owned(), position);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn hear_of_rooms(
        &mut self,
        words: &[&str],
        limits: &Limits,
        doings: &mut Doings,
    ) -> Result<bool, String> {
        let named_max = limits.presence_members_max;
        match *words {
            ["joined", room, epoch, seq] => {
                self.answered(room);
                self.rooms.joined(room, epoch, seq)?;
                self.check_first(room, number(epoch)?, number(seq)?)?;
            }
            ["left", room] => {
                doings.left += 1;
                self.answered(room);
                self.watched.remove(room);
                self.noticed.leave(room);
                if let Some(position) = self.rooms.left(room)? {
                    self.remembered.insert(room.to_owned(), position);
                }
            }
            ["presence", room, count, users] => {
                doings.snapshots += 1;
                self.watching(room)?.hear_all(count, users, named_max)?;
            }
            ["change", room, count, came, went] => {
                doings.changes += 1;
                let watched = self.watching(room)?;
                watched.hear_change(count, [came, went], named_max)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whoever was let in for a room starts where it was then, or where a later life of it begins.
    fn check_first(&mut self, room: &str, epoch: u64, seq: u64) -> Result<(), String> {
        let first = self.first.take_if(|(first, _)| first.as_str() == room);
        let starts = match first {
            None | Some((_, Since::Joined)) => return Ok(()),
            Some((_, Since::Position(at))) if at.epoch.0 == epoch => at.seq.0,
            Some(_) => 0,
        };
        if seq != starts {
            return Err(format!("newcomer: {room} begins at {seq} and not {starts}"));
        }
        Ok(())
    }

    fn watching(&mut self, room: &str) -> Result<&mut Watched, String> {
        if !matches!(self.rooms.positions.get(room), Some(Some(_))) {
            return Err(format!("presence: {room} was told of outside of it"));
        }
        let watched = self.watched.get_mut(room);
        watched.ok_or_else(|| format!("presence: nobody asked who is in {room}"))
    }

    fn hear_of_itself(
        &mut self,
        words: &[&str],
        truth: &Truth,
        limits: &Limits,
        doings: &mut Doings,
    ) -> Result<bool, String> {
        match *words {
            ["hello", user] => {
                self.greeted = true;
                if user != format!("guest-{}", self.came_as) {
                    return Err(format!("hello: {} was greeted as {user}", self.came_as));
                }
            }
            ["pong", id] => {
                if self.whole.take() != Some(Whole::Ping(id.to_owned())) {
                    return Err(format!("pong: {id} was not asked"));
                }
            }
            ["refused", room, id, code, retry] => {
                let refusal = Refusal::ALL.into_iter().find(|known| known.code() == code);
                if refusal.map(Refusal::may_pass_later) != Some(retry == "later") {
                    return Err(format!("refused: {code} {retry}"));
                }
                doings.not_allowed += u64::from(code == "not_allowed");
                if code == "rate_limited" {
                    doings.limited += 1;
                    self.rate.refuse(limits.message_burst.into())?;
                }
                self.hear_refusal(room, id, code, truth, doings)?;
            }
            ["closing", why, retry] => {
                doings.closings += 1;
                let mut reasons = CloseReason::ALL.into_iter();
                let reason = reasons.find(|reason| reason.name() == why);
                if reason.map(CloseReason::may_come_back) != Some(retry == "later") {
                    return Err(format!("closing: {why} {retry}"));
                }
                self.closing = true;
            }
            ["!ping"] => self.pinged = true,
            ["!pong"] => {}
            ["!close", code] => {
                if !self.closing && !self.requested_close {
                    return Err("closing: closed without a notice".to_owned());
                }
                self.closed = Some(code.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn hear_refusal(
        &mut self,
        room: &str,
        id: &str,
        code: &str,
        truth: &Truth,
        doings: &mut Doings,
    ) -> Result<(), String> {
        if code == "outcome_unknown" && truth.is_durable && self.waiting.remove(id) {
            // It may be seen by all, or by nobody.
            doings.doubted += 1;
            return Ok(());
        }
        if self.waiting.contains(id) {
            doings.report.refused += u64::from(code == "not_stored");
            let known = [
                "not_stored",
                "not_in_room",
                "too_many_rooms",
                "rate_limited",
                "not_allowed",
            ];
            if !known.contains(&code) {
                return Err(format!("refused: {id} for no reason: {code}"));
            }
            self.waiting.remove(id);
            return truth.check_refused(id);
        }
        match code {
            "rate_limited" => return self.refused_whole(),
            "name_taken" if self.whole == Some(Whole::Nick) => {
                self.whole = None;
                return Ok(());
            }
            "unknown_type" if self.whole == Some(Whole::Nonsense) => {
                self.whole = None;
                return Ok(());
            }
            _ => self.answered(room),
        }
        match code {
            "already_joined" => self.rooms.refused_double(room),
            "not_allowed" if self.rooms.refused_double(room).is_ok() => Ok(()),
            "not_allowed" => self.refused_room(room),
            "bad_position" if self.rooms.hostile.contains(room) => self.refused_room(room),
            // The room could not be looked up in the store.
            "store_failed" if truth.may_fail => self.refused_room(room),
            "too_many_rooms" | "too_many_rooms_here" => self.refused_room(room),
            // It may have asked to be there since it asked to leave.
            "not_in_room" if !matches!(self.rooms.positions.get(room), Some(Some(_))) => Ok(()),
            code => Err(format!("refused: {room} for no reason: {code}")),
        }
    }

    fn refused_room(&mut self, room: &str) -> Result<(), String> {
        self.first.take_if(|(first, _)| first.as_str() == room);
        self.watched.remove(room);
        self.rooms.refused(room)
    }

    /// Somebody who reads at once is never behind, but for what happened before he came.
    fn may_have_gap(&self, room: &str) -> Result<(), String> {
        if self.prompt && !self.rooms.resuming.contains(room) {
            return Err(format!("slow: a prompt reader of {room} was told of a gap"));
        }
        Ok(())
    }

    /// What must be true when nothing moves any more.
    pub(super) fn check_complete(&self, truth: &Truth) -> Result<(), String> {
        for (room, position) in &self.rooms.positions {
            let Some((epoch, seq)) = position else {
                return Err(format!("join: {room} was never answered"));
            };
            let head = truth.head(room, *epoch);
            if *seq < head {
                return Err(format!("loss: in {room} somebody ended at {seq} of {head}"));
            }
        }
        if let Some(room) = self.rooms.leaving.first() {
            return Err(format!("leave: {room} was never answered"));
        }
        if let Some(whole) = &self.whole {
            return Err(format!("refused: {whole:?} was never answered"));
        }
        match self.waiting.first() {
            Some(id) => Err(format!("ack: {id} was never answered")),
            None => Ok(()),
        }
    }
}

pub(super) fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("frames: {text:?} is no number"))
}
