//! A store that answers when a test says so.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use parlour_hub::{Opened, Request, RoomKey, Store, StoreFault, Stored};
use parlour_proto::{Entry, Epoch, Seq};

/// Commits late, and refuses on demand. Clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct LateStore(Rc<RefCell<Late>>);

#[derive(Default)]
struct Late {
    waiting: Vec<(RoomKey, Arc<Entry>)>,
    answers: Vec<Stored>,
}

impl Store for LateStore {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        let mut late = self.0.borrow_mut();
        for request in requests.drain(..) {
            match request {
                Request::Append { key, entry, .. } => late.waiting.push((key, entry)),
                Request::Read { token, .. } => {
                    let read = Ok(Vec::new());
                    late.answers.push(Stored::Entries { token, read });
                }
                Request::Open { key, .. } => late.answers.push(Stored::Opened {
                    key,
                    opened: Ok(empty()),
                }),
                Request::Close { .. } => {}
            }
        }
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        answers.append(&mut self.0.borrow_mut().answers);
    }
}

/// Where the log is of a room in which nothing was ever said.
fn empty() -> Opened {
    Opened {
        epoch: Epoch(7),
        head: Seq(0),
        first: Seq(1),
        recent: Vec::new(),
        ids: Vec::new(),
        ids_from: Seq(1),
    }
}

impl LateStore {
    /// The numbers that wait to be committed.
    pub(crate) fn waiting(&self) -> Vec<u64> {
        let late = self.0.borrow();
        late.waiting.iter().map(|(_, entry)| entry.seq.0).collect()
    }

    /// Makes the first `count` of those durable.
    pub(crate) fn commit(&self, count: usize) {
        let mut late = self.0.borrow_mut();
        let committed: Vec<_> = late.waiting.drain(..count).collect();
        for (key, entry) in committed {
            let upto = entry.seq;
            late.answers.push(Stored::Committed { key, upto });
        }
    }

    /// Refuses everything that waits; it must be of one room.
    pub(crate) fn refuse(&self) {
        let mut late = self.0.borrow_mut();
        let refused: Vec<_> = late.waiting.drain(..).collect();
        let (key, first) = refused.first().expect("something waits");
        let (key, from): (RoomKey, Seq) = (*key, first.seq);
        let fault = StoreFault::Failed;
        late.answers.push(Stored::Refused { key, from, fault });
    }
}
