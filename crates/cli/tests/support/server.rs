//! The real binary on a free port.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{Answer, Client, PATIENCE, Raw};

/// The binary under test, without the settings of whoever runs the tests.
pub fn parlour() -> Command {
    without_settings(env!("CARGO_BIN_EXE_parlour"))
}

fn without_settings(program: &str) -> Command {
    let mut command = Command::new(program);
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

/// How a server is started.
#[derive(Default)]
pub struct Setup {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    config: Option<String>,
    users: Vec<(String, String)>,
    survives_full_files: bool,
}

impl Setup {
    /// With these arguments of `serve`.
    pub fn with(arguments: &[&str]) -> Self {
        Self {
            arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// And this variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// And a configuration file that says this.
    pub fn config(mut self, text: &str) -> Self {
        self.config = Some(text.into());
        self
    }

    /// And this user, made before the server starts.
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.push((name.into(), password.into()));
        self
    }

    /// And writing beyond the largest size of a file is an error for it, and not its end.
    pub fn surviving_full_files(mut self) -> Self {
        self.survives_full_files = true;
        self
    }

    /// Starts it.
    pub fn start(self) -> Server {
        self.start_in(tempfile::tempdir().unwrap())
    }

    /// Starts it where another one may have been.
    fn start_in(self, directory: TempDir) -> Server {
        let data = directory.path().join("data");
        for (name, password) in &self.users {
            add_user(&data, name, password);
        }
        let mut command = parlour();
        if self.survives_full_files {
            // What is ignored stays ignored in what is executed.
            let program = command.get_program().to_owned();
            command = without_settings("sh");
            command
                .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
                .arg(program);
        }
        command.arg("serve");
        if !self.arguments.iter().any(|it| it == "--addr") {
            command.args(["--addr", "127.0.0.1:0"]);
        }
        if !self.arguments.iter().any(|it| it == "--data") {
            command.arg("--data").arg(&data);
        }
        if let Some(text) = &self.config {
            let path = directory.path().join("parlour.toml");
            std::fs::write(&path, text).unwrap();
            command.arg("--config").arg(path);
        }
        let log = File::create(directory.path().join("log")).unwrap();
        let mut child = command
            .args(&self.arguments)
            .envs(self.variables)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let listening = line.trim_end().strip_prefix("listening on ");
        let listening = listening.and_then(|it| it.split_once("://"));
        let Some((scheme, Ok(address))) = listening.map(|(scheme, it)| (scheme, it.parse())) else {
            let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
            panic!("the server did not start: {line}{log}");
        };
        Server {
            child,
            address,
            is_tls: scheme == "https",
            directory,
            stdout,
        }
    }
}

/// Makes a user with the command that people use.
fn add_user(data: &std::path::Path, name: &str, password: &str) {
    let mut child = parlour()
        .args(["user", "add", name, "--password-stdin", "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = format!("{password}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A running `parlour serve`; killed when it is dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    is_tls: bool,
    directory: TempDir,
    /// What it has printed up to the address, and goes on to print.
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// With default settings.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further arguments of `serve`.
    pub fn start_with(arguments: &[&str]) -> Self {
        Setup::with(arguments).start()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it said `https`.
    pub fn is_tls(&self) -> bool {
        self.is_tls
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

    /// A user, made while it runs.
    pub fn add_user(&self, name: &str, password: &str) {
        add_user(&self.data(), name, password);
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

    /// As [`raw`](Self::raw), for who does not want to wait longer than this for one thing.
    pub fn impatient(&self, patience: Duration) -> Raw {
        let raw = self.raw();
        raw.stream.set_read_timeout(Some(patience)).unwrap();
        raw.stream.set_write_timeout(Some(patience)).unwrap();
        raw
    }

    /// One request on a connection of its own. `{host}` in it stands for the server's address.
    pub fn ask(&self, request: &str) -> Answer {
        let mut raw = self.raw();
        raw.send(self.named(request).as_bytes());
        raw.answer()
    }

    /// The request with the server's address for `{host}`.
    pub fn named(&self, request: &str) -> String {
        request.replace("{host}", &self.address.to_string())
    }

    /// A POST with further header lines and a body of JSON.
    pub fn post(&self, path: &str, headers: &str, body: &str) -> Answer {
        self.ask(&post("{host}", path, headers, body))
    }

    /// A guest's ticket, and the name that it is for.
    pub fn ticket(&self, name: &str) -> (String, String) {
        let body = serde_json::json!({ "name": name }).to_string();
        let answer = self.post("/ticket", "", &body);
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

    /// A connection that speaks `parlour.v1`, past its `hello`.
    pub fn v1(&self, name: &str) -> Client {
        let (otp, _) = self.ticket(name);
        let offer = format!("parlour.v1, ticket.{otp}");
        let mut client = Client::open(self, "/ws", &[("sec-websocket-protocol", &offer)]).unwrap();
        assert_eq!(client.next_event()["t"], "hello");
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

    /// Ends it in order.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait().code(), Some(0), "{}", self.log());
    }

    /// Ends it as a power cut would end the process.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// Another server on the data of this one, which has ended.
    pub fn start_again(mut self, arguments: &[&str]) -> Self {
        assert!(!self.is_running(), "it is to be ended first");
        let empty = tempfile::tempdir().unwrap();
        let directory = std::mem::replace(&mut self.directory, empty);
        Setup::with(arguments).start_in(directory)
    }

    /// What `parlour room` prints about its data; it must succeed.
    pub fn room(&self, arguments: &[&str]) -> String {
        let output = self.try_room(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// `parlour room` with its data.
    pub fn try_room(&self, arguments: &[&str]) -> Output {
        let mut command = parlour();
        command.arg("room").args(arguments);
        command.arg("--data").arg(self.data());
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
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

    /// Waits until the log holds `words`.
    pub fn wait_for_log(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(words) {
            assert!(
                Instant::now() < deadline,
                "no `{words}` in the log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What else it prints until its end.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }
}

/// A POST of JSON to `host`.
pub fn post(host: &str, path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() && self.directory.path().join("log").exists() {
            eprintln!("--- the server's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
