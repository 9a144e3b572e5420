//! What the whole store does: acknowledged entries per second, and how soon it is ready after a kill.
//!
//! `cargo run --release -p parlour-store-redb --example store_speed -- FOLDER [SECONDS [ENTRIES]]`
//!
//! For 1, 10 and 1,000 rooms, and for so many entries on the way at once: entries per second, and the
//! time from asking to hearing. Then a store with ENTRIES (1,000,000) entries in 20 rooms is killed
//! while entries are on the way, and opened again: until it is open, and until all rooms are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use parlour_hub::{Digester, Recent, Request, RoomKey, Store, Stored};
use parlour_proto::{Draft, EntryId, Epoch, Keep, RoomName, Seq, Timestamp};
use parlour_store_redb::{ShardStore, StoreConfig, Stores};

const TEXT_BYTES: usize = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, folder, entries] = &arguments[..]
        && word == "fill-and-die"
    {
        fill_and_die(Path::new(folder), entries.parse().expect("a number"));
    }
    let folder = PathBuf::from(arguments.first().expect("a folder"));
    let seconds: u64 = arguments
        .get(1)
        .map_or(3, |it| it.parse().expect("seconds"));
    let entries: u64 = (arguments.get(2)).map_or(1_000_000, |it| it.parse().expect("entries"));
    // No seconds: only the kill.
    for partitions in (1..=2).filter(|_| seconds > 0) {
        for rooms in [1, 10, 1_000] {
            for window in [1, 16, 256, 4_096] {
                speed(
                    &folder,
                    partitions,
                    rooms,
                    window,
                    Duration::from_secs(seconds),
                );
            }
        }
    }
    ready(&folder, entries);
}

struct Shard {
    store: ShardStore,
    woken: Receiver<()>,
    rooms: Vec<(RoomName, Epoch, u64)>,
    answers: Vec<Stored>,
    requests: Vec<Request>,
}

impl Shard {
    /// With so many rooms open.
    fn of(stores: &Stores, rooms: u32) -> Self {
        let (wake, woken) = channel();
        let wake = Arc::new(move || wake.send(()).unwrap_or_default());
        let mut shard = Self {
            store: stores.for_shard(wake),
            woken,
            rooms: Vec::new(),
            answers: Vec::new(),
            requests: Vec::new(),
        };
        for number in 0..rooms {
            let room = RoomName::new(&format!("room {number}")).expect("a name");
            shard.rooms.push((room.clone(), Epoch(0), 0));
            shard.requests.push(Request::Open {
                key: RoomKey::of_driver(number),
                room,
                keep: Keep::ALL,
                recent: Recent {
                    entries_max: 1_000,
                    bytes_max: 1 << 20,
                    ids_max: 10_000,
                },
                digester: Digester::new(1),
            });
        }
        shard.store.submit(&mut shard.requests);
        let mut left = rooms;
        while left > 0 {
            for answer in shard.wait() {
                if let Stored::Opened { key, opened } = answer {
                    let opened = opened.expect("a room");
                    let number = (0..rooms).find(|it| RoomKey::of_driver(*it) == key);
                    let room = &mut shard.rooms[number.expect("a key") as usize];
                    (room.1, room.2) = (opened.epoch, opened.head.0);
                    left -= 1;
                }
            }
        }
        shard
    }

    fn wait(&mut self) -> Vec<Stored> {
        self.woken.recv().expect("a store that lives");
        self.store.poll(&mut self.answers);
        std::mem::take(&mut self.answers)
    }

    fn say(&mut self, number: u32) -> (RoomKey, u64) {
        let (room, epoch, head) = &mut self.rooms[number as usize];
        *head += 1;
        let draft = Draft::message(format!("user {}", *head % 50), &"x".repeat(TEXT_BYTES))
            .with_id(EntryId::new(&format!("id {number} {head}")).expect("an id"));
        let key = RoomKey::of_driver(number);
        self.requests.push(Request::Append {
            key,
            room: room.clone(),
            epoch: *epoch,
            entry: Arc::new(draft.numbered(Seq(*head), Timestamp::from_unix_nanoseconds(0))),
        });
        (key, *head)
    }
}

fn open(folder: &Path, partitions: u16) -> Stores {
    let config = StoreConfig {
        partitions,
        ..StoreConfig::default()
    };
    Stores::open(folder, &config, |_, _| {}).expect("a store")
}

/// So many are always on the way: who is answered says the next.
fn speed(folder: &Path, partitions: u16, rooms: u32, window: u32, time: Duration) {
    let folder = folder.join("speed");
    let stores = open(&folder, partitions);
    let mut shard = Shard::of(&stores, rooms);
    let mut waiting: HashMap<RoomKey, Vec<(u64, Instant)>> = HashMap::new();
    let mut times = Vec::new();
    let (begun, mut next, mut on_the_way) = (Instant::now(), 0_u32, 0);
    while begun.elapsed() < time {
        while on_the_way < window {
            let (key, seq) = shard.say(next % rooms);
            waiting.entry(key).or_default().push((seq, Instant::now()));
            (next, on_the_way) = (next.wrapping_add(1), on_the_way + 1);
        }
        shard.store.submit(&mut shard.requests);
        for answer in shard.wait() {
            let Stored::Committed { key, upto } = answer else {
                panic!("{answer:?}");
            };
            let mine = waiting.entry(key).or_default();
            for (_, asked) in mine.extract_if(.., |(seq, _)| *seq <= upto.0) {
                times.push(asked.elapsed());
                on_the_way -= 1;
            }
        }
    }
    let all = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e3;
    println!(
        "{partitions} partitions, {rooms:>4} rooms, {window:>4} on the way: {:>7.0} entries/s, \
         p50 {:>6.2} ms, p99 {:>6.2} ms",
        times.len() as f64 / all,
        at(50),
        at(99)
    );
    drop((shard, stores));
    std::fs::remove_dir_all(folder).expect("removed");
}

fn fill_and_die(folder: &Path, entries: u64) -> ! {
    let stores = open(folder, 2);
    let mut shard = Shard::of(&stores, 20);
    let mut committed = [0; 20];
    for number in 0..entries {
        shard.say((number % 20) as u32);
        // As many as 50 publishers have on the way.
        if number % 50 < 49 {
            continue;
        }
        shard.store.submit(&mut shard.requests);
        while shard.rooms.iter().map(|room| room.2).ne(committed) {
            for answer in shard.wait() {
                if let Stored::Committed { key, upto } = answer {
                    let number = (0..20).find(|it| RoomKey::of_driver(*it) == key);
                    committed[number.expect("a key") as usize] = upto.0;
                }
            }
        }
    }
    shard.say(0);
    shard.store.submit(&mut shard.requests);
    std::process::abort();
}

fn ready(folder: &Path, entries: u64) {
    let folder = folder.join("ready");
    let own = std::env::current_exe().expect("this program");
    let begun = Instant::now();
    let filled = Command::new(own)
        .args([
            "fill-and-die",
            folder.to_str().expect("a path"),
            &entries.to_string(),
        ])
        .status();
    assert!(!filled.expect("a run").success());
    let bytes: u64 = (0..2)
        .map(|n| folder.join(format!("rooms/partition-{n:02}.rooms")))
        .map(|path| path.metadata().expect("a file").len())
        .sum();
    println!(
        "filled with {entries} entries, {} MiB, in {:.1} s, and killed",
        bytes >> 20,
        begun.elapsed().as_secs_f64()
    );
    for what in ["killed", "closed in order"] {
        let begun = Instant::now();
        let stores = open(&folder, 2);
        let is_open = begun.elapsed().as_secs_f64() * 1e3;
        let shard = Shard::of(&stores, 20);
        let heads: u64 = shard.rooms.iter().map(|room| room.2).sum();
        println!(
            "{what}: open in {is_open:.0} ms; all 20 rooms, with the ids of their last 10,000 \
             entries, in {:.0} ms; {heads} entries",
            begun.elapsed().as_secs_f64() * 1e3
        );
        drop((shard, stores));
    }
    std::fs::remove_dir_all(folder).expect("removed");
}
