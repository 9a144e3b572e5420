//! What the server can be told.

use std::path::PathBuf;

/// The largest value of [`ServeOptions::message_bytes_max`], in bytes. A message that is larger than
/// what a room keeps is still delivered; the log then holds that one alone.
pub const MESSAGE_BYTES_LIMIT: usize = 64 * 1024 * 1024;

/// How the server runs.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen, as `IP:PORT` or `localhost:PORT`. Port 0 picks a free one.
    pub address: String,
    /// The data directory, made if it is not there.
    pub data: PathBuf,
    /// Largest message of a client, in bytes: 1 to [`MESSAGE_BYTES_LIMIT`].
    pub message_bytes_max: usize,
    /// What is logged, e.g. `info` or `parlour=debug,info`.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8080".into(),
            data: "parlour-data".into(),
            message_bytes_max: 64 * 1024,
            log: "info".into(),
            log_format: LogFormat::Text,
        }
    }
}

/// The form of a line of the log, on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}
