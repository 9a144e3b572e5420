//! The real binary on a free port, and clients that share no code with it.
//!
//! Nothing here waits without an end: every read gives up after [`PATIENCE`], and fails its test.

// Each test binary uses its own part, and all of it is for tests.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

mod client;
mod raw;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

pub use client::Client;
#[allow(unused_imports)]
pub use raw::{Answer, Raw, frame};

/// The longest that a test waits for one thing.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The binary under test.
pub fn parlour() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("PARLOUR_"))
        {
            command.env_remove(name);
        }
    }
    command
}

/// A running `parlour serve`; killed when it is dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
    /// What it has printed up to the address, and goes on to print.
    stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    /// With default settings.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further arguments of `serve`.
    pub fn start_with(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let mut child = parlour()
            .args(["serve", "--addr", "127.0.0.1:0", "--data"])
            .arg(directory.path().join("data"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
            panic!("the server did not start: {line}{log}");
        };
        Self {
            child,
            address,
            directory,
            stdout,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// What it prints until it has printed a line with `last` in it.
    pub fn printed_up_to(&mut self, last: &str) -> String {
        let mut printed = String::new();
        while !printed.contains(last) {
            assert!(
                self.stdout.read_line(&mut printed).unwrap() > 0,
                "only: {printed}"
            );
        }
        printed
    }

    /// A new TCP connection.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A new TCP connection that speaks bytes.
    pub fn raw(&self) -> Raw {
        Raw::new(self.connect())
    }

    /// One request on a connection of its own. `{host}` in it stands for the server's address.
    pub fn ask(&self, request: &str) -> Answer {
        let mut raw = self.raw();
        raw.send(
            request
                .replace("{host}", &self.address.to_string())
                .as_bytes(),
        );
        raw.answer()
    }

    /// A guest's ticket, and the name that it is for.
    pub fn ticket(&self, name: &str) -> (String, String) {
        let body = serde_json::json!({ "name": name }).to_string();
        let answer = self.ask(&format!(
            "POST /ticket HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(answer.status, 200, "{answer:?}");
        let given: Value = serde_json::from_str(&answer.body).unwrap();
        let field = |name: &str| given[name].as_str().unwrap().to_owned();
        (field("otp"), field("name"))
    }

    /// A member of `room`, by a fresh ticket, at the events door. It is told everything that is
    /// published from now on.
    pub fn join(&self, name: &str, room: &str) -> Client {
        let (otp, _) = self.ticket(name);
        let mut client = Client::open(self, &format!("/ws?otp={otp}&room={room}"), &[]).unwrap();
        client.settle();
        client
    }

    /// A connection to the echo door.
    pub fn echo(&self) -> Client {
        Client::open(self, "/echo", &[]).unwrap()
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the process to end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the server did not end; log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the server's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
