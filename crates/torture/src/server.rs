//! The server under torture: a process of its own, which can be killed, stopped and started again.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::TortureError;
use crate::http;
use crate::random::Chance;
use crate::target::Target;

/// How long a server may take until it serves.
const START: Duration = Duration::from_secs(60);
/// How often it is asked whether it does.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// Lines of its log that an error quotes.
const QUOTED_LINES: usize = 8;
/// Below the ports that systems give to clients: a client that comes back to a dead server must not be
/// given the server's own port, and connect to itself.
const PORTS: std::ops::Range<u64> = 20_000..32_000;

/// How a server is started; the same way each time.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    target: Target,
    directory: TempDir,
    /// Where it keeps what must survive it.
    data: PathBuf,
    child: Option<Child>,
    started: Instant,
}

impl Server {
    /// Prepares `program serve` on a free port of 127.0.0.1 with an own data directory, and does not
    /// start it yet.
    pub(crate) fn prepare(
        program: &Path,
        more: &[OsString],
        chance: &mut Chance,
    ) -> Result<Self, TortureError> {
        let directory = TempDir::with_prefix("parlour-torture-")
            .map_err(TortureError::system("making a temporary directory"))?;
        Ok(Self {
            program: program.to_owned(),
            arguments: more.to_vec(),
            variables: Vec::new(),
            target: Target::at(free_port(chance)?),
            data: directory.path().join("data"),
            directory,
            child: None,
            started: Instant::now(),
        })
    }

    /// With its data there, such as on another file system.
    pub(crate) fn data_in(&mut self, data: PathBuf) {
        self.data = data;
    }

    /// With these options behind what the caller has given.
    pub(crate) fn also<'a>(&mut self, options: impl IntoIterator<Item = &'a str>) {
        self.arguments
            .extend(options.into_iter().map(OsString::from));
    }

    /// With this variable, whatever the caller's is.
    pub(crate) fn variable(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// A place for what belongs to this run; removed with it.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it, and says how long it took until it served: from the start of the process until the
    /// answer to `GET /healthz` was 200.
    pub(crate) async fn start(&mut self) -> Result<Duration, TortureError> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log());
        let log = log.map_err(TortureError::system("making the server's log"))?;
        let both = log
            .try_clone()
            .map_err(TortureError::system("making the server's log"))?;
        let mut command = self.command(&["serve"]);
        command
            .arg("--addr")
            .arg(self.target.authority.clone())
            .args(without(&self.arguments, "--messages-per-second"))
            .args(&self.arguments)
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(both)
            .stderr(log);
        self.started = Instant::now();
        let spawned = command.spawn();
        let child = spawned.map_err(|error| self.failed(&format!("did not start: {error}")))?;
        self.child = Some(child);
        let serving = async {
            while !http::is_well(&self.target).await {
                if let Some(child) = &mut self.child
                    && let Ok(Some(status)) = child.try_wait()
                {
                    return Err(format!("ended with {status}"));
                }
                sleep(ASK_EVERY).await;
            }
            Ok(())
        };
        match timeout(START, serving).await {
            Ok(Ok(())) => Ok(self.started.elapsed()),
            Ok(Err(what)) => Err(self.failed(&what)),
            Err(_) => Err(self.failed(&format!("did not serve within {} s", START.as_secs()))),
        }
    }

    /// Adds a user with the command that people use, while the server is stopped.
    pub(crate) fn add_user(&self, name: &str, password: &str) -> Result<(), TortureError> {
        use std::io::Write as _;
        let mut command = self.command(&["user", "add", name, "--password-stdin"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let added = command.spawn().and_then(|mut child| {
            if let Some(mut input) = child.stdin.take() {
                writeln!(input, "{password}")?;
            }
            child.wait_with_output()
        });
        let added = added.map_err(TortureError::system("adding a user"))?;
        if added.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&added.stderr);
        Err(self.failed(&format!("did not add a user: {words}")))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // What is tortured is what the arguments say, whatever the caller's variables say.
        for (name, _) in foreign_settings() {
            command.env_remove(name);
        }
        command.args(words).arg("--data").arg(&self.data);
        command
    }

    /// `kill -9`, and waits until the process is gone.
    pub(crate) async fn kill(&mut self) -> Result<(), TortureError> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        if let Ok(Some(status)) = child.try_wait() {
            return Err(self.failed(&format!("ended by itself with {status}")));
        }
        child
            .kill()
            .map_err(TortureError::system("killing the server"))?;
        loop {
            let ended = child.try_wait();
            if ended
                .map_err(TortureError::system("waiting for the server"))?
                .is_some()
            {
                return Ok(());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Whether it has ended without having been told to.
    pub(crate) fn check(&mut self) -> Result<(), TortureError> {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().ok()?);
        match ended {
            Some(status) => Err(self.failed(&format!("ended by itself with {status}"))),
            None => Ok(()),
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }

    fn failed(&self, what: &str) -> TortureError {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        TortureError::Server {
            program: self.program.clone(),
            what: what.to_owned(),
            log: lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Its data is thrown away, so an orderly end would only take time.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// SIGSTOP or SIGCONT to any process.
pub(crate) fn send_signal(pid: u32, signal: Signal) -> Result<(), TortureError> {
    let what = format!("sending a signal to the process {pid}");
    let pid = Pid::from_raw(pid.cast_signed());
    let pid = pid.ok_or_else(|| TortureError::Options("--pid 0 is no process".into()))?;
    kill_process(pid, signal).map_err(|errno| TortureError::system(what)(errno.into()))
}

/// The publishers are this program's own, and many of them come from one address.
fn without(more: &[OsString], option: &str) -> Vec<OsString> {
    let is_it = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument == option || argument.starts_with(&format!("{option}="))
    };
    if more.iter().any(is_it) {
        return Vec::new();
    }
    vec![option.into(), "0".into()]
}

fn foreign_settings() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PARLOUR_"))
}

fn free_port(chance: &mut Chance) -> Result<SocketAddr, TortureError> {
    // Two runs with one seed at the same time would want the same ports one after the other.
    let start = chance.next() ^ crate::random::unforeseeable();
    let width = PORTS.end - PORTS.start;
    for step in 0..width {
        let port = PORTS.start + (start.wrapping_add(step * 7)) % width;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port as u16));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(TortureError::Options(format!(
        "no port of 127.0.0.1 from {} to {} is free",
        PORTS.start, PORTS.end
    )))
}

/// Bytes that only this process has, as `/proc/PID/smaps_rollup` counts them (`Private_Dirty`).
pub(crate) fn private_bytes(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let mut lines = rollup.lines();
    let size = lines.find_map(|line| line.strip_prefix("Private_Dirty:"))?;
    Some(size.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// An empty file of that many bytes that takes its place on the disk.
pub(crate) fn ballast(path: &Path, bytes: u64) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = File::create(path)?;
    let piece = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(piece.len() as u64);
        file.write_all(&piece[..count as usize])?;
        left -= count;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_lifted_unless_it_is_given() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let option = "--messages-per-second";
        assert_eq!(without(&[], option), words(&[option, "0"]));
        assert!(without(&words(&["--messages-per-second=9"]), option).is_empty());
        assert!(without(&words(&[option, "9"]), option).is_empty());
    }

    #[test]
    fn what_this_process_has_for_itself_is_read() {
        assert!(private_bytes(std::process::id()).unwrap() > 0);
        assert_eq!(private_bytes(u32::MAX), None);
    }
}
