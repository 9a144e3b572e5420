//! The real binary with users of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Outcome, PATIENCE, Way, require, while_doing};

/// In a flag: a file with [`PUBLISH_TOKEN`] in it.
pub const TOKEN_FILE: &str = "{token-file}";
pub const PUBLISH_TOKEN: &str = "a-token-for-those-who-publish-0123456789";

/// The binary under test, with nothing set by the environment.
pub fn parlour() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("PARLOUR_")) {
        command.env_remove(name);
    }
    command
}

/// A running `parlour serve`; killed when it is dropped.
pub struct House {
    pub way: Way,
    child: Child,
    directory: TempDir,
    /// Kept open; what else it prints fits a pipe's buffer.
    _stdout: BufReader<ChildStdout>,
}

impl House {
    /// A server with these flags and these users (name and password), made before it starts.
    pub fn open(flags: &[&str], users: &[(&str, &str)]) -> Outcome<Self> {
        let directory = tempfile::tempdir().map_err(while_doing("a directory"))?;
        let data = directory.path().join("data");
        for (name, password) in users {
            run_user(&data, &["add", name, "--password-stdin"], password)?;
        }
        let token = directory.path().join("token");
        write_secret(&token, PUBLISH_TOKEN).map_err(while_doing("a token"))?;
        let token = token.display().to_string();
        let log_path = directory.path().join("log");
        let log = File::create(&log_path).map_err(while_doing("a log"))?;
        let mut child = parlour()
            .args(["serve", "--addr", "127.0.0.1:0", "--data"])
            .arg(&data)
            .args(flags.iter().map(|flag| flag.replace(TOKEN_FILE, &token)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(while_doing("starting"))?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        read.map_err(while_doing("its first line"))?;
        let way = way(line.trim_end(), &data).map_err(|error| {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            format!("the server did not start: {error}: {line}{log}")
        })?;
        Ok(Self {
            way,
            child,
            directory,
            _stdout: stdout,
        })
    }

    /// `parlour user …` against the running server.
    pub fn user(&self, arguments: &[&str], password: &str) -> Outcome<String> {
        run_user(&self.data(), arguments, password)
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub fn signal(&self, signal: Signal) -> Outcome<()> {
        kill_process(self.pid(), signal).map_err(while_doing("a signal"))
    }

    /// Waits for the process to end.
    pub fn wait(&mut self) -> Outcome<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.child.try_wait();
            if let Some(status) = status.map_err(while_doing("waiting"))? {
                return Ok(status);
            }
            require(Instant::now() < deadline, || {
                format!("the server does not end; log:\n{}", self.log())
            })?;
            // A child gives no other sign that can be waited for with a deadline.
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the server's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file that nobody else can read, as the server asks.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = File::options();
    let mut file = options.write(true).create(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Runs `parlour user` and returns what it prints.
fn run_user(data: &Path, arguments: &[&str], password: &str) -> Outcome<String> {
    let mut child = parlour()
        .arg("user")
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(while_doing("parlour user"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may have refused already, and says so below.
        let _ = writeln!(stdin, "{password}");
    }
    let output = child
        .wait_with_output()
        .map_err(while_doing("parlour user"))?;
    require(output.status.success(), || {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("parlour user {arguments:?}: {said}")
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The way to who printed this line first.
fn way(line: &str, data: &Path) -> Outcome<Way> {
    let url = line
        .strip_prefix("listening on ")
        .ok_or("no address in its first line")?;
    let (scheme, address) = url.split_once("://").ok_or("no scheme")?;
    let address = address.parse().map_err(while_doing("its address"))?;
    if scheme == "http" {
        return Ok(Way::plain(address, PATIENCE));
    }
    Way::tls(address, PATIENCE, &certificate(&data.join("tls"))?)
}

/// The one certificate that the server keeps there.
fn certificate(directory: &Path) -> Outcome<Vec<u8>> {
    let entries = std::fs::read_dir(directory).map_err(while_doing("the data's tls"))?;
    let files = entries.filter_map(|entry| std::fs::read(entry.ok()?.path()).ok());
    let marks = b"-----BEGIN CERTIFICATE-----";
    let mut certificates =
        files.filter(|bytes| bytes.windows(marks.len()).any(|part| part == marks));
    certificates
        .next()
        .ok_or_else(|| "no certificate in the data's tls".to_owned())
}
