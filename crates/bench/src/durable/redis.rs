//! Redis Streams with `appendfsync always`: a server of its own, and publishers that speak RESP.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream as Blocking;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mio::net::UnixStream;
use mio::{Events, Poll};
use tempfile::TempDir;

use crate::BenchError;
use crate::durable::KEPT_ENTRIES;
use crate::durable::driver::Publishers;
use crate::durable::pipe::Pipe;

/// How long it may take to answer its first question.
const START: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A Redis server that ends with this value.
#[derive(Debug)]
pub(crate) struct RedisServer {
    child: Child,
    version: String,
    socket: PathBuf,
    _data: TempDir,
    _socket_directory: TempDir,
}

impl RedisServer {
    /// Starts `program` with its file in a new folder beneath `parent`. `None` if there is no such
    /// program on this machine.
    pub(crate) fn start(program: &Path, parent: &Path) -> Result<Option<Self>, BenchError> {
        let folder = |parent: &Path| {
            TempDir::with_prefix_in("parlour-bench-", parent)
                .map_err(BenchError::system("making a temporary directory"))
        };
        let data = folder(parent)?;
        // The name of a socket must be short, whatever the disk is called.
        let socket_directory = folder(&std::env::temp_dir())?;
        let socket = socket_directory.path().join("redis");
        let spawned = Command::new(program)
            .args(arguments(&socket, data.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = match spawned {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            spawned => spawned.map_err(|error| did_not_start(program, &error.to_string()))?,
        };
        let mut server = Self {
            child,
            version: String::new(),
            socket,
            _data: data,
            _socket_directory: socket_directory,
        };
        server.version = server
            .first_answer()
            .map_err(|why| did_not_start(program, &why))?;
        Ok(Some(server))
    }

    /// Waits until it answers, and reads which version it is and that it syncs.
    fn first_answer(&mut self) -> Result<String, String> {
        let began = Instant::now();
        let stream = loop {
            match Blocking::connect(&self.socket) {
                Ok(stream) => break stream,
                Err(error) if began.elapsed() > START => return Err(error.to_string()),
                Err(_) => {}
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended with {status}"));
            }
            thread::sleep(ASK_EVERY);
        };
        let ask = |words: &[&[u8]]| {
            let mut request = Vec::new();
            push_command(&mut request, words);
            ask(&stream, &request).map_err(|error| error.to_string())
        };
        let syncs = ask(&[b"CONFIG", b"GET", b"appendfsync"])?;
        if !syncs.contains("always") {
            return Err(format!("it does not sync with every write: {syncs}"));
        }
        let info = ask(&[b"INFO", b"server"])?;
        let version = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("of an unknown version").trim().to_owned())
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn did_not_start(program: &Path, why: &str) -> BenchError {
    BenchError::Server {
        program: program.to_owned(),
        why: why.to_owned(),
    }
}

/// Every write synced before its answer; no snapshots, and no rewriting of the file meanwhile.
fn arguments(socket: &Path, data: &Path) -> Vec<OsString> {
    let fixed = "--port 0 --appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0";
    let mut arguments: Vec<OsString> = fixed.split(' ').map(OsString::from).collect();
    arguments.extend(["--save", "", "--unixsocket"].map(OsString::from));
    arguments.push(socket.into());
    arguments.push("--dir".into());
    arguments.push(data.into());
    arguments
}

/// Asks one thing and gives the answer as text: all of it that comes with its first line's length.
fn ask(stream: &Blocking, request: &[u8]) -> io::Result<String> {
    stream.set_read_timeout(Some(START))?;
    (&*stream).write_all(request)?;
    let mut answers = BufReader::new(stream);
    bulk(&mut answers)
}

/// One answer of RESP, flattened to lines.
fn bulk(answers: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    answers.take(1024).read_line(&mut line)?;
    let count = |text: &str| text.trim_end().parse::<usize>().unwrap_or(0).min(1 << 20);
    match line.split_at_checked(1) {
        Some(("$", length)) => {
            let mut text = vec![0; count(length) + 2];
            answers.read_exact(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Some(("*", length)) => {
            let all: io::Result<Vec<String>> = (0..count(length)).map(|_| bulk(answers)).collect();
            Ok(all?.concat())
        }
        Some(("-", error)) => Err(io::Error::other(error.trim_end().to_owned())),
        Some(_) => Ok(line),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Connections to it, each with streams that it adds to in turn.
pub(crate) struct RedisPublishers {
    poll: Poll,
    events: Events,
    lines: Vec<Line>,
    text: Vec<u8>,
}

struct Line {
    pipe: Pipe<UnixStream>,
    keys: Vec<String>,
    next_key: usize,
    /// Answers come in the order of the questions.
    waiting: VecDeque<u64>,
}

impl RedisPublishers {
    /// Connects one publisher per element of `rooms`, which are the rooms it adds to.
    pub(crate) fn connect(
        server: &RedisServer,
        set: usize,
        rooms: &[Vec<usize>],
        text: &[u8],
    ) -> Result<Self, BenchError> {
        let poll = Poll::new().map_err(BenchError::system("making an epoll instance"))?;
        let mut lines = Vec::new();
        for (number, rooms) in rooms.iter().enumerate() {
            let stream = UnixStream::connect(&server.socket)
                .map_err(BenchError::system("connecting to redis-server"))?;
            lines.push(Line {
                pipe: Pipe::new(poll.registry(), number, stream)?,
                keys: (rooms.iter())
                    .map(|room| format!("bench-{set}-{room}"))
                    .collect(),
                next_key: 0,
                waiting: VecDeque::new(),
            });
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(lines.len()),
            lines,
            text: text.to_vec(),
        })
    }
}

impl Publishers for RedisPublishers {
    fn count(&self) -> usize {
        self.lines.len()
    }

    fn publish(&mut self, publisher: usize, id: u64) -> Result<(), BenchError> {
        let line = &mut self.lines[publisher];
        let key = line.keys[line.next_key].as_bytes();
        line.next_key = (line.next_key + 1) % line.keys.len();
        line.waiting.push_back(id);
        let kept = KEPT_ENTRIES.to_string();
        let id = id.to_string();
        let words: [&[u8]; 10] = [
            b"XADD",
            key,
            b"MAXLEN",
            b"~",
            kept.as_bytes(),
            b"*",
            b"id",
            id.as_bytes(),
            b"payload",
            &self.text,
        ];
        push_command(line.pipe.outgoing(), &words);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BenchError> {
        self.lines.iter_mut().try_for_each(|line| line.pipe.flush())
    }

    fn answers(&mut self, wait: Duration, answered: &mut Vec<u64>) -> Result<(), BenchError> {
        super::poll(&mut self.poll, &mut self.events, wait)?;
        for event in &self.events {
            let Line { pipe, waiting, .. } = &mut self.lines[event.token().0];
            let connection = event.token().0;
            if event.is_writable() {
                pipe.flush()?;
            }
            if !super::has_input(event) {
                continue;
            }
            pipe.read(|bytes| {
                let mut used = 0;
                while let Some(answer) = split_answer(&bytes[used..]) {
                    let refused = |text: &[u8]| BenchError::Refused {
                        connection,
                        text: String::from_utf8_lossy(text).trim_end().to_owned(),
                    };
                    let whole = &bytes[used..used + answer];
                    match (whole[0], waiting.pop_front()) {
                        (b'$', Some(id)) => answered.push(id),
                        _ => return Err(refused(whole)),
                    }
                    used += answer;
                }
                Ok(used)
            })?;
        }
        Ok(())
    }
}

/// Bytes of the first answer, if all of it is there: the id of an entry or an error.
fn split_answer(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    if bytes[0] != b'$' {
        return Some(line);
    }
    let length = std::str::from_utf8(&bytes[1..line - 2]).ok()?;
    let whole = line + length.parse::<usize>().map_or(0, |length| length + 2);
    (bytes.len() >= whole).then_some(whole)
}

fn push_command(out: &mut Vec<u8>, words: &[&[u8]]) {
    // Writing to memory does not fail.
    let _ = write!(out, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(out, "${}\r\n", word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_strings() {
        let mut wire = Vec::new();
        push_command(&mut wire, &[b"XADD", b"a b"]);
        assert_eq!(wire, b"*2\r\n$4\r\nXADD\r\n$3\r\na b\r\n");
    }

    #[test]
    fn answers_are_told_apart_and_waited_for() {
        let wire = b"$3\r\n1-0\r\n-ERR no\r\n";
        assert_eq!(split_answer(wire), Some(9));
        assert_eq!(split_answer(&wire[9..]), Some(9));
        for cut in 0..9 {
            assert_eq!(split_answer(&wire[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn answers_to_questions_are_flattened() {
        let text = bulk(&mut b"*2\r\n$3\r\nkey\r\n$6\r\nalways\r\n".as_slice()).unwrap();
        assert_eq!(text, "key\r\nalways\r\n");
        assert!(bulk(&mut b"-ERR no such thing\r\n".as_slice()).is_err());
        assert!(bulk(&mut b"".as_slice()).is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let none = RedisServer::start(Path::new("/no/such/redis-server"), folder.path());
        assert!(none.unwrap().is_none());
    }

    #[test]
    fn every_write_is_synced_and_nothing_else_is_written() {
        let arguments = arguments(Path::new("/s"), Path::new("/d"));
        let has = |name: &str, value: &str| {
            arguments
                .windows(2)
                .any(|pair| pair[0] == name && pair[1] == value)
        };
        assert!(has("--appendfsync", "always") && has("--appendonly", "yes") && has("--save", ""));
    }
}
