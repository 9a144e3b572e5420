//! Drives a store as a shard does.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use parlour_hub::{
    Digester, Logs, Opened, ReadToken, Recent, Request, RoomKey, Store, StoreFault, Stored,
};
use parlour_proto::{
    Draft, Entry, EntryId, Epoch, Keep, PageFrom, RoomName, Seq, ShardId, Timestamp,
};

use super::Start;

/// How long an answer may take before the store is said to hang.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const RECENT: Recent = Recent {
    entries_max: 5,
    bytes_max: 1 << 20,
    ids_max: 8,
};

pub(super) fn digester() -> Digester {
    Digester::new(7)
}

/// Makes stores for one promise.
pub(super) struct Maker<'a> {
    name: &'static str,
    open: &'a mut dyn FnMut(Start) -> Box<dyn Logs>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(name: &'static str, open: &'a mut dyn FnMut(Start) -> Box<dyn Logs>) -> Self {
        Self { name, open }
    }

    pub(super) fn start(&mut self, start: Start) -> Driver {
        let logs = (self.open)(start);
        Driver::new(self.name, logs)
    }

    /// The same data, from another process as it were.
    pub(super) fn again(&mut self, driver: Driver) -> Driver {
        drop(driver);
        self.start(Start::Again)
    }
}

#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

/// One shard's end.
pub(super) struct Driver {
    name: &'static str,
    store: Box<dyn Store + Send>,
    /// Dropped after the store.
    _logs: Box<dyn Logs>,
    bell: Arc<Bell>,
    heard: Vec<Stored>,
    numbers: u32,
}

/// A room that is open.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) key: RoomKey,
    pub(super) name: RoomName,
    pub(super) epoch: Epoch,
}

impl Driver {
    fn new(name: &'static str, logs: Box<dyn Logs>) -> Self {
        let bell = Arc::new(Bell::default());
        let ringer = Arc::clone(&bell);
        let wake = Arc::new(move || {
            *ringer.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
            ringer.ringing.notify_all();
        });
        Self {
            name,
            store: logs.store(ShardId(0), wake),
            _logs: logs,
            bell,
            heard: Vec::new(),
            numbers: 0,
        }
    }

    pub(super) fn submit(&mut self, requests: impl IntoIterator<Item = Request>) {
        let mut requests: Vec<Request> = requests.into_iter().collect();
        self.store.submit(&mut requests);
        assert!(
            requests.is_empty(),
            "{}: not all requests are taken",
            self.name
        );
    }

    /// Waits for the first answer that `wanted` knows.
    pub(super) fn hear<T>(&mut self, what: &str, wanted: impl Fn(&Stored) -> Option<T>) -> T {
        loop {
            self.store.poll(&mut self.heard);
            let at = self
                .heard
                .iter()
                .position(|answer| wanted(answer).is_some());
            if let Some(found) = at.and_then(|at| wanted(&self.heard.remove(at))) {
                return found;
            }
            let rung = self
                .bell
                .rung
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let waited = self
                .bell
                .ringing
                .wait_timeout_while(rung, PATIENCE, |rung| !*rung);
            let (mut rung, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            assert!(
                !timeout.timed_out(),
                "{}: no answer for {what}; heard {:?}",
                self.name,
                self.heard
            );
            *rung = false;
        }
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn open(&mut self, name: &str) -> (Room, Opened) {
        self.open_with(name, Keep::ALL, RECENT)
    }

    pub(super) fn open_with(&mut self, name: &str, keep: Keep, recent: Recent) -> (Room, Opened) {
        let name = RoomName::new(name).expect("a name");
        let key = RoomKey::of_driver(self.number());
        self.submit([Request::Open {
            key,
            room: name.clone(),
            keep,
            recent,
            digester: digester(),
        }]);
        let opened = self.hear("an open", |answer| match answer {
            Stored::Opened { key: of, opened } if *of == key => Some(opened.clone()),
            _ => None,
        });
        let opened = opened.unwrap_or_else(|fault| panic!("{}: not open: {fault:?}", self.name));
        let epoch = opened.epoch;
        (Room { key, name, epoch }, opened)
    }

    pub(super) fn close(&mut self, room: &Room) {
        self.submit([Request::Close {
            key: room.key,
            room: room.name.clone(),
        }]);
    }

    /// Entries with these numbers, in one batch.
    pub(super) fn append(&mut self, room: &Room, seqs: impl IntoIterator<Item = u64>) {
        let appends: Vec<Request> = seqs
            .into_iter()
            .map(|seq| request(room, entry(seq)))
            .collect();
        self.submit(appends);
    }

    pub(super) fn committed(&mut self, room: &Room, upto: u64) {
        let key = room.key;
        self.hear(&format!("a commit up to {upto}"), |answer| match answer {
            Stored::Committed { key: of, upto: is } if *of == key => (is.0 >= upto).then_some(()),
            _ => None,
        });
    }

    pub(super) fn trimmed(&mut self, room: &Room, least: u64) -> Seq {
        let key = room.key;
        self.hear("a trim", |answer| match answer {
            Stored::Trimmed { key: of, first } if *of == key && first.0 >= least => Some(*first),
            _ => None,
        })
    }

    pub(super) fn read(
        &mut self,
        room: &Room,
        from: PageFrom,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Arc<Entry>>, StoreFault> {
        let token = ReadToken::of_driver(u64::from(self.number()));
        self.submit([Request::Read {
            token,
            room: room.name.clone(),
            epoch: room.epoch,
            from,
            entries_max,
            bytes_max,
        }]);
        self.hear("a read", |answer| match answer {
            Stored::Entries { token: of, read } if *of == token => Some(read.clone()),
            _ => None,
        })
    }

    /// The numbers of all that is kept, read in pages of three; each is as it was appended.
    pub(super) fn all(&mut self, room: &Room) -> Vec<u64> {
        let mut all: Vec<u64> = Vec::new();
        loop {
            let after = Seq(all.last().copied().unwrap_or(0));
            let page = self.read(room, PageFrom::After(after), 3, usize::MAX);
            let page = page.unwrap_or_else(|fault| panic!("{}: not read: {fault:?}", self.name));
            if page.is_empty() {
                return all;
            }
            assert!(page.len() <= 3, "{}: more than asked for", self.name);
            for read in page {
                assert_eq!(shown(&read), shown(&entry(read.seq.0)), "{}", self.name);
                all.push(read.seq.0);
            }
        }
    }

    /// Nothing with this room's key that `unwanted` knows was heard so far.
    pub(super) fn heard_none(&self, what: &str, unwanted: impl Fn(&Stored) -> bool) {
        let found = self.heard.iter().find(|answer| unwanted(answer));
        assert!(found.is_none(), "{}: {what}: {found:?}", self.name);
    }
}

pub(super) fn request(room: &Room, entry: Entry) -> Request {
    Request::Append {
        key: room.key,
        room: room.name.clone(),
        epoch: room.epoch,
        entry: Arc::new(entry),
    }
}

/// The entry that has this number, in every room: every third has an id.
pub(super) fn entry(seq: u64) -> Entry {
    let draft = Draft::message(format!("user {}", seq % 2), &format!("the message {seq}"));
    let draft = if seq.is_multiple_of(3) {
        draft.with_id(EntryId::new(&format!("id {seq}")).expect("an id"))
    } else {
        draft
    };
    draft.numbered(
        Seq(seq),
        Timestamp::from_unix_nanoseconds(seq.cast_signed() * 1_000),
    )
}

pub(super) fn shown(entry: &Entry) -> String {
    format!("{entry:?}")
}

/// The numbers of entries.
pub(super) fn seqs(entries: &[Arc<Entry>]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq.0).collect()
}
