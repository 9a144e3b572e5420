//! Logs that fail on demand.

use std::mem;
use std::sync::{Arc, Mutex};

use parlour::{Epoch, Seq};
use parlour_hub::{Logs, Opened, Request, Store, StoreFault, Stored, Wake};
use parlour_proto::ShardId;

/// What becomes of what is stored from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Refused(StoreFault),
    /// Nobody knows.
    Stopped,
    /// Reads fail too.
    Unreadable,
}

/// The logs of a hub, and the switch of their fate.
#[derive(Clone)]
pub(crate) struct Faulty(Arc<Mutex<Fate>>);

impl Faulty {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Fate::Kept)))
    }

    pub(crate) fn meets(&self, fate: Fate) {
        *self.0.lock().unwrap() = fate;
    }
}

impl Logs for Faulty {
    fn store(&self, _: ShardId, wake: Wake) -> Box<dyn Store + Send> {
        Box::new(OfShard {
            fate: self.clone(),
            answers: Vec::new(),
            wake,
        })
    }
}

struct OfShard {
    fate: Faulty,
    answers: Vec<Stored>,
    wake: Wake,
}

impl OfShard {
    fn answer(fate: Fate, request: Request) -> Option<Stored> {
        let fault = match fate {
            Fate::Refused(fault) => fault,
            _ => StoreFault::Stopped,
        };
        Some(match request {
            Request::Open { key, .. } => Stored::Opened {
                key,
                opened: Ok(Opened {
                    epoch: Epoch(7),
                    head: Seq(0),
                    first: Seq(1),
                    recent: Vec::new(),
                    ids: Vec::new(),
                    ids_from: Seq(1),
                }),
            },
            Request::Append { key, entry, .. } => match fate {
                Fate::Kept => Stored::Committed {
                    key,
                    upto: entry.seq,
                },
                Fate::Stopped => Stored::Stopped {
                    key,
                    from: entry.seq,
                },
                Fate::Refused(_) | Fate::Unreadable => Stored::Refused {
                    key,
                    from: entry.seq,
                    fault,
                },
            },
            Request::Read { token, .. } => Stored::Entries {
                token,
                read: Err(fault),
            },
            Request::Close { .. } => return None,
        })
    }
}

impl Store for OfShard {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        let fate = *self.fate.0.lock().unwrap();
        let answers = requests.drain(..);
        self.answers
            .extend(answers.filter_map(|it| Self::answer(fate, it)));
        (self.wake)();
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        answers.extend(mem::take(&mut self.answers));
    }
}
