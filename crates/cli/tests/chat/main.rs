//! `parlour chat`, `parlour pub` and `parlour sub`, by the real binary: in pipes and on a terminal.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod away;
mod doors;
mod hostile;
mod offline;
mod outbox;
mod pipes;
mod publishing;
mod screen;
mod status;
mod terminal;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use support::{PATIENCE, Server, parlour};

/// One of the commands, with pipes at its ends.
struct Run {
    child: Child,
    input: Option<ChildStdin>,
    out: Receiver<String>,
    err: Receiver<String>,
    /// What it has told on standard error so far.
    told: String,
}

/// How it ended.
struct End {
    status: i32,
    /// Lines that nobody has taken yet.
    out: Vec<String>,
    told: String,
}

fn url(server: &Server) -> String {
    let scheme = if server.is_tls() { "https" } else { "http" };
    format!("{scheme}://{}", server.address())
}

/// The words of a command line, without quotes, at this server.
fn words(server: &Server, words: &str) -> Command {
    let mut command = parlour();
    command
        .args(words.split_whitespace())
        .args(["--url", &url(server)]);
    command
}

impl Run {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            out: lines(child.stdout.take().unwrap()),
            err: lines(child.stderr.take().unwrap()),
            child,
            told: String::new(),
        }
    }

    /// A chat that has come into its room.
    fn chat(server: &Server, arguments: &str) -> Self {
        let mut run = Self::start(words(server, &format!("chat {arguments}")));
        run.until_told(" in "); // who is here, or how many
        run
    }

    fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        match self.out.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(error) => panic!("no line ({error}); it told: {}", self.rest_told()),
        }
    }

    /// The next line as JSON.
    fn json(&mut self) -> serde_json::Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    }

    /// Waits until it has told something on standard error; further lines with the same words count
    /// only once they come.
    fn until_told(&mut self, what: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.err.recv_timeout(deadline - Instant::now()) {
                Ok(line) => {
                    self.told.push_str(&line);
                    self.told.push('\n');
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(error) => panic!("no `{what}` ({error}) in: {}", self.told),
            }
        }
    }

    fn rest_told(&mut self) -> String {
        while let Ok(line) = self.err.recv_timeout(Duration::from_millis(100)) {
            self.told.push_str(&line);
            self.told.push('\n');
        }
        std::mem::take(&mut self.told)
    }

    /// Ends its input and waits for its end.
    fn end(mut self) -> End {
        self.input = None;
        self.wait()
    }

    /// Waits for its end.
    fn wait(mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        let mut out = Vec::new();
        loop {
            match self
                .out
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => out.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; it told: {}", self.rest_told())
                }
            }
        }
        while let Ok(line) = self.err.recv() {
            self.told.push_str(&line);
            self.told.push('\n');
        }
        let status = self.child.wait().unwrap().code().unwrap();
        let told = std::mem::take(&mut self.told);
        End { status, out, told }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines as they come.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Runs it to its end with this input.
fn run(command: Command, input: &str) -> End {
    let mut run = Run::start(command);
    // Who fails before it reads closes the pipe.
    let _ = run.input.as_mut().unwrap().write_all(input.as_bytes());
    run.end()
}

/// A `parlour sub` that is in its room, found by a message that is made for it.
fn sub(server: &Server, room: &str, arguments: &str) -> Run {
    let sub = Run::start(words(server, &format!("sub {room} {arguments}")));
    loop {
        let said = run(words(server, &format!("pub {room} are-you-there")), "");
        assert_eq!(said.status, 0, "{}", said.told);
        if let Ok(line) = sub.out.recv_timeout(Duration::from_millis(200)) {
            assert!(line.contains("are-you-there"), "{line}");
            break;
        }
    }
    sub
}

/// The next entry that is not one of those.
fn next_entry(sub: &mut Run) -> serde_json::Value {
    loop {
        let entry = sub.json();
        if entry["payload"] != "are-you-there" {
            return entry;
        }
    }
}
