//! An outbox file: read once, then written by a thread of its own, a batch at a time.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::record::{FORMAT, Put, Record, content, line};

/// Records that are made safe together at most.
const BATCH_MAX: usize = 1_024;
/// Bytes of records that nobody needs any more before the file is written anew.
const DEAD_BYTES_MAX: usize = 1 << 20;

/// Why an outbox file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// Another client has it open, in this process or another one.
    #[error("the outbox {path} is in use; end the other client, or name another file", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It begins with something else.
    #[error("{path} is no outbox of this version; name another file", path = path.display())]
    NotOne {
        /// The file.
        path: PathBuf,
    },
    /// A line that was safe once is not what was written. Nothing is sent from such a file.
    #[error(
        "line {line} of the outbox {path} is damaged; look at the file, move it away and begin another",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// It is filled before there is a connection, and then a name must be known.
    #[error(
        "an outbox that is filled before there is a connection is of a user: give a name or sign in"
    )]
    NoName,
    /// The system does not let it be read or written.
    #[error("the outbox {path} cannot be used: {why}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
}

/// Counts what was ordered to be written.
pub(super) type Ticket = u64;

/// What the thread has done.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// Everything up to this one is safe, or of the past.
    pub(super) safe: Ticket,
    /// Everything up to this one was tried.
    pub(super) tried: Ticket,
    /// Why what was tried last is not in the file. Nothing comes into it before it is [written
    /// anew](Journal::rewrite).
    pub(super) failure: Option<Failure>,
}

/// Why the file was not written.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) why: String,
    /// Whether what was safe before stands where the next client looks for it.
    pub(super) is_in_place: bool,
}

enum Order {
    Append(Record),
    Rewrite(Vec<Put>),
}

/// The writing end.
pub(super) struct Journal {
    orders: Option<mpsc::Sender<Order>>,
    ordered: Ticket,
    /// Bytes that were written since it was whole, about.
    appended: usize,
    pub(super) written: watch::Receiver<Written>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens it, or makes it, and gives what stands in it, in order.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Put>), OutboxError> {
        let failed = |why| OutboxError::Io {
            path: path.to_owned(),
            why,
        };
        let lock = lock(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        private(&mut options);
        let mut file = options.open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (puts, whole) = read(&bytes, path)?;
        let mut disk = Disk {
            path: path.to_owned(),
            file,
            lock,
            whole: 0,
            failure: None,
        };
        let is_new = whole == 0;
        // What was torn was never accepted.
        disk.begin(whole as u64, is_new).map_err(failed)?;
        let (orders, to_do) = mpsc::channel();
        let (done, written) = watch::channel(Written::default());
        let thread = std::thread::Builder::new().name("parlour-outbox".into());
        let thread = thread
            .spawn(move || disk.run(&to_do, &done))
            .map_err(failed)?;
        let journal = Self {
            orders: Some(orders),
            ordered: 0,
            appended: bytes.len(),
            written,
            thread: Some(thread),
        };
        Ok((journal, puts))
    }

    /// Orders one record to be written; it is safe when [`written`](Self::written) has come to the ticket.
    pub(super) fn append(&mut self, record: Record) -> Ticket {
        if let Record::Put(put) = &record {
            self.appended += put.payload.len();
        }
        self.appended += 128;
        self.order(Order::Append(record))
    }

    /// Whether so much of it is of the past that it should be [written anew](Self::rewrite).
    pub(super) fn is_long(&self, live_bytes: usize) -> bool {
        self.appended > DEAD_BYTES_MAX + 2 * live_bytes
    }

    /// Has it hold these and nothing else.
    pub(super) fn rewrite(&mut self, puts: Vec<Put>) -> Ticket {
        self.appended = puts.iter().map(|put| put.payload.len() + 128).sum();
        self.order(Order::Rewrite(puts))
    }

    fn order(&mut self, order: Order) -> Ticket {
        self.ordered += 1;
        if let Some(orders) = &self.orders {
            // The thread ends only after this.
            let _ = orders.send(order);
        }
        self.ordered
    }

    /// Waits until all is written, and lets the file go.
    pub(super) async fn close(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// A lock of its own file: the outbox itself is replaced now and then.
fn lock(path: &Path) -> Result<File, OutboxError> {
    let failed = |why| OutboxError::Io {
        path: path.to_owned(),
        why,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    let file = options.open(beside(path, "lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OutboxError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(why)) => Err(failed(why)),
    }
}

/// What people wrote is for its owner.
fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

/// The items, and how many bytes are whole lines.
fn read(bytes: &[u8], path: &Path) -> Result<(Vec<Put>, usize), OutboxError> {
    let mut puts: Vec<Put> = Vec::new();
    let mut whole = 0;
    let mut rest = bytes;
    let mut number = 0;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        number += 1;
        let is_last = end + 1 == rest.len();
        let records = content(&rest[..end]).and_then(|content| records(number, content));
        match records {
            Some(records) => records
                .into_iter()
                .for_each(|record| take_in(record, &mut puts)),
            None if number == 1 => {
                return Err(OutboxError::NotOne {
                    path: path.to_owned(),
                });
            }
            None if is_last => break,
            None => {
                return Err(OutboxError::Damaged {
                    path: path.to_owned(),
                    line: number,
                });
            }
        }
        whole += end + 1;
        rest = &rest[end + 1..];
    }
    // The first line of all may be torn, too; anything else without an end is something else.
    if whole == 0 && !line(FORMAT).as_bytes().starts_with(bytes) {
        return Err(OutboxError::NotOne {
            path: path.to_owned(),
        });
    }
    Ok((puts, whole))
}

/// `None` if it cannot have been written so.
fn records(number: usize, content: &str) -> Option<Vec<Record>> {
    if number == 1 {
        return (content == FORMAT).then(Vec::new);
    }
    let records: Vec<Record> = serde_json::from_str(content).ok()?;
    let is_good = |record: &Record| match record {
        Record::Put(put) => put.item().is_some(),
        Record::Done { .. } => true,
    };
    records.iter().all(is_good).then_some(records)
}

fn take_in(record: Record, puts: &mut Vec<Put>) {
    match record {
        Record::Put(put) => {
            let is_it = |it: &&mut Put| it.id == put.id && it.room == put.room;
            match puts.iter_mut().find(is_it) {
                Some(there) => *there = put,
                None => puts.push(put),
            }
        }
        Record::Done { room, id } => puts.retain(|it| it.id != id || it.room != room),
    }
}

/// The file, in its thread.
struct Disk {
    path: PathBuf,
    file: File,
    lock: File,
    /// Bytes of whole, safe lines.
    whole: u64,
    failure: Option<Failure>,
}

impl Disk {
    fn begin(&mut self, whole: u64, is_new: bool) -> io::Result<()> {
        self.file.set_len(whole)?;
        self.file.seek(SeekFrom::End(0))?;
        if is_new {
            self.file.write_all(line(FORMAT).as_bytes())?;
        }
        self.whole = self.file.stream_position()?;
        self.file.sync_all()?;
        self.sync_folder()
    }

    fn run(mut self, orders: &mpsc::Receiver<Order>, done: &watch::Sender<Written>) {
        let mut written = Written::default();
        while let Ok(first) = orders.recv() {
            let mut batch = vec![first];
            batch.extend(orders.try_iter().take(BATCH_MAX - 1));
            written.tried += batch.len() as Ticket;
            self.take(batch);
            if self.failure.is_none() {
                written.safe = written.tried;
            }
            written.failure.clone_from(&self.failure);
            // What it was before is of no interest.
            drop(done.send_replace(written.clone()));
        }
    }

    /// Makes a batch safe, or nothing of it.
    fn take(&mut self, batch: Vec<Order>) {
        let mut fresh = None;
        let mut records = Vec::new();
        for order in batch {
            match order {
                Order::Append(record) => records.push(record),
                Order::Rewrite(puts) => {
                    // What was ordered before is in it, or of the past.
                    records.clear();
                    fresh = Some(puts);
                }
            }
        }
        if fresh.is_none() && self.failure.is_some() {
            return;
        }
        let written = match fresh {
            Some(puts) => self.replace(puts).and_then(|()| self.append(&records)),
            None => self.append(&records),
        };
        self.failure = written.err().map(|why| Failure {
            why: why.to_string(),
            is_in_place: self.check_place().is_ok(),
        });
    }

    fn append(&mut self, records: &[Record]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let line = line(&json(records)?);
        let written = self.file.write_all(line.as_bytes());
        let written = written
            .and_then(|()| self.file.sync_data())
            .and_then(|()| self.check_place());
        if written.is_ok() {
            self.whole += line.len() as u64;
        } else {
            // What is refused must not be there at the next start. If this fails, too, the line is torn or a
            // message too many, which its sender is told is not.
            let _ = self.file.set_len(self.whole);
            let _ = self.file.seek(SeekFrom::End(0));
        }
        written
    }

    /// Whether the file that is written is the one that stands at the path: folders are moved and removed.
    fn check_place(&self) -> io::Result<()> {
        same(&self.file, &self.path)
    }

    /// Writes a file with these beside it, and puts it in its place.
    fn replace(&mut self, puts: Vec<Put>) -> io::Result<()> {
        if let Err(error) = self.check_place() {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            // Its lock went with it.
            if same(&self.lock, &beside(&self.path, "lock")).is_err() {
                self.lock = lock(&self.path).map_err(io::Error::other)?;
            }
        }
        let fresh = beside(&self.path, "new");
        let replaced = self.write_fresh(&fresh, puts).and_then(|file| {
            std::fs::rename(&fresh, &self.path)?;
            Ok(file)
        });
        let mut file = replaced.inspect_err(|_| {
            // So that a full disk has its bytes back; the next one begins it anew.
            let _ = std::fs::remove_file(&fresh);
        })?;
        self.whole = file.stream_position()?;
        self.file = file;
        self.sync_folder()
    }

    fn write_fresh(&self, fresh: &Path, puts: Vec<Put>) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        private(&mut options);
        let mut file = options.open(fresh)?;
        file.write_all(line(FORMAT).as_bytes())?;
        let records: Vec<Record> = puts.into_iter().map(Record::Put).collect();
        for records in records.chunks(BATCH_MAX) {
            file.write_all(line(&json(records)?).as_bytes())?;
        }
        file.sync_all()?;
        Ok(file)
    }

    /// So that the name of a new file is safe, too.
    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }
}

/// That this file is what stands at the path.
fn same(file: &File, path: &Path) -> io::Result<()> {
    let there = std::fs::metadata(path)?;
    let own = file.metadata()?;
    if is_same(&own, &there) {
        return Ok(());
    }
    let words = format!("another file stands at {}; move it away", path.display());
    Err(io::Error::other(words))
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

fn json(records: &[Record]) -> io::Result<String> {
    serde_json::to_string(records).map_err(io::Error::other)
}
