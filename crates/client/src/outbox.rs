//! What is to be published and has no answer yet: in memory, and in a file where its owner wants that.

mod journal;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use parlour_proto::told::Said;
use parlour_proto::{EntryId, Position, RoomName};
use tokio::time::{Instant, sleep_until};

use crate::call::ToPublish;
use crate::error::{CallError, Ended};
use crate::receipt::{Receipt, Waiter};
pub use journal::OutboxError;
use journal::{Failure, Journal, Ticket, Written};
use record::{Put, Record};

/// Publishes that wait for their answer; who wants to publish more waits.
pub(crate) const ITEMS_MAX: usize = 10_000;
/// Bytes of their payloads; the last may be a whole one more.
pub(crate) const ITEMS_BYTES_MAX: usize = 16 << 20;
/// Publishes on their way; the server reads no more of a connection that has as many.
pub(crate) const SENT_MAX: usize = 64;
/// Before what the server has refused for now is sent again, where it does not say how long, and at most.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Between two tries to write a file that could not be written, where nobody wants to publish meanwhile.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// What is not answered yet, in the order in which it was accepted.
#[derive(Default)]
pub(crate) struct Outbox {
    items: Vec<Item>,
    /// What other users left in the file. It waits for them.
    others: Vec<Put>,
    bytes: usize,
    sent: usize,
    journal: Option<Journal>,
    trouble: Option<Trouble>,
    user: String,
}

/// The file cannot be written.
struct Trouble {
    failure: Failure,
    /// When it is tried next.
    again: Instant,
    /// The try that is under way.
    trying: Option<Ticket>,
}

/// What the owner of a client is told of the file.
pub(crate) enum FileNews {
    /// It cannot be written.
    Failed(String),
    /// It is written again, with all that is not delivered.
    Mended,
}

struct Item {
    publish: ToPublish,
    /// Who said it.
    user: String,
    /// Where the room was before it was sent first.
    since: Option<Position>,
    /// Whether the server may know it, from this connection or an earlier one.
    may_be_known: bool,
    /// Whether its answer was lost with a connection.
    is_lost: bool,
    /// Whether it stands in the file.
    is_safe: bool,
    /// Whether its room was left before it stood there.
    is_left: bool,
    stage: Stage,
    /// When it may be sent again, after the server refused it for now; and how often it has.
    again: Option<Instant>,
    refusals: u32,
    waiters: Vec<Waiter>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// On its way into the file.
    Keeping(Ticket),
    Ready,
    Sent(Instant),
}

/// What [`Outbox::next`] finds.
pub(crate) enum Next<'a> {
    /// To be sent now; with `since` if the server may know it.
    Send(&'a ToPublish, Option<Position>),
    /// Nothing before this time.
    At(Instant),
    Nothing,
}

impl Outbox {
    /// In memory, or in this file.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, OutboxError> {
        let mut outbox = Self::default();
        if let Some(path) = path {
            let (journal, puts) = Journal::open(path)?;
            outbox.bytes = puts.iter().map(|put| put.payload.len()).sum();
            outbox.others = puts;
            outbox.journal = Some(journal);
        }
        Ok(outbox)
    }

    /// Whether one more is taken.
    pub(crate) fn has_place(&self) -> bool {
        // One at a time finds out whether the file takes something again.
        let is_trying = self.trouble.as_ref().is_some_and(|it| it.trying.is_some());
        !is_trying
            && self.items.len() + self.others.len() < ITEMS_MAX
            && self.bytes < ITEMS_BYTES_MAX
    }

    /// Whether something was sent and has no answer.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.sent > 0
    }

    /// The rooms that something is for.
    pub(crate) fn rooms(&self) -> BTreeSet<RoomName> {
        let rooms = self.items.iter().map(|item| item.publish.room.clone());
        rooms.collect()
    }

    /// Whether something for the room goes out as soon as it can.
    pub(crate) fn is_about_to_send(&self, room: &RoomName) -> bool {
        let is_one = |item: &Item| !matches!(item.stage, Stage::Sent(_)) && item.again.is_none();
        self.items
            .iter()
            .any(|item| item.publish.room == *room && is_one(item))
    }

    /// Everything is said by this user from now on. Gives the receipts of what the user had left in the file.
    pub(crate) fn speak_as(&mut self, user: &str) -> Vec<Receipt> {
        if self.user == user {
            return Vec::new();
        }
        user.clone_into(&mut self.user);
        // Of another user the server would not know it again: it would be there twice.
        let is_bound = |item: &Item| item.may_be_known && item.user != user;
        if self.journal.is_some() {
            for item in self.items.extract_if(.., |item| is_bound(item)) {
                self.others.push(item.put());
                answer(item.waiters, &Err(CallError::Kept));
            }
        }
        self.settle(is_bound, &Err(CallError::Unknown));
        for index in 0..self.items.len() {
            if self.items[index].user != user {
                user.clone_into(&mut self.items[index].user);
                self.write(index);
            }
        }
        let (own, others) = std::mem::take(&mut self.others)
            .into_iter()
            .partition(|put| put.user == user);
        self.others = others;
        let own: Vec<Put> = own;
        let mut receipts = Vec::new();
        let mut restored = Vec::new();
        for item in own.iter().filter_map(Put::item) {
            let (receipt, mut waiter, _) = Receipt::new(item.publish.clone());
            waiter.accept();
            receipts.push(receipt);
            restored.push(Item {
                publish: item.publish,
                user: user.to_owned(),
                since: item.since,
                may_be_known: item.since.is_some(),
                is_lost: item.since.is_some(),
                is_safe: true,
                is_left: false,
                stage: Stage::Ready,
                again: None,
                refusals: 0,
                waiters: vec![waiter],
            });
        }
        restored.append(&mut self.items);
        self.items = restored;
        receipts
    }

    /// Takes one more. `place` is where its room is, if that is known.
    pub(crate) fn accept(&mut self, publish: ToPublish, waiter: Waiter, place: Option<Position>) {
        let is_it =
            |item: &&mut Item| item.publish.id == publish.id && item.publish.room == publish.room;
        if let Some(item) = self.items.iter_mut().find(is_it) {
            return item.join(&publish, waiter);
        }
        self.bytes += publish.payload.len();
        self.items.push(Item {
            publish,
            user: self.user.clone(),
            since: place,
            may_be_known: false,
            is_lost: false,
            is_safe: false,
            is_left: false,
            stage: Stage::Ready,
            again: None,
            refusals: 0,
            waiters: vec![waiter],
        });
        self.write(self.items.len() - 1);
    }

    /// Has an item in the file as it is now, before anything else happens to it. Where the file cannot be written,
    /// what is in it goes on as it is, and with what is not it is tried again.
    fn write(&mut self, index: usize) {
        let item = &mut self.items[index];
        let Some(journal) = &mut self.journal else {
            return item.waiters.iter_mut().for_each(Waiter::accept);
        };
        let is_closed = self.trouble.as_ref().is_some_and(|it| it.trying.is_none());
        if !is_closed {
            item.stage = Stage::Keeping(journal.append(Record::Put(item.put())));
        } else if !item.is_safe {
            let ticket = self.try_again();
            self.items[index].stage = Stage::Keeping(ticket);
        }
    }

    /// Has the whole file written anew.
    fn rewrite(&mut self) -> Ticket {
        let own = self.items.iter().map(Item::put);
        let puts = self.others.iter().cloned().chain(own).collect();
        let ticket = self.journal.as_mut().map_or(0, |it| it.rewrite(puts));
        for item in &mut self.items {
            // It is in the file with all the others.
            if let Stage::Keeping(earlier) = &mut item.stage {
                *earlier = ticket;
            }
        }
        ticket
    }

    fn try_again(&mut self) -> Ticket {
        let ticket = self.rewrite();
        if let Some(trouble) = &mut self.trouble {
            trouble.trying = Some(ticket);
        }
        ticket
    }

    /// What is to be sent next. `place` gives where a room is that this client is in. What is sent for the first
    /// time has that written down before, so that it is known from where on the server has to look.
    pub(crate) fn next(
        &mut self,
        now: Instant,
        place: impl Fn(&RoomName) -> Option<Position>,
    ) -> Next<'_> {
        if self.sent >= SENT_MAX {
            return Next::Nothing;
        }
        let mut at: Option<Instant> = None;
        let mut found = None;
        let mut held: Vec<RoomName> = Vec::new();
        for index in 0..self.items.len() {
            let item = &self.items[index];
            if matches!(item.stage, Stage::Sent(_)) {
                continue;
            }
            let room = &item.publish.room;
            let Some(place) = place(room) else { continue };
            let is_marked =
                item.may_be_known || item.since.is_some_and(|it| it.epoch == place.epoch);
            if item.stage == Stage::Ready && !is_marked {
                self.items[index].since = Some(place);
                self.write(index);
            }
            let item = &self.items[index];
            let room = &item.publish.room;
            if held.contains(room) {
                continue;
            }
            let wait = item.again.filter(|again| *again > now);
            if item.stage == Stage::Ready && wait.is_none() {
                found = Some(index);
                break;
            }
            // Nothing of the room goes past it.
            at = at.into_iter().chain(wait).min();
            held.push(room.clone());
        }
        match (found, at) {
            (Some(index), _) => {
                let item = &self.items[index];
                Next::Send(&item.publish, item.since.filter(|_| item.may_be_known))
            }
            (None, Some(at)) => Next::At(at),
            (None, None) => Next::Nothing,
        }
    }

    /// What [`next`](Self::next) gave is on its way.
    pub(crate) fn sent(&mut self, id: &EntryId, room: &RoomName, now: Instant) {
        let is_it = |item: &&mut Item| item.publish.id == *id && item.publish.room == *room;
        if let Some(item) = self.items.iter_mut().find(is_it) {
            item.stage = Stage::Sent(now);
            item.may_be_known = true;
            item.again = None;
            item.waiters.iter().for_each(|waiter| waiter.set_sent(true));
            self.sent += 1;
        }
    }

    /// When something was sent that has no answer for the longest time.
    pub(crate) fn oldest_sent(&self) -> Option<Instant> {
        let sent = self.items.iter().filter_map(|item| match item.stage {
            Stage::Sent(at) => Some(at),
            _ => None,
        });
        sent.min()
    }

    /// The server's answer to one of them. What is none of them is ignored.
    pub(crate) fn answer(
        &mut self,
        id: &EntryId,
        room: Option<&RoomName>,
        answer: &Result<Position, CallError>,
    ) {
        let is_it = |item: &Item| {
            item.publish.id == *id && room.is_none_or(|room| item.publish.room == *room)
        };
        self.settle(is_it, answer);
    }

    /// The server does not take it now, and may later.
    pub(crate) fn refused_for_now(&mut self, id: &EntryId, wait: Option<Duration>, now: Instant) {
        for item in self.items.iter_mut().filter(|item| item.publish.id == *id) {
            item.refusals += 1;
            // Two refusals may be an accident, a full disk is none.
            let grown = PAUSE * ((1 << item.refusals.min(6)) >> 2);
            item.again = Some(now + wait.unwrap_or(PAUSE).max(grown.min(PAUSE_MAX)));
            if item.unsend() {
                self.sent -= 1;
            }
        }
    }

    /// The server threw a frame away and did not say which: what has no answer is sent again.
    pub(crate) fn thrown_away(&mut self, wait: Duration, now: Instant) {
        for item in &mut self.items {
            if item.unsend() {
                item.again = Some(now + wait);
            }
        }
        self.sent = 0;
    }

    /// An entry that was told: if it is one whose answer was lost, this is its place. Others can give
    /// their entries any id, but neither our name nor, before it was said, our id.
    pub(crate) fn found(&mut self, said: &Said) {
        let Some(id) = &said.id else { return };
        let is_it = |item: &Item| {
            let publish = &item.publish;
            item.is_lost
                && publish.id == *id
                && publish.room == said.room
                && *item.user == *said.from
        };
        self.settle(is_it, &Ok(said.position));
    }

    /// The connection that they were sent on is gone.
    pub(crate) fn lose(&mut self) {
        for item in &mut self.items {
            item.is_lost |= item.unsend();
            item.again = None;
            item.refusals = 0;
        }
        self.sent = 0;
    }

    /// This client is in that room no longer: what was sent on this connection is answered still, and what is
    /// in the file stays there.
    pub(crate) fn left(&mut self, room: &RoomName) {
        let is_here =
            |item: &Item| item.publish.room == *room && !matches!(item.stage, Stage::Sent(_));
        let keeps = self.keeps_what_is_safe();
        let stays = |item: &Item| {
            let is_safe = keeps && item.is_safe;
            is_here(item) && (is_safe || matches!(item.stage, Stage::Keeping(_)))
        };
        for item in self.items.iter_mut().filter(|item| stays(item)) {
            item.is_left = true;
            if item.is_safe {
                answer(std::mem::take(&mut item.waiters), &Err(CallError::Kept));
            }
        }
        let is_gone = |item: &Item| is_here(item) && !stays(item);
        let unknown = Err(CallError::Unknown);
        self.settle(|item| is_gone(item) && item.may_be_known, &unknown);
        self.settle(is_gone, &Err(CallError::NotInRoom(room.clone())));
    }

    /// Whether the next client of the file finds there what was safe.
    fn keeps_what_is_safe(&self) -> bool {
        let is_in_place = self
            .trouble
            .as_ref()
            .is_none_or(|it| it.failure.is_in_place);
        self.journal.is_some() && is_in_place
    }

    /// Waits until something has come into the file, if something is on its way there, or until it is to be
    /// tried again. Gives what is to be told. Nothing is lost if it is dropped.
    pub(crate) async fn kept(&mut self) -> Option<FileNews> {
        let Some(journal) = &mut self.journal else {
            return std::future::pending().await;
        };
        let again = self.trouble.as_ref().filter(|it| it.trying.is_none());
        let again = again.map(|it| it.again);
        tokio::select! {
            changed = journal.written.changed() => {
                if changed.is_err() {
                    // The thread has been given up with all that waits.
                    return std::future::pending().await;
                }
            }
            () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {
                self.try_again();
                return None;
            }
        }
        let written = journal.written.borrow_and_update().clone();
        self.is_written(written)
    }

    fn is_written(&mut self, written: Written) -> Option<FileNews> {
        for item in &mut self.items {
            if matches!(item.stage, Stage::Keeping(ticket) if ticket <= written.safe) {
                item.stage = Stage::Ready;
                item.is_safe = true;
                item.waiters.iter_mut().for_each(Waiter::accept);
                if item.is_left {
                    answer(std::mem::take(&mut item.waiters), &Err(CallError::Kept));
                }
            }
        }
        match written.failure {
            None => self.trouble.take().map(|_| FileNews::Mended),
            Some(failure) => self.is_not_written(failure, written.tried),
        }
    }

    /// What was not accepted is not going to be; what is in the file goes on.
    fn is_not_written(&mut self, failure: Failure, tried: Ticket) -> Option<FileNews> {
        let was_tried = |item: &Item| matches!(item.stage, Stage::Keeping(it) if it <= tried);
        let not_kept = |item: &mut Item| was_tried(item) && !item.is_safe;
        let error = CallError::Outbox(failure.why.clone());
        for item in self.items.extract_if(.., not_kept) {
            self.bytes -= item.publish.payload.len();
            let waiters = item.waiters.into_iter();
            waiters.for_each(|waiter| waiter.refuse(error.clone()));
        }
        for item in self.items.iter_mut().filter(|item| was_tried(item)) {
            item.stage = Stage::Ready;
        }
        let before = self.trouble.take();
        let trying = before.as_ref().and_then(|it| it.trying);
        let is_old = before
            .as_ref()
            .filter(|it| it.trying.is_none_or(|ticket| ticket > tried));
        let again = is_old.map_or_else(|| Instant::now() + TRY_AGAIN, |it| it.again);
        let news = FileNews::Failed(failure.why.clone());
        let is_new = before.is_none_or(|it| it.failure.why != failure.why);
        self.trouble = Some(Trouble {
            failure,
            again,
            trying: trying.filter(|ticket| *ticket > tried),
        });
        is_new.then_some(news)
    }

    /// The end: everybody is told, and the file holds what is not delivered.
    pub(crate) async fn end(&mut self, ended: &Ended) {
        if self.trouble.is_some() {
            self.try_again();
        }
        let mut why = None;
        if let Some(journal) = &mut self.journal {
            journal.close().await;
            let written = journal.written.borrow().clone();
            why = written.failure.as_ref().map(|it| it.why.clone());
            self.is_written(written);
        }
        let keeps = self.keeps_what_is_safe();
        for item in std::mem::take(&mut self.items) {
            let error = match &why {
                _ if keeps && item.is_safe => CallError::Kept,
                _ if item.may_be_known => CallError::Unknown,
                Some(why) => CallError::Outbox(why.clone()),
                None => CallError::Ended(ended.clone()),
            };
            answer(item.waiters, &Err(error));
        }
        self.journal = None;
    }

    fn settle(&mut self, which: impl Fn(&Item) -> bool, answered: &Result<Position, CallError>) {
        let settled: Vec<Item> = self.items.extract_if(.., |item| which(item)).collect();
        for item in settled {
            self.bytes -= item.publish.payload.len();
            self.sent -= usize::from(matches!(item.stage, Stage::Sent(_)));
            if let Some(journal) = &mut self.journal {
                // A file that cannot be written now is written anew, and without it.
                journal.append(Record::Done {
                    room: item.publish.room.to_string(),
                    id: item.publish.id.as_str().to_owned(),
                });
            }
            answer(item.waiters, answered);
        }
        let is_long = |journal: &Journal| journal.is_long(self.bytes);
        if self.trouble.is_none() && self.journal.as_ref().is_some_and(is_long) {
            self.rewrite();
        }
    }
}

fn answer(waiters: Vec<Waiter>, answer: &Result<Position, CallError>) {
    for waiter in waiters {
        waiter.answer(answer.clone());
    }
}

impl Item {
    fn put(&self) -> Put {
        Put {
            room: self.publish.room.to_string(),
            id: self.publish.id.as_str().to_owned(),
            kind: self.publish.kind.as_str().to_owned(),
            payload: String::from_utf8_lossy(&self.publish.payload).into_owned(),
            user: self.user.clone(),
            since: self.since.map(Into::into),
        }
    }

    /// The same once more is answered with it; something else under its id is what the server would refuse.
    fn join(&mut self, publish: &ToPublish, mut waiter: Waiter) {
        if self.publish.kind != publish.kind || self.publish.payload != publish.payload {
            return waiter.refuse(CallError::Refused {
                code: "id_reused".into(),
                message: "something else is to be published with that id; choose another".into(),
                retry_after: None,
            });
        }
        if !matches!(self.stage, Stage::Keeping(_)) {
            waiter.accept();
        }
        waiter.set_sent(matches!(self.stage, Stage::Sent(_)));
        self.waiters.push(waiter);
    }

    /// It is to be sent again. Gives whether it was on its way.
    fn unsend(&mut self) -> bool {
        let was_sent = matches!(self.stage, Stage::Sent(_));
        if was_sent {
            self.stage = Stage::Ready;
            self.waiters
                .iter()
                .for_each(|waiter| waiter.set_sent(false));
        }
        was_sent
    }
}
