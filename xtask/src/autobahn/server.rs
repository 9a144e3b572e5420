//! The server under test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::command;
use crate::error::ChoreError;

/// How long the server may take to listen.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// Section 9 sends messages of up to 16 MiB; a bound far from it keeps the bound out of the test.
const MESSAGE_BYTES_MAX: &str = "67108864";

const LISTENING: &str = "listening on http://";

/// An echo server; one that was started here ends with this value.
pub(super) struct Server {
    url: String,
    /// Held for its `Drop`.
    _started: Option<Started>,
}

struct Started {
    child: Child,
    data: PathBuf,
}

impl Server {
    /// A server that somebody else runs.
    pub(super) fn running_at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            _started: None,
        }
    }

    /// Starts `parlour serve` on a free port with its data in a temporary folder.
    ///
    /// # Errors
    /// When it does not start or does not say where it listens.
    pub(super) fn start(binary: &Path, folder: &Path) -> Result<Self, ChoreError> {
        let data = std::env::temp_dir().join(format!("parlour-autobahn-{}", std::process::id()));
        let log = folder.join("server.log");
        let log_file = File::create(&log).map_err(ChoreError::io("write", &log))?;
        let mut serve = Command::new(binary);
        serve.args([
            "serve",
            "--addr",
            "127.0.0.1:0",
            "--max-message-bytes",
            MESSAGE_BYTES_MAX,
        ]);
        serve.arg("--data").arg(&data);
        // PARLOUR_PYTHON27 and the like are not the server's, which refuses what it does not know.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PARLOUR_") {
                serve.env_remove(name);
            }
        }
        serve
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file);
        let mut child = serve
            .spawn()
            .map_err(|source| command::not_started(&serve, source))?;
        let stdout = child
            .stdout
            .take()
            .expect("stdout was piped two lines above");
        let started = Started { child, data };
        match address(stdout) {
            Some(address) => Ok(Self {
                url: format!("ws://{address}/echo"),
                _started: Some(started),
            }),
            None => Err(ChoreError::Found(format!(
                "`{}` did not print `{LISTENING}…` within {} s; see {}",
                command::words(&serve),
                START_TIME_MAX.as_secs(),
                log.display()
            ))),
        }
    }

    /// Where its echo door is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Reads the server's output, to its end so that it never blocks, and returns where it listens.
fn address(stdout: ChildStdout) -> Option<String> {
    let (found, address) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once(LISTENING) {
                let address = rest.split(['/', ' ']).next().unwrap_or(rest);
                let _ = found.try_send(address.to_owned());
            }
        }
    });
    address.recv_timeout(START_TIME_MAX).ok()
}
