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

const LISTENING: &str = "listening on ";

/// What a server speaks below its WebSockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// TCP.
    Plain,
    /// TLS, with a certificate that the server makes for itself.
    Tls,
}

impl Transport {
    /// For people and file names.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
        }
    }
}

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
    pub(super) fn start(
        binary: &Path,
        folder: &Path,
        transport: Transport,
    ) -> Result<Self, ChoreError> {
        let name = format!(
            "parlour-autobahn-{}-{}",
            transport.name(),
            std::process::id()
        );
        let data = std::env::temp_dir().join(name);
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
        if transport == Transport::Tls {
            serve.args(["--tls", "self-signed"]);
        }
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
                url: format!("{address}/echo"),
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

/// Reads the server's output, to its end so that it never blocks, and returns where it listens, as the
/// address of a WebSocket.
fn address(stdout: ChildStdout) -> Option<String> {
    let (found, address) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let url = line.split_once(LISTENING).map(|(_, url)| url);
            // http becomes ws, https becomes wss.
            if let Some(rest) = url.and_then(|url| url.strip_prefix("http"))
                && let Some((scheme, rest)) = rest.split_once("://")
            {
                let address = rest.split(['/', ' ']).next().unwrap_or(rest);
                let _ = found.try_send(format!("ws{scheme}://{address}"));
            }
        }
    });
    address.recv_timeout(START_TIME_MAX).ok()
}
