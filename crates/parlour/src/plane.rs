//! The plane: one thread per shard, which owns its sockets and waits for them with epoll.
//!
//! ```text
//!        ┌────────────────────── one turn ──────────────────────┐
//!  epoll │ inbox: new connections, letters of the other shards  │
//!  ────▶ │ sockets that are ready: read once each, or write on  │ ────▶ until the next event
//!        │ sockets with more to read · Shard::turn · burials    │       or deadline
//!        └──────────────────────────────────────────────────────┘
//! ```
//!
//! An idle connection has no task, no buffer and no timer here: it is one slot of eight bytes that
//! every send touches, and one record beside it that only its own reading touches.

mod asking;
mod clock;
mod inbox;
mod pipe;
mod publish;
mod reading;
#[cfg(feature = "testing")]
mod rest;
mod sockets;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token};
use parlour_hub::{Attach, Shard, ShardConfig, Store};
use parlour_proto::{CloseReason, ConnectionId, Limits};
use tokio::sync::oneshot;

use crate::hub::Asking;
use crate::limits::EVENTS_MAX;
use crate::occupancy::Place;

pub(crate) use asking::Telling;
use clock::Clock;
pub(crate) use clock::Time;
use inbox::Peers;
pub(crate) use inbox::{Inbox, Mail, Mailbox, pair};
pub(crate) use pipe::{Driver, Far, Ring, Taken, pipe};
pub(crate) use publish::{Publication, Question, Wanted};
use publish::{Publications, Questions};
use reading::Readings;
#[cfg(feature = "testing")]
pub(crate) use rest::Probe;
use sockets::Table;
pub(crate) use sockets::{TlsSession, Transport};

/// A connection that has left HTTP, or never was there, and waits to be served by a shard.
pub(crate) struct Arrival {
    pub(crate) transport: Transport,
    /// What the HTTP connection had already read; it comes before what the transport has.
    pub(crate) unread: Vec<u8>,
    pub(crate) attach: Attach,
    pub(crate) place: Place,
}

/// The store of a shard; it is called twice per turn, never per message.
pub(crate) type AnyStore = Box<dyn Store + Send>;

/// One shard and its sockets.
pub(crate) struct Plane {
    shard: Shard<AnyStore>,
    table: Table,
    readings: Readings,
    mailbox: Mailbox,
    peers: Peers,
    publications: Publications,
    questions: Questions,
    /// Wait for the end of this turn. Bounded by the connections that are just opening.
    told: Vec<oneshot::Sender<()>>,
    asking: Arc<Asking>,
    clock: Clock,
    poll: Poll,
    stopped: bool,
    #[cfg(feature = "testing")]
    rest: rest::Rest,
}

impl Plane {
    /// `inboxes` are those of all shards, in their order.
    pub(crate) fn new(
        config: ShardConfig,
        store: AnyStore,
        mailbox: Mailbox,
        inboxes: Arc<[Inbox]>,
        asking: Arc<Asking>,
        time: Time,
        poll: Poll,
    ) -> io::Result<Self> {
        let limits: Arc<Limits> = Arc::clone(&config.limits);
        Ok(Self {
            table: Table::new(poll.registry().try_clone()?),
            readings: Readings::new(limits.message_bytes_max),
            mailbox,
            peers: Peers::new(config.id, inboxes),
            publications: Publications::default(),
            questions: Questions::default(),
            told: Vec::new(),
            asking,
            clock: Clock::of(time),
            shard: Shard::new(config, store),
            poll,
            stopped: false,
            #[cfg(feature = "testing")]
            rest: rest::Rest::default(),
        })
    }

    pub(crate) fn shard(&self) -> &Shard<AnyStore> {
        &self.shard
    }

    /// Serves until it is told to stop.
    pub(crate) fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut more = true;
        while !self.stopped {
            let asked = if more {
                Some(Duration::ZERO)
            } else {
                self.time_to_deadline()
            };
            self.wait(&mut events, asked);
            more = self.turn(&events, asked);
        }
    }

    /// Serves nobody any more: the application is told of the end of each connection that is left.
    pub(crate) fn end(mut self, reason: CloseReason) {
        self.shard.end_all(reason);
        self.ask();
    }

    fn time_to_deadline(&self) -> Option<Duration> {
        self.shard
            .deadline()
            .and_then(|deadline| self.clock.until(deadline))
    }

    fn wait(&mut self, events: &mut Events, asked: Option<Duration>) {
        if let Err(error) = self.poll.poll(events, asked) {
            events.clear();
            // A signal woke it. Every other error is a mistake in the call itself.
            if error.kind() != io::ErrorKind::Interrupted {
                tracing::error!(%error, "waiting for sockets failed");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// A bounded piece of work; whether there is more to do at once.
    fn turn(&mut self, events: &Events, asked: Option<Duration>) -> bool {
        let now = self.clock.turn(asked);
        // What has arrived is dated before it is handed over, not with the turn before the sleep.
        self.shard.wake(now);
        self.open_mail(now);
        for event in events {
            if event.token() != inbox::WAKER {
                self.socket_is_ready(event);
            }
        }
        self.write_on();
        self.read_on();
        // Who has gone gives back what he holds before others are told that he has gone.
        let is_answered = self.hand_on();
        let more = self.shard.turn(now, &mut self.table, &mut self.peers);
        self.publications.finish(&mut self.shard);
        self.questions.finish(&mut self.shard);
        for waiting in self.told.drain(..) {
            // Who has gone meanwhile does not want to know.
            let _ = waiting.send(());
        }
        self.resume();
        self.bury();
        let more = self.ask() || is_answered || more || self.table.has_work();
        // What burials and answers leave to do is more, too.
        let is_due = |at| at <= now.monotonic;
        let more = more || self.shard.deadline().is_some_and(is_due);
        #[cfg(feature = "testing")]
        if !more {
            self.rest.tell(&self.shard, &self.table);
        }
        more
    }

    fn open_mail(&mut self, now: parlour_proto::Now) {
        self.mailbox.begin();
        while let Some(mail) = self.mailbox.next() {
            #[cfg(feature = "testing")]
            self.rest.count(&mail);
            match mail {
                Mail::Arrival(arrival) => self.attach(now, *arrival),
                Mail::Letters { from, mut letters } => {
                    self.shard.handle_letters(from, &mut letters);
                }
                Mail::Pipe(ring) => self.pipe_has_rung(&ring),
                Mail::Publish(publication) => {
                    self.publications.begin(*publication, &mut self.shard);
                }
                Mail::Question(question) => self.questions.begin(*question, &mut self.shard),
                // What it says is looked at in every turn.
                Mail::Stored => {}
                Mail::CloseSession(session) => self.shard.close_session(session),
                Mail::CloseUser(who) => self.shard.close_user(&who),
                Mail::Answer(id, answer) => self.shard.answer(id, *answer),
                Mail::Tell(id, telling) => self.tell(id, *telling),
                Mail::Command(id, command, permit) => {
                    self.shard.command(id, *command);
                    drop(permit);
                }
                Mail::Rename(id, who, permit) => {
                    self.shard.rename(id, &who);
                    drop(permit);
                }
                Mail::Close(id, reason) => self.shard.close_one(id, reason),
                Mail::Told(waiting) => self.told.push(waiting),
                Mail::CloseAll => self.shard.close_all(CloseReason::GoingAway),
                Mail::Stop => self.stopped = true,
                #[cfg(feature = "testing")]
                Mail::Probe(probe) => self.rest.ask(probe),
                #[cfg(test)]
                Mail::Fail => panic!("as it was asked to"),
            }
        }
    }

    fn tell(&mut self, id: ConnectionId, telling: Telling) {
        // Who has gone meanwhile does not want to know.
        let _ = telling.answer.send(self.shard.tell_one(id, &telling.told));
    }

    /// Hands the questions of connections on; whether an answer was there at once, which makes work.
    /// A panic of the embedder's side ends the connection that was asked for (invariant 7).
    fn ask(&mut self) -> bool {
        let is_any = self.hand_on();
        self.resume();
        is_any
    }

    fn hand_on(&mut self) -> bool {
        let mut is_any = false;
        for asked in self.shard.take_asked() {
            let (shard, id) = (self.shard.id(), asked.connection);
            let asking = &self.asking;
            match catch_unwind(AssertUnwindSafe(|| asking.ask(shard, asked))) {
                Ok(Some(answer)) => {
                    self.shard.answer(id, answer);
                    is_any = true;
                }
                Ok(None) => {}
                Err(_) => {
                    tracing::error!("a connection's question could not be handed on");
                    self.shard.close_one(id, CloseReason::Failed);
                    is_any = true;
                }
            }
        }
        is_any
    }

    /// Reads on where the hub takes frames again.
    fn resume(&mut self) {
        for index in self.shard.take_resumed() {
            self.table.resume(index);
        }
    }

    fn attach(&mut self, now: parlour_proto::Now, arrival: Arrival) {
        let Arrival {
            transport,
            unread,
            attach,
            place,
        } = arrival;
        let index = self.shard.attach(now, attach).index;
        self.readings.open(index, unread, place);
        if let Err(error) = self.table.open(index, transport) {
            tracing::warn!(%error, "a new connection could not be registered");
        }
    }

    fn socket_is_ready(&mut self, event: &mio::event::Event) {
        let Token(index) = event.token();
        let index = index as u32; // The table gave it as one.
        if event.is_writable() {
            self.unblock(index);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.table
                .make_ready(index, event.is_read_closed() || event.is_error());
        }
    }

    fn pipe_has_rung(&mut self, ring: &Ring) {
        if let Some((index, true)) = self.table.hear(ring) {
            self.unblock(index);
        }
    }

    fn unblock(&mut self, index: u32) {
        if self.table.unblock(index) {
            self.shard.handle_writable(index, &mut self.table);
        }
    }

    /// One bounded step for each connection that had its share of sending in an earlier turn.
    fn write_on(&mut self) {
        for _ in 0..self.table.later_len() {
            if let Some(index) = self.table.take_later() {
                self.unblock(index);
            }
        }
    }

    /// One bounded read for each connection that has something.
    fn read_on(&mut self) {
        for _ in 0..self.table.ready_len() {
            if let Some(index) = self.table.take_ready() {
                self.readings.read(index, &mut self.shard, &mut self.table);
            }
        }
    }

    /// Frees what belonged to connections that are gone. Their indices are given out again only in
    /// a later turn, so no readiness of this turn can meet a new owner.
    fn bury(&mut self) {
        while let Some(index) = self.table.take_gone() {
            self.shard.handle_gone(index);
            self.readings.close(index);
        }
    }
}
