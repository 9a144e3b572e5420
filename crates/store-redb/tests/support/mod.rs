//! A shard that says things in rooms and waits until they are stored.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use parlour_hub::{Digester, Recent, Request, RoomKey, Store, Stored};
use parlour_proto::{Draft, Epoch, Keep, RoomName, Seq, Timestamp};
use parlour_store_redb::{ShardStore, StoreConfig, Stores};

pub(crate) fn open(folder: &Path, partitions: u16) -> Stores {
    let config = StoreConfig {
        partitions,
        ..StoreConfig::default()
    };
    Stores::open(folder, &config, |_, _| {}).unwrap()
}

pub(crate) fn partition_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("rooms")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[derive(Default)]
struct Bell {
    rung: AtomicU64,
    lock: Mutex<()>,
    ringing: Condvar,
}

pub(crate) struct Shard {
    store: Option<ShardStore>,
    stores: Option<Stores>,
    rooms: HashMap<String, (RoomKey, Epoch)>,
    bell: Arc<Bell>,
    heard: Vec<Stored>,
}

impl Shard {
    pub(crate) fn of(stores: &Stores) -> Self {
        let bell = Arc::new(Bell::default());
        let ringer = Arc::clone(&bell);
        let wake = Arc::new(move || {
            let _locked = ringer.lock.lock().unwrap();
            ringer.rung.fetch_add(1, Ordering::SeqCst);
            ringer.ringing.notify_all();
        });
        Self {
            store: Some(stores.for_shard(wake)),
            stores: Some(stores.clone()),
            rooms: HashMap::new(),
            bell,
            heard: Vec::new(),
        }
    }

    fn store(&mut self) -> &mut ShardStore {
        self.store.as_mut().unwrap()
    }

    pub(crate) fn woken(&self) -> u64 {
        self.bell.rung.load(Ordering::SeqCst)
    }

    pub(crate) fn wait_woken(&self, since: u64) {
        let locked = self.bell.lock.lock().unwrap();
        let is_same = |_: &mut ()| self.bell.rung.load(Ordering::SeqCst) == since;
        drop(self.bell.ringing.wait_while(locked, is_same).unwrap());
    }

    fn hear<T>(&mut self, wanted: impl Fn(&Stored) -> Option<T>) -> T {
        loop {
            let woken = self.woken();
            let mut heard = std::mem::take(&mut self.heard);
            self.store().poll(&mut heard);
            self.heard = heard;
            let at = self
                .heard
                .iter()
                .position(|answer| wanted(answer).is_some());
            if let Some(at) = at {
                return wanted(&self.heard.remove(at)).unwrap();
            }
            self.wait_woken(woken);
        }
    }

    fn open(&mut self, room: &str) -> (RoomKey, Epoch) {
        if let Some(known) = self.rooms.get(room) {
            return *known;
        }
        let key = RoomKey::of_driver(u32::try_from(self.rooms.len()).unwrap());
        self.store().submit(&mut vec![Request::Open {
            key,
            room: RoomName::new(room).unwrap(),
            keep: Keep::ALL,
            recent: Recent {
                entries_max: 9,
                bytes_max: 9_999,
                ids_max: 9,
            },
            digester: Digester::new(1),
        }]);
        let opened = self.hear(|answer| match answer {
            Stored::Opened { key: of, opened } if *of == key => Some(opened.clone()),
            _ => None,
        });
        let known = (key, opened.unwrap().epoch);
        self.rooms.insert(room.to_owned(), known);
        known
    }

    /// In one batch, without waiting.
    pub(crate) fn submit(&mut self, room: &str, seqs: RangeInclusive<u64>) {
        let (key, epoch) = self.open(room);
        let name = RoomName::new(room).unwrap();
        let appends = seqs.map(|seq| {
            let draft = Draft::message("ann", &format!("{room} says {seq}."));
            let sent = Timestamp::from_unix_nanoseconds(0);
            Request::Append {
                key,
                room: name.clone(),
                epoch,
                entry: Arc::new(draft.numbered(Seq(seq), sent)),
            }
        });
        let mut appends: Vec<Request> = appends.collect();
        self.store().submit(&mut appends);
    }

    fn wait_committed(&mut self, room: &str, upto: u64) {
        let (key, _) = self.open(room);
        self.hear(|answer| match answer {
            Stored::Committed { key: of, upto: is } if *of == key && is.0 >= upto => Some(()),
            _ => None,
        });
    }

    /// In one batch; returns when it is stored.
    pub(crate) fn say(&mut self, room: &str, seqs: RangeInclusive<u64>) {
        let last = *seqs.end();
        self.submit(room, seqs);
        self.wait_committed(room, last);
    }

    /// As many rows as there are entries, for each has the size of one.
    pub(crate) fn say_apart(&mut self, room: &str, seqs: RangeInclusive<u64>) {
        for seq in seqs {
            self.say(room, seq..=seq);
        }
    }

    pub(crate) fn trimmed(&mut self, room: &str) -> Seq {
        let (key, _) = self.open(room);
        self.hear(|answer| match answer {
            Stored::Trimmed { key: of, first } if *of == key => Some(*first),
            _ => None,
        })
    }

    /// All answers that were not heard, when there will be no more.
    pub(crate) fn close_and_poll(&mut self) -> Vec<Stored> {
        self.stores.take().unwrap().close().unwrap();
        let mut answers = Vec::new();
        self.store().poll(&mut answers);
        answers
    }
}
