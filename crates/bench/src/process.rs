//! The server under test as a process of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::BenchError;
use crate::cpu::CpuClock;
use crate::pin::Cores;
use crate::target::Target;

/// How long a server may take to say where it listens.
const START: Duration = Duration::from_secs(20);
/// What it says, before the address.
const LISTENING: &str = "listening on http://";
/// What rooms are where the disk is not what is measured.
const VOLATILE: &str = "--rooms=*=volatile";
/// Lines of its log that an error quotes.
const QUOTED_LINES: usize = 8;

/// A server that was started here and ends with this value.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    target: Target,
    cores: Cores,
    directory: TempDir,
}

impl ServerProcess {
    /// Starts `program serve` on a free port, with a data directory of its own that is removed
    /// afterwards, on `cores` (`None`: wherever it likes). Its rooms are in memory, unless `more` says
    /// otherwise: what is measured is not the disk.
    ///
    /// # Errors
    /// When it ends, or says nothing for 20 s; its last words are quoted.
    pub fn parlour(
        program: &Path,
        more: &[OsString],
        cores: Option<&Cores>,
    ) -> Result<Self, BenchError> {
        // Their own rules for rooms go first: the first that fits counts.
        let more = [more, &[VOLATILE.into()]].concat();
        Self::parlour_in(&std::env::temp_dir(), program, &more, cores)
    }

    /// The same with its data in a new folder beneath `parent`, and the server's own rooms.
    ///
    /// # Errors
    /// As [`ServerProcess::parlour`].
    pub fn parlour_in(
        parent: &Path,
        program: &Path,
        more: &[OsString],
        cores: Option<&Cores>,
    ) -> Result<Self, BenchError> {
        Self::start_in(parent, program, cores, |directory| {
            let data = directory.join("data").into_os_string();
            let fixed = ["serve", "--addr", "127.0.0.1:0", "--data"].map(OsString::from);
            fixed
                .into_iter()
                .chain([data])
                .chain(unlimited(more))
                .chain(more.iter().cloned())
                .collect()
        })
    }

    /// Starts any server that says `listening on http://ADDRESS` on its standard output;
    /// `arguments` are made from the path of an empty directory.
    ///
    /// # Errors
    /// As [`ServerProcess::parlour`].
    pub fn start(
        program: &Path,
        cores: Option<&Cores>,
        arguments: impl FnOnce(&Path) -> Vec<OsString>,
    ) -> Result<Self, BenchError> {
        Self::start_in(&std::env::temp_dir(), program, cores, arguments)
    }

    fn start_in(
        parent: &Path,
        program: &Path,
        cores: Option<&Cores>,
        arguments: impl FnOnce(&Path) -> Vec<OsString>,
    ) -> Result<Self, BenchError> {
        let directory = TempDir::with_prefix_in("parlour-bench-", parent)
            .map_err(BenchError::system("making a temporary directory"))?;
        let log = File::create(log_path(directory.path()))
            .map_err(BenchError::system("making the server's log"))?;
        let mut command = Command::new(program);
        command.args(arguments(directory.path()));
        // What is measured is what the arguments say, whatever the caller's variables say.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PARLOUR_") {
                command.env_remove(name);
            }
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);

        // A child inherits the cores of the thread that starts it.
        let pinned = cores.map(Cores::pin).transpose()?;
        let spawned = command.spawn();
        drop(pinned);
        let mut child = spawned.map_err(|error| BenchError::Server {
            program: program.to_owned(),
            why: error.to_string(),
        })?;

        let lines = child.stdout.take().map(first_address);
        let address = lines.and_then(|lines| lines.recv_timeout(START).ok());
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(BenchError::Server {
                program: program.to_owned(),
                why: last_words(directory.path()),
            });
        };
        let cores = match cores {
            Some(cores) => cores.clone(),
            None => Cores::of_process(child.id())?,
        };
        Ok(Self {
            child,
            target: Target::at(address),
            cores,
            directory,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The cores it runs on.
    #[must_use]
    pub fn cores(&self) -> &Cores {
        &self.cores
    }

    /// A clock of what it costs.
    ///
    /// # Errors
    /// When it has ended.
    pub fn clock(&self) -> Result<CpuClock, BenchError> {
        CpuClock::new(self.pid(), &self.cores)
    }

    /// The last lines of its log, for an error that it may explain.
    #[must_use]
    pub fn last_words(&self) -> String {
        last_words(self.directory.path())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Its data is thrown away, so an orderly end would only take time.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is measured is the server and not its patience with one client, unless `more` says so.
fn unlimited(more: &[OsString]) -> Vec<OsString> {
    const RATE: &str = "--messages-per-second";
    let is_rate = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument == RATE || argument.starts_with(&format!("{RATE}="))
    };
    if more.iter().any(is_rate) {
        return Vec::new();
    }
    [RATE, "0"].map(OsString::from).to_vec()
}

/// Sends the first address that the server names, and reads on so that its pipe never fills.
fn first_address(output: ChildStdout) -> mpsc::Receiver<SocketAddr> {
    let (found, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let address = line.split_once(LISTENING).map(|(_, rest)| rest.trim());
            if let Some(address) = address.and_then(|rest| rest.trim_end_matches('/').parse().ok())
            {
                let _ = found.try_send(address);
            }
        }
    });
    receiver
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("server.log")
}

fn last_words(directory: &Path) -> String {
    let log = fs::read_to_string(log_path(directory)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    match lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n") {
        empty if empty.is_empty() => format!("it never said `{LISTENING}ADDRESS`"),
        words => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<ServerProcess, BenchError> {
        let script = OsString::from(script);
        ServerProcess::start(Path::new("/bin/sh"), None, |_| vec!["-c".into(), script])
    }

    #[test]
    fn the_address_is_found_among_other_lines() {
        let server =
            shell("echo hello; echo 'INFO listening on http://127.0.0.1:4242'; exec sleep 60")
                .unwrap();
        assert_eq!(server.target().address.port(), 4242);
        assert!(server.clock().unwrap().read().is_ok());
    }

    #[test]
    fn the_rate_is_lifted_unless_it_is_what_is_measured() {
        let arguments = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(unlimited(&[]), arguments(&["--messages-per-second", "0"]));
        for own in [
            &["--messages-per-second", "9"][..],
            &["--messages-per-second=9"],
        ] {
            assert!(unlimited(&arguments(own)).is_empty());
        }
    }

    #[test]
    fn a_server_that_ends_is_quoted() {
        let error = shell("echo 'the port is taken' >&2; exit 1")
            .unwrap_err()
            .to_string();
        assert!(error.contains("the port is taken"), "{error}");
        let error = shell("exit 0").unwrap_err().to_string();
        assert!(error.contains("never said"), "{error}");
    }
}
