//! What a durable commit of redb costs, and how long a file takes to open after a kill.
//!
//! `cargo run --release -p parlour-store-redb --example commit_price -- FOLDER [SECONDS [ENTRIES]]`
//!
//! For each way to commit (one sync; two-phase; quick repair) and each batch: commits per second and
//! the time of one. Then a file with ENTRIES (1,000,000) entries is left as a kill leaves it (the
//! program runs itself and aborts), and opened, from the page cache and from the disk.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use redb::{Builder, Database, TableDefinition};

const ROWS: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("rows");
/// One entry with its row's header.
const ENTRY_BYTES: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    TwoPhase,
    Quick,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, file, way, entries] = &arguments[..]
        && word == "fill-and-die"
    {
        fill_and_die(Path::new(file), way, entries.parse().expect("a number"));
    }
    let folder = PathBuf::from(arguments.first().expect("a folder"));
    let seconds: u64 = arguments
        .get(1)
        .map_or(3, |it| it.parse().expect("seconds"));
    let entries: u64 = (arguments.get(2)).map_or(1_000_000, |it| it.parse().expect("entries"));
    append_and_sync(&folder, seconds);
    for rooms in [1, 20, 1000] {
        for way in [Way::Plain, Way::TwoPhase, Way::Quick] {
            commits(&folder, way, rooms, rooms.min(64), seconds);
        }
    }
    for way in [Way::Plain, Way::Quick] {
        opening(&folder, way, entries);
    }
}

fn append_and_sync(folder: &Path, seconds: u64) {
    let path = folder.join("plain");
    let mut file = File::create(&path).expect("a file");
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(seconds) {
        let now = Instant::now();
        file.write_all(&[7; ENTRY_BYTES]).expect("a write");
        file.sync_data().expect("a sync");
        times.push(now.elapsed());
    }
    report("append and fdatasync", 1, &mut times, begun.elapsed());
    std::fs::remove_file(path).expect("removed");
}

fn report(what: &str, batch: u64, times: &mut [Duration], all: Duration) {
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e3;
    println!(
        "{what:<40} {:>7.0} commits/s {:>8.0} entries/s  p50 {:>6.2} ms  p99 {:>6.2} ms",
        times.len() as f64 / all.as_secs_f64(),
        times.len() as f64 * batch as f64 / all.as_secs_f64(),
        at(50),
        at(99)
    );
}

fn database(path: &Path) -> Database {
    let mut builder = Builder::new();
    builder.set_cache_size(64 << 20);
    builder.create(path).expect("a database")
}

fn commit(database: &Database, way: Way, rows: impl Iterator<Item = (u64, u64)>) {
    let mut write = database.begin_write().expect("begun");
    match way {
        Way::Plain => {}
        Way::TwoPhase => write.set_two_phase_commit(true),
        Way::Quick => write.set_quick_repair(true),
    }
    {
        let mut table = write.open_table(ROWS).expect("a table");
        for row in rows {
            table
                .insert(row, &[row.1 as u8; ENTRY_BYTES][..])
                .expect("inserted");
        }
    }
    write.commit().expect("committed");
}

fn commits(folder: &Path, way: Way, rooms: u64, batch: u64, seconds: u64) {
    let path = folder.join("commits.redb");
    let database = database(&path);
    // Some depth, so that no tree is empty.
    for chunk in 0..20 {
        commit(
            &database,
            Way::Plain,
            (0..5_000).map(|n| (n % rooms, 1 + chunk * 5_000 + n)),
        );
    }
    let (begun, mut times, mut next) = (Instant::now(), Vec::new(), 1_000_000);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let now = Instant::now();
        commit(
            &database,
            way,
            (next..next + batch).map(|n| (n.wrapping_mul(7919) % rooms, n)),
        );
        next += batch;
        times.push(now.elapsed());
    }
    report(
        &format!("{way:?}, {rooms} rooms, {batch} rows"),
        batch,
        &mut times,
        begun.elapsed(),
    );
    drop(database);
    std::fs::remove_file(path).expect("removed");
}

fn fill_and_die(path: &Path, way: &str, entries: u64) -> ! {
    let way = if way == "Quick" {
        Way::Quick
    } else {
        Way::Plain
    };
    let database = database(path);
    for begun in (0..entries).step_by(2_000) {
        commit(&database, way, (begun..begun + 2_000).map(|n| (n % 20, n)));
    }
    commit(&database, way, (entries..entries + 5).map(|n| (n % 20, n)));
    std::process::abort();
}

fn opening(folder: &Path, way: Way, entries: u64) {
    let path = folder.join("million.redb");
    let own = std::env::current_exe().expect("this program");
    for cold in [false, true] {
        let ended = Command::new(&own)
            .args([
                "fill-and-die",
                path.to_str().expect("a path"),
                &format!("{way:?}"),
                &entries.to_string(),
            ])
            .status();
        assert!(!ended.expect("a run").success());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .expect("the file");
        let length = file.metadata().expect("its length").len();
        file.sync_all().expect("synced");
        if cold {
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advised");
        }
        let mut byte = [0];
        file.read_exact_at(&mut byte, 0).expect("read");
        drop(file);
        let begun = Instant::now();
        let database = database(&path);
        println!(
            "{way:?}: {entries} entries, {} MiB, killed, {}: open in {:.0} ms",
            length >> 20,
            if cold {
                "from the disk"
            } else {
                "from the page cache"
            },
            begun.elapsed().as_secs_f64() * 1e3
        );
        drop(database);
        std::fs::remove_file(&path).expect("removed");
    }
}
