//! One partition's reads, on a thread of their own: they never wait for a sync.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parlour_hub::{Digester, Opened, ReadToken, Recent, StoreFault, Stored};
use parlour_proto::{Entry, Epoch, PageFrom, RoomName};

use super::health::Watch;
use super::mailbox::{Found, Mailbox, Queue, Tag};
use crate::fault::Fault;
use crate::file::Shared;
use crate::format::{Identity, ROWS};
use crate::log::{self, Bounds, Log};

/// What is asked of a reader.
#[derive(Debug)]
pub(super) enum ReadJob {
    Open {
        tag: Tag,
        room: RoomName,
        recent: Recent,
        digester: Digester,
    },
    Read {
        mailbox: Arc<Mailbox>,
        token: ReadToken,
        room: RoomName,
        epoch: Epoch,
        from: PageFrom,
        bounds: Bounds,
    },
}

impl ReadJob {
    /// Answers that the store is closed.
    pub(super) fn refuse(self) {
        self.answer_with(StoreFault::Stopped);
    }

    fn answer_with(self, fault: StoreFault) {
        match self {
            Self::Open { tag, .. } => tag.mailbox.put(Stored::Opened {
                key: tag.key,
                opened: Err(fault),
            }),
            Self::Read { mailbox, token, .. } => {
                let read = Err(fault);
                mailbox.put(Stored::Entries { token, read });
            }
        }
    }
}

/// The thread's own.
pub(super) struct Reader {
    pub(super) queue: Arc<Queue<ReadJob>>,
    pub(super) file: Shared,
    pub(super) identity: Identity,
    pub(super) watch: Watch,
}

impl Reader {
    pub(super) fn run(self) {
        let mut jobs = Vec::new();
        while self.queue.take(&mut jobs, None) != Found::End {
            for job in jobs.drain(..) {
                self.carry_out(job);
            }
        }
    }

    fn carry_out(&self, job: ReadJob) {
        match job {
            ReadJob::Open {
                tag,
                room,
                recent,
                digester,
            } => {
                let opened = self.caught(&room, || self.open(&room, recent, digester));
                tag.mailbox.put(Stored::Opened {
                    key: tag.key,
                    opened,
                });
            }
            ReadJob::Read {
                mailbox,
                token,
                room,
                epoch,
                from,
                bounds,
            } => {
                let read = self.caught(&room, || self.read(&room, epoch, from, bounds));
                mailbox.put(Stored::Entries { token, read });
            }
        }
    }

    /// One read that panics costs its own answer and no other.
    fn caught<T>(
        &self,
        room: &RoomName,
        work: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, StoreFault> {
        let done = catch_unwind(AssertUnwindSafe(work));
        let done = done.unwrap_or_else(|_| Err(Fault::Disk("a read panicked".to_owned())));
        done.map_err(|fault| self.watch.read_failed(room, &fault))
    }

    fn open(&self, room: &RoomName, recent: Recent, digester: Digester) -> Result<Opened, Fault> {
        let opened =
            (self.file).read(|read| log::open(read, self.identity, room, recent, digester));
        let (opened, damage) = opened?;
        if let Some(damage) = damage {
            // Its head is known, so it goes on; what is damaged is not served.
            self.watch.read_failed(room, &damage);
        }
        Ok(opened)
    }

    fn read(
        &self,
        room: &RoomName,
        epoch: Epoch,
        from: PageFrom,
        bounds: Bounds,
    ) -> Result<Vec<Arc<Entry>>, Fault> {
        self.file.read(|read| {
            let found = log::find_in(read, self.identity, room)?;
            let Some((row, mark)) = found.filter(|(row, _)| row.epoch == epoch) else {
                return Ok(Vec::new());
            };
            let rows = read.open_table(ROWS)?;
            Log::new(&rows, row.number, mark).read(from, bounds)
        })
    }
}
