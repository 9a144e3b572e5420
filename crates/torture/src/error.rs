//! What keeps a run from a verdict, and what to do about it.

use std::io;
use std::path::PathBuf;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TortureError {
    /// The options contradict each other or the machine.
    #[error("{0}")]
    Options(String),
    /// The system refused a call.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server could not be started, or ended by itself.
    #[error("{program} {what}; its log ends with:\n{log}")]
    Server {
        /// The program that was started.
        program: PathBuf,
        /// What happened.
        what: String,
        /// The last lines of its log.
        log: String,
    },
    /// The clients did not get in.
    #[error("{0}")]
    Entrance(String),
    /// More was said than the checker keeps track of.
    #[error(
        "more entries were said than the checker keeps track of ({}): make the run shorter",
        crate::checker::ENTRIES_MAX
    )]
    TooMuch,
    /// Somebody pressed Ctrl+C.
    #[error("interrupted; there is no verdict")]
    Interrupted,
}

impl TortureError {
    /// The exit status: 1 if the server failed by itself, 2 if there is no verdict for another reason.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Server { .. } => 1,
            _ => 2,
        }
    }

    /// Wraps what the system said with what was tried.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
