//! Where a shard gets its mail.
//!
//! The queue itself has no bound, because it cannot grow: connections have taken their place before
//! they are sent here, each pipe rings once until it is heard, the hub's letters travel on its
//! credits (see [`parlour_hub::Bus`]), publishes and tellings of the application and questions of the
//! doors have their permits,
//! the store rings once until it is asked, there is one answer to each question that a connection waits for, and the rest comes once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use mio::{Registry, Token, Waker};
use parlour_hub::{Answer, Bus, Letter};
use parlour_proto::{CloseReason, Command, ConnectionId, SessionId, ShardId, UserName};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Arrival, Publication, Question, Ring, Telling};

/// Tells the waker from sockets, whose tokens are 32-bit indices.
pub(super) const WAKER: Token = Token(usize::MAX);

/// One thing that a shard is sent.
pub(crate) enum Mail {
    Arrival(Box<Arrival>),
    Letters {
        from: ShardId,
        letters: Vec<Letter>,
    },
    /// Something has happened at the far end of a pipe; at most one for each.
    Pipe(Ring),
    /// Publish for the application.
    Publish(Box<Publication>),
    /// What of a room somebody wants to know.
    Question(Box<Question>),
    /// The store has something to say; at most one until it was asked.
    Stored,
    /// Close what belongs to a session that has ended.
    CloseSession(SessionId),
    /// Close what belongs to a user whose sessions have all ended.
    CloseUser(UserName),
    /// What the application says to a question of a connection.
    Answer(ConnectionId, Box<Answer>),
    /// What it tells one.
    Tell(ConnectionId, Box<Telling>),
    /// What it does on behalf of one; without a permit once for each.
    Command(
        ConnectionId,
        Box<Command<'static>>,
        Option<OwnedSemaphorePermit>,
    ),
    Rename(ConnectionId, UserName, OwnedSemaphorePermit),
    /// Close one.
    Close(ConnectionId, CloseReason),
    CloseAll,
    /// Say so when what was posted before has had its effect on other shards' mail.
    Told(oneshot::Sender<()>),
    Stop,
    /// Somebody waits for rest.
    #[cfg(feature = "testing")]
    Probe(oneshot::Sender<super::Probe>),
    #[cfg(test)]
    Fail,
}

/// The sending end.
#[derive(Clone)]
pub(crate) struct Inbox {
    sender: Sender<Mail>,
    bell: Arc<Bell>,
}

/// The receiving end.
pub(crate) struct Mailbox {
    receiver: Receiver<Mail>,
    bell: Arc<Bell>,
}

/// Rings once for all mail that comes before it is heard.
struct Bell {
    rung: AtomicBool,
    waker: Waker,
}

/// Both ends of the mail of the shard that polls `registry`.
pub(crate) fn pair(registry: &Registry) -> io::Result<(Inbox, Mailbox)> {
    let (sender, receiver) = channel();
    let waker = Waker::new(registry, WAKER)?;
    let bell = Arc::new(Bell {
        rung: AtomicBool::new(false),
        waker,
    });
    Ok((
        Inbox {
            sender,
            bell: Arc::clone(&bell),
        },
        Mailbox { receiver, bell },
    ))
}

impl Inbox {
    /// Sends `mail`, or drops it when the shard has ended.
    pub(crate) fn post(&self, mail: Mail) {
        if self.sender.send(mail).is_ok() && !self.bell.rung.swap(true, Ordering::AcqRel) {
            // It fails only without kernel memory; the shard then sees its mail at its next turn.
            if let Err(error) = self.bell.waker.wake() {
                tracing::error!(%error, "a shard could not be woken");
            }
        }
    }
}

impl Mailbox {
    /// From here on new mail rings again. Whoever posts has sent before he rings, and this hears
    /// before it looks, so no mail is left lying.
    pub(super) fn begin(&self) {
        if self.bell.rung.load(Ordering::Relaxed) {
            self.bell.rung.swap(false, Ordering::AcqRel);
        }
    }

    pub(super) fn next(&self) -> Option<Mail> {
        self.receiver.try_recv().ok()
    }
}

/// The other shards, as one shard sees them.
pub(super) struct Peers {
    own: ShardId,
    inboxes: Arc<[Inbox]>,
}

impl Peers {
    pub(super) fn new(own: ShardId, inboxes: Arc<[Inbox]>) -> Self {
        Self { own, inboxes }
    }
}

impl Bus for Peers {
    fn post(&mut self, to: ShardId, letters: &mut Vec<Letter>) {
        let letters = std::mem::take(letters);
        self.inboxes[usize::from(to.0)].post(Mail::Letters {
            from: self.own,
            letters,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::time::Duration;

    #[test]
    fn many_letters_ring_once_and_none_is_left_lying() {
        let mut poll = Poll::new().unwrap();
        let (inbox, mailbox) = pair(poll.registry()).unwrap();
        let mut events = Events::with_capacity(8);
        let mut rings = 0;
        let mut received = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| (0..10_000).for_each(|_| inbox.post(Mail::CloseAll)));
            while received < 10_000 {
                poll.poll(&mut events, Some(Duration::from_secs(20)))
                    .unwrap();
                assert!(!events.is_empty(), "mail lies there and nobody rings");
                rings += 1;
                mailbox.begin();
                while mailbox.next().is_some() {
                    received += 1;
                }
            }
        });
        assert!(rings <= received);
        inbox.post(Mail::Stop);
        inbox.post(Mail::Stop);
        assert!(inbox.bell.rung.load(Ordering::Relaxed));
        poll.poll(&mut events, Some(Duration::from_secs(20)))
            .unwrap();
        assert_eq!(
            events.iter().filter(|event| event.token() == WAKER).count(),
            1
        );
    }

    #[test]
    fn mail_for_a_shard_that_has_ended_is_dropped() {
        let poll = Poll::new().unwrap();
        let (inbox, mailbox) = pair(poll.registry()).unwrap();
        drop(mailbox);
        inbox.post(Mail::Stop);
    }
}
