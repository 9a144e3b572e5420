//! A process that is killed while it stores: the next one has all that was acknowledged.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use parlour_proto::RoomName;

use support::{Shard, open};

const FOLDER: &str = "PARLOUR_TEST_FOLDER";
const ROOMS: [&str; 3] = ["a", "b", "c"];
const KILLS: usize = 4;
/// Acknowledgements before each kill; the next batches are on the way then.
const ACKS: usize = 40;

/// Where the log of a room ends.
fn heads(folder: &Path) -> [u64; 3] {
    let stores = open(folder, 2);
    let heads = ROOMS.map(|room| {
        let room = stores.room(&RoomName::new(room).unwrap()).unwrap();
        room.map_or(0, |room| room.head.0)
    });
    let verdict = stores.verify(None, |_| {}).unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!(verdict.seen.entries, heads.iter().sum::<u64>());
    heads
}

#[test]
fn what_a_killed_process_has_acknowledged_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut acked = [0; 3];
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "the_process_that_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).filter_map(|line| {
            let (room, seq) = line.strip_prefix("acked ")?.split_once(' ')?;
            Some((room.parse::<usize>().unwrap(), seq.parse::<u64>().unwrap()))
        });
        for (room, seq) in said.take(ACKS) {
            acked[room] = seq;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let heads = heads(folder.path());
        for room in 0..ROOMS.len() {
            assert!(
                heads[room] >= acked[room],
                "{heads:?}, and acknowledged were {acked:?}"
            );
        }
    }
    assert!(acked.iter().all(|seq| *seq > 0), "{acked:?}");
}

#[test]
#[ignore = "a part of the test above: it never ends by itself"]
fn the_process_that_is_killed() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let mut heads = heads(Path::new(&folder));
    let stores = open(Path::new(&folder), 2);
    let mut shard = Shard::of(&stores);
    loop {
        for (number, room) in ROOMS.iter().enumerate() {
            let first = heads[number] + 1;
            heads[number] += 1 + first % 4;
            shard.say(room, first..=heads[number]);
            // One system call, so that no line is half there.
            let line = format!("acked {number} {}\n", heads[number]);
            std::io::stdout().write_all(line.as_bytes()).unwrap();
        }
    }
}
