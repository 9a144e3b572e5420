//! What the threads of a store do when its disk does not do its part.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use parlour_hub::{Digester, Recent, Request, RoomKey, Store, StoreFault, Stored};
use parlour_proto::{Draft, Epoch, Keep, RoomName, Seq, Timestamp};

use super::mailbox::Tag;
use super::{PartitionState, ShardStore, StoreConfig, Stores};
use crate::file::New;
use crate::format::Identity;
use crate::partition::{DISK_RESERVE_BYTES, Partition};
use crate::sim::disk::{Disk, Fails};

const IDENTITY: Identity = Identity {
    directory: 1,
    partition: 0,
    partitions: 1,
};
const NEW: New = New {
    identity: IDENTITY,
    journal_bytes: 1 << 16,
};

struct Bench {
    disk: Disk,
    stores: Stores,
    store: ShardStore,
    woken: Receiver<()>,
    heard: Vec<Stored>,
    epoch: Epoch,
}

const KEY: u32 = 5;

fn room() -> RoomName {
    RoomName::general()
}

impl Bench {
    fn new() -> Self {
        let disk = Disk::default();
        let partition = Partition::<Tag>::open(Arc::new(disk.clone()), 1 << 20, Some(NEW)).unwrap();
        let stores = Stores::start(vec![partition], &StoreConfig::default()).unwrap();
        let (wake, woken) = channel();
        let store = stores.for_shard(Arc::new(move || wake.send(()).unwrap()));
        let mut bench = Self {
            disk,
            stores,
            store,
            woken,
            heard: Vec::new(),
            epoch: IDENTITY.epoch_of(&room(), 0),
        };
        assert!(matches!(bench.open(KEY), Ok(Seq(0))));
        bench
    }

    fn hear(&mut self) -> Stored {
        while self.heard.is_empty() {
            let woken = self.woken.recv_timeout(Duration::from_secs(30));
            woken.expect("an answer within 30 s");
            self.store.poll(&mut self.heard);
        }
        self.heard.remove(0)
    }

    fn open(&mut self, key: u32) -> Result<Seq, StoreFault> {
        self.store.submit(&mut vec![Request::Open {
            key: RoomKey::of_driver(key),
            room: room(),
            keep: Keep::ALL,
            recent: Recent {
                entries_max: 9,
                bytes_max: 9_999,
                ids_max: 9,
            },
            digester: Digester::new(1),
        }]);
        match self.hear() {
            Stored::Opened { opened, .. } => opened.map(|opened| opened.head),
            other => panic!("{other:?}"),
        }
    }

    fn append(&mut self, seq: u64) -> Stored {
        let draft = Draft::message("ann", "hi");
        self.store.submit(&mut vec![Request::Append {
            key: RoomKey::of_driver(KEY),
            room: room(),
            epoch: self.epoch,
            entry: Arc::new(draft.numbered(Seq(seq), Timestamp::from_unix_nanoseconds(0))),
        }]);
        self.hear()
    }

    fn wait_for(&self, wanted: impl Fn(&PartitionState) -> bool) -> PartitionState {
        let begun = Instant::now();
        loop {
            let state = self.stores.health().remove(0).state;
            if wanted(&state) {
                return state;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it stays {state:?}"
            );
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_full_disk_is_told_and_left_behind_without_a_restart_or_a_publish() {
    let mut bench = Bench::new();
    bench.disk.set_free(Some(DISK_RESERVE_BYTES / 2));
    let told = bench.append(1);
    assert!(
        matches!(
            told,
            Stored::Refused {
                from: Seq(1),
                fault: StoreFault::Full,
                ..
            }
        ),
        "{told:?}"
    );
    bench.wait_for(|state| *state == PartitionState::Full);
    bench.disk.set_free(Some(DISK_RESERVE_BYTES * 2));
    bench.wait_for(|state| *state == PartitionState::Ok);
    assert!(matches!(
        bench.append(1),
        Stored::Committed { upto: Seq(1), .. }
    ));
}

#[test]
fn a_file_that_cannot_be_opened_again_is_tried_until_it_can() {
    let mut bench = Bench::new();
    bench.disk.fail(Fails::Write, io::ErrorKind::StorageFull);
    bench.disk.fail(Fails::Open, io::ErrorKind::StorageFull);
    let told = bench.append(1);
    assert!(
        matches!(
            told,
            Stored::Refused {
                from: Seq(1),
                fault: StoreFault::Full,
                ..
            }
        ),
        "{told:?}"
    );
    bench.wait_for(|state| *state == PartitionState::Ok);
    assert!(matches!(
        bench.append(1),
        Stored::Committed { upto: Seq(1), .. }
    ));
}

#[test]
fn a_failed_sync_stops_the_partition_and_its_health_says_why() {
    let mut bench = Bench::new();
    assert!(matches!(bench.append(1), Stored::Committed { .. }));
    bench.disk.fail(Fails::Sync, io::ErrorKind::Other);
    let told = bench.append(2);
    assert!(
        matches!(told, Stored::Stopped { from: Seq(2), .. }),
        "{told:?}"
    );
    let state = bench.wait_for(|state| *state != PartitionState::Ok);
    assert!(
        matches!(&state, PartitionState::Stopped(why) if why.contains("sync")),
        "{state:?}"
    );
    assert_eq!(bench.open(KEY + 1), Err(StoreFault::Stopped));
}

#[test]
fn a_panic_in_a_writer_stops_its_partition_and_leaves_nobody_waiting() {
    let mut bench = Bench::new();
    assert!(matches!(bench.append(1), Stored::Committed { .. }));
    bench.disk.panic_at_free_bytes();
    let told = bench.append(2);
    assert!(
        matches!(told, Stored::Stopped { from: Seq(2), .. }),
        "{told:?}"
    );
    let state = bench.wait_for(|state| *state != PartitionState::Ok);
    assert!(
        matches!(&state, PartitionState::Stopped(why) if why.contains("panic")),
        "{state:?}"
    );
    let told = bench.append(2);
    assert!(
        matches!(told, Stored::Stopped { from: Seq(2), .. }),
        "{told:?}"
    );
    assert_eq!(bench.open(KEY + 1), Err(StoreFault::Stopped));
}
