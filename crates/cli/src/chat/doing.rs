//! Does one thing after the other, so that what is said behind `/join` is said there.

use std::collections::VecDeque;

use parlour_client::{
    CallError, Client, Delivery, EntryKind, Join, Position, Receipt, RoomName, Status,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::conversation::Act;
use crate::joins::Joins;

/// Things that wait to be done before no further line is read.
const ACTS_MAX: usize = 64;
/// Messages whose answer is waited for before no further one is begun.
const RECEIPTS_MAX: usize = 64;

/// How it went.
pub(super) enum Done {
    Said(RoomName, Result<Position, CallError>),
    /// It is taken, and there is no connection.
    Waits {
        text: String,
        /// In the outbox's file.
        is_kept: bool,
    },
    Joined(RoomName, Result<(), CallError>),
    Parted(Result<(), CallError>),
    Renamed(Result<String, CallError>),
}

impl Done {
    /// Whether something may have been said or not.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Said(_, Err(CallError::Unknown)))
    }

    /// Whether something was not said, and is going to be.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Said(_, Err(CallError::Kept)))
    }

    /// Whether it is a room that there was never a connection for.
    pub(super) fn is_not_in(&self) -> bool {
        matches!(self, Self::Joined(_, Err(CallError::Ended(_))))
    }

    /// Whether something was not done, and is not going to be.
    pub(super) fn has_failed(&self) -> bool {
        match self {
            Self::Said(_, Err(error)) => !matches!(error, CallError::Kept | CallError::Unknown),
            // It was not asked for: there was no connection, which is told.
            Self::Joined(_, Err(CallError::Ended(_))) => false,
            Self::Joined(_, Err(_)) | Self::Parted(Err(_)) | Self::Renamed(Err(_)) => true,
            _ => false,
        }
    }
}

/// What is under way.
pub(super) struct Doing {
    acts: Option<mpsc::Sender<Act>>,
    done: mpsc::Receiver<Done>,
    is_done: bool,
}

impl Doing {
    /// In a task of its own, which ends when all is done after [`end`](Self::end).
    pub(super) fn start(client: Client, left_over: Vec<Receipt>, has_file: bool) -> Self {
        let (acts, to_do) = mpsc::channel(ACTS_MAX);
        let (tell, done) = mpsc::channel(RECEIPTS_MAX);
        let worker = Worker {
            client,
            has_file,
            tell,
            joins: Joins::default(),
            receipts: left_over
                .into_iter()
                .map(|it| (it.room().clone(), it))
                .collect(),
        };
        tokio::spawn(worker.run(to_do));
        Self {
            acts: Some(acts),
            done,
            is_done: false,
        }
    }

    /// Whether one more thing can be begun.
    pub(super) fn has_room(&self) -> bool {
        self.acts.as_ref().is_some_and(|acts| acts.capacity() > 0)
    }

    /// Begins it. There is [room](Self::has_room) for one act of each line.
    pub(super) fn begin(&mut self, act: Act) {
        if let Some(acts) = &self.acts {
            // Nobody asks for more than there is room for, and the worker outlives its acts.
            let _ = acts.try_send(act);
        }
    }

    /// No more is begun.
    pub(super) fn end(&mut self) {
        self.acts = None;
    }

    /// Whether all is done and told.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// How the next went; `None` after the last.
    pub(super) async fn done(&mut self) -> Option<Done> {
        let done = self.done.recv().await;
        self.is_done = done.is_none();
        done
    }
}

struct Worker {
    client: Client,
    has_file: bool,
    joins: Joins,
    tell: mpsc::Sender<Done>,
    receipts: VecDeque<(RoomName, Receipt)>,
}

impl Worker {
    async fn run(mut self, mut acts: mpsc::Receiver<Act>) {
        loop {
            let may_begin = self.receipts.len() < RECEIPTS_MAX;
            let has_receipts = !self.receipts.is_empty();
            let has_joins = !self.joins.is_empty();
            tokio::select! {
                act = acts.recv(), if may_begin => match act {
                    Some(act) => self.begin(act).await,
                    None => break,
                },
                () = answered(&self.tell, &mut self.receipts), if has_receipts => {}
                (room, joined) = self.joins.next(), if has_joins => {
                    self.told(Done::Joined(room, joined)).await;
                }
            }
        }
        while !self.receipts.is_empty() || !self.joins.is_empty() {
            let has_receipts = !self.receipts.is_empty();
            let has_joins = !self.joins.is_empty();
            tokio::select! {
                () = answered(&self.tell, &mut self.receipts), if has_receipts => {}
                (room, joined) = self.joins.next(), if has_joins => {
                    self.told(Done::Joined(room, joined)).await;
                }
            }
        }
    }

    async fn begin(&mut self, act: Act) {
        let done = match act {
            Act::Say { room, text } => {
                let payload = Value::from(text).to_string();
                let kind = EntryKind::MESSAGE;
                match self.client.submit(&room, kind, payload.into()).await {
                    Ok(mut receipt) => {
                        let is_waiting = receipt.delivery() == Delivery::Waiting;
                        let text = receipt.text().unwrap_or_default();
                        self.receipts.push_back((room, receipt));
                        if !is_waiting || self.client.status() != Status::Away {
                            return;
                        }
                        let is_kept = self.has_file;
                        Done::Waits { text, is_kept }
                    }
                    Err(error) => Done::Said(room, Err(error)),
                }
            }
            Act::Join(room) => {
                let join = Join {
                    presence: true,
                    ..Join::next(room)
                };
                // Lines are taken meanwhile, and said there.
                return self.joins.begin(&self.client, join).await;
            }
            Act::Part(room) => Done::Parted(self.client.leave(&room).await),
            Act::Rename(name) => Done::Renamed(self.client.rename(&name).await),
            Act::Show(_) | Act::Quit => return,
        };
        self.told(done).await;
    }

    async fn told(&self, done: Done) {
        // Who does not listen any more does not need it.
        let _ = self.tell.send(done).await;
    }
}

/// Waits for the oldest answer. Nothing is lost if it is dropped.
async fn answered(tell: &mpsc::Sender<Done>, receipts: &mut VecDeque<(RoomName, Receipt)>) {
    let place = tell.reserve().await;
    let Some((_, receipt)) = receipts.front_mut() else {
        return;
    };
    let answer = receipt.await;
    if let (Ok(place), Some((room, _))) = (place, receipts.pop_front()) {
        place.send(Done::Said(room, answer));
    }
}
