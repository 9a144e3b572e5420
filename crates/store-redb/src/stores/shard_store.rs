//! One shard's store: takes requests to the threads of their partitions, and never waits.

use std::sync::Arc;

use parlour_hub::{Request, Store, Stored};
use parlour_proto::RoomName;

use super::mailbox::{Mailbox, Tag};
use super::reader::ReadJob;
use super::writer::WriteJob;
use super::{Lane, Stores};
use crate::log::Bounds;
use crate::partition::Append;

/// What a shard has for its durable rooms; [`Stores::for_shard`] makes it.
#[derive(Debug)]
pub struct ShardStore {
    stores: Stores,
    mailbox: Arc<Mailbox>,
    /// By partition: what of a batch goes there.
    writes: Vec<Vec<WriteJob>>,
    reads: Vec<Vec<ReadJob>>,
}

impl ShardStore {
    pub(super) fn new(stores: Stores, mailbox: Mailbox) -> Self {
        let partitions = stores.lanes().len();
        let mut store = Self {
            stores,
            mailbox: Arc::new(mailbox),
            writes: Vec::new(),
            reads: Vec::new(),
        };
        store.writes.resize_with(partitions, Vec::new);
        store.reads.resize_with(partitions, Vec::new);
        store
    }

    fn tag(&self, key: parlour_hub::RoomKey) -> Tag {
        Tag {
            mailbox: Arc::clone(&self.mailbox),
            key,
        }
    }

    fn sort(&mut self, request: Request) {
        match request {
            Request::Open {
                key,
                room,
                keep,
                recent,
                digester,
            } => {
                let tag = self.tag(key);
                let partition = self.partition(&room);
                self.writes[partition].push(WriteJob::Open {
                    tag,
                    room,
                    keep,
                    recent,
                    digester,
                });
            }
            Request::Append {
                room, epoch, entry, ..
            } => {
                let partition = self.partition(&room);
                self.writes[partition].push(WriteJob::Append(Append { room, epoch, entry }));
            }
            Request::Read {
                token,
                room,
                epoch,
                from,
                entries_max,
                bytes_max,
            } => {
                let partition = self.partition(&room);
                self.reads[partition].push(ReadJob::Read {
                    mailbox: Arc::clone(&self.mailbox),
                    token,
                    room,
                    epoch,
                    from,
                    bounds: Bounds {
                        entries_max,
                        bytes_max,
                    },
                });
            }
            Request::Close { key, room } => {
                let tag = self.tag(key);
                let partition = self.partition(&room);
                self.writes[partition].push(WriteJob::Close { tag, room });
            }
        }
    }

    fn partition(&self, room: &RoomName) -> usize {
        self.stores.partition_of(room)
    }
}

impl Store for ShardStore {
    fn submit(&mut self, requests: &mut Vec<Request>) {
        for request in requests.drain(..) {
            self.sort(request);
        }
        let lanes = self.stores.lanes().iter();
        for ((lane, writes), reads) in lanes.zip(&mut self.writes).zip(&mut self.reads) {
            let Lane { writer, reader, .. } = lane;
            if !writer.put(writes) {
                writes.drain(..).for_each(WriteJob::refuse);
            }
            if !reader.put(reads) {
                reads.drain(..).for_each(ReadJob::refuse);
            }
        }
    }

    fn poll(&mut self, answers: &mut Vec<Stored>) {
        self.mailbox.take(answers);
    }
}
