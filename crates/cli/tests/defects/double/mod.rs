//! A small chat server with one switchable fault, and nothing of the product: threads, blocking
//! sockets and locks. Without a fault it keeps the promises that the checks look for, so that a
//! check that fails against it with a fault fails because of that fault.
//!
//! It serves a handful of connections, and ends with the test that made it.

mod entry;
mod frames;
mod http;
mod pages;
mod room;
mod sessions;

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::target::{Ended, Setup};
use crate::wire::{Outcome, Way, while_doing};

use room::Rooms;
use sessions::Doorkeeper;

/// What the seeds do, and what a check must see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    ShortTextKills,
    FailedHandshakeKills,
    BurstRemoves,
    SlowMemberKills,
    PublishAfterStopKills,
    UnlockedTickets,
    UnlockedMembers,
    SlowMemberStallsRoom,
    GoneMemberStallsSender,
    SlowMemberStallsServer,
    NoWriteDeadline,
    StopNeverEnds,
    FirstRoomIsEmpty,
    OldTicketsWork,
    FromIsClaimed,
    TicketSpentFirst,
    TicketRaceLetsBothIn,
    GoneIsKeptUntilPing,
    CutsAfterBadFrames,
    CutsSilent,
    CutsAtStop,
    FixedUser,
    CacheableLogin,
    EndlessLogins,
    PlainPasswords,
    LoginByAnyMethod,
    LoginOfAnySize,
    LogsAddresses,
    TicketByAddressOnly,
    OriginWithoutPort,
    OriginWithoutScheme,
    NullOriginAllowed,
    MissingOriginAllowed,
    InnerHtml,
    PublishByAnybody,
    PublishOfAnySize,
    PublishByAnyName,
    NoTicketNeeded,
    AnyGuestName,
    LogsSecrets,
    DebugForAll,
    ListsDirectories,
    ForeignScript,
    NoContentPolicy,
    NoNosniff,
    FixedSocketAddress,
    TakesInvalidText,
    FixedMessageLimit,
    LimitIsNotTold,
    OnlyPongsAreLife,
    FreeDoorsNeverPing,
    ErrorsAreOnlyLogged,
    SaysNothingOfItself,
    EndlessConnections,
    EndlessTickets,
    EndlessRooms,
    LogsMessages,
    LogsConnections,
    SlowIsToldNothing,
}

/// A running double; it ends when it is dropped.
pub(crate) struct Double {
    inner: Arc<Inner>,
    address: SocketAddr,
    patience: Duration,
    accepting: Option<JoinHandle<()>>,
}

struct Inner {
    fault: Option<Fault>,
    ping_interval: Duration,
    slow_reader_timeout: Duration,
    requires_origin: bool,
    logs_requests: bool,
    message_bytes_max: usize,
    connections_max: usize,
    rooms_max: usize,
    /// Frames that wait for one member.
    queue_max: usize,
    doorkeeper: Doorkeeper,
    rooms: Rooms,
    log: Mutex<String>,
    /// Every connection, to be cut at the end.
    connections: Mutex<Vec<TcpStream>>,
    is_stopping: AtomicBool,
    has_died: AtomicBool,
    has_published: (Mutex<bool>, Condvar),
}

impl Double {
    pub(crate) fn start(setup: &Setup, fault: Option<Fault>, patience: Duration) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(while_doing("a double"))?;
        let address = listener.local_addr().map_err(while_doing("a double"))?;
        let time = |flag: &str, default| flag_value(setup, flag).map_or(default, duration);
        let number = |flag: &str, default| {
            flag_value(setup, flag).map_or(default, |value| value.parse().unwrap())
        };
        let inner = Arc::new(Inner {
            fault,
            ping_interval: time("--ping-interval", Duration::from_secs(25)),
            slow_reader_timeout: time("--slow-reader-timeout", Duration::from_secs(300)),
            requires_origin: setup.flags.contains(&"--require-origin"),
            logs_requests: setup.flags.contains(&"--log") || fault == Some(Fault::LogsConnections),
            message_bytes_max: match fault {
                Some(Fault::FixedMessageLimit) => 512,
                _ => number("--max-message-bytes", 64 << 10),
            },
            connections_max: number("--max-connections", usize::MAX),
            rooms_max: number("--max-rooms", usize::MAX),
            queue_max: number("--room-log-entries", room::QUEUE),
            doorkeeper: Doorkeeper::new(
                setup.users,
                time("--ticket-ttl", Duration::from_secs(5)),
                number("--max-tickets", usize::MAX),
                fault,
            ),
            rooms: Rooms::default(),
            log: Mutex::default(),
            connections: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            has_died: AtomicBool::new(false),
            has_published: (Mutex::new(false), Condvar::new()),
        });
        let accepting = {
            let inner = Arc::clone(&inner);
            std::thread::spawn(move || accept(&inner, &listener))
        };
        Ok(Self {
            inner,
            address,
            patience,
            accepting: Some(accepting),
        })
    }

    pub(crate) fn way(&self) -> Way {
        Way::plain(self.address, self.patience)
    }

    pub(crate) fn log(&self) -> String {
        lock(&self.inner.log).clone()
    }

    /// As it would stand on a disk.
    pub(crate) fn kept(&self) -> Vec<u8> {
        self.inner.doorkeeper.kept()
    }

    pub(crate) fn begin_stop(&self) {
        self.inner.is_stopping.store(true, SeqCst);
        if self.inner.is(Fault::PublishAfterStopKills) {
            // Its channel is closed; the next to publish is the end of it.
            let (published, changed) = &self.inner.has_published;
            let waiting = |published: &mut bool| !*published;
            drop(changed.wait_timeout_while(lock(published), self.patience, waiting));
        }
        if !self.inner.is(Fault::StopNeverEnds) {
            self.inner.say_goodbye();
            self.wake_listener();
        }
    }

    /// Waits until nobody is accepted any more.
    pub(crate) fn ended(&mut self) -> Outcome<Ended> {
        let deadline = Instant::now() + self.patience;
        let is_over = |this: &Self| this.accepting.as_ref().is_none_or(JoinHandle::is_finished);
        while !is_over(self) {
            if Instant::now() > deadline {
                return Err("it does not end".to_owned());
            }
            std::thread::yield_now();
        }
        let panicked = self.inner.has_died.load(SeqCst);
        Ok(Ended {
            status: Some(if panicked { 2 } else { 0 }),
            panicked,
        })
    }

    fn wake_listener(&self) {
        drop(TcpStream::connect(self.address));
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.inner.die();
        self.wake_listener();
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        self.inner.rooms.forget_all();
    }
}

impl Inner {
    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What ends a process: every connection is cut, and nobody is let in any more.
    fn die(&self) {
        self.has_died.store(true, SeqCst);
        for stream in lock(&self.connections).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(address) = self.rooms.listener() {
            drop(TcpStream::connect(address));
        }
    }

    /// The end in order: a close frame for everybody.
    fn say_goodbye(&self) {
        let frame = frames::close(1001, "the server is going away");
        for mut stream in lock(&self.connections).drain(..) {
            if !self.is(Fault::CutsAtStop) {
                let _ = stream.write_all(&frame);
            }
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn write_log(&self, line: &str) {
        let mut log = lock(&self.log);
        log.push_str(line);
        log.push('\n');
    }
}

fn accept(inner: &Arc<Inner>, listener: &TcpListener) {
    if let Ok(address) = listener.local_addr() {
        inner.rooms.set_listener(address);
    }
    while let Ok((stream, _)) = listener.accept() {
        let is_over = inner.is_stopping.load(SeqCst) && !inner.is(Fault::StopNeverEnds);
        if is_over || inner.has_died.load(SeqCst) {
            return;
        }
        let inner = Arc::clone(inner);
        std::thread::spawn(move || http::serve(&inner, stream));
    }
}

fn flag_value(setup: &Setup, flag: &str) -> Option<&'static str> {
    let at = setup.flags.iter().position(|it| *it == flag)?;
    setup.flags.get(at + 1).copied()
}

/// `2s` or `300ms`.
fn duration(text: &str) -> Duration {
    let number = |digits: &str| digits.parse().unwrap();
    match text.strip_suffix("ms") {
        Some(digits) => Duration::from_millis(number(digits)),
        None => Duration::from_secs(number(text.trim_end_matches('s'))),
    }
}

/// A thread that has failed is no reason for the others to fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
