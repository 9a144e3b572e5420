//! What can go wrong in a chore.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use thiserror::Error;

use crate::bench::BenchFailure;

/// Why a chore did not end well; the text names the way out where there is one.
#[derive(Debug, Error)]
pub(crate) enum ChoreError {
    /// A program could not be started.
    #[error("cannot start `{program}`: install it or put it on PATH")]
    Start { program: String, source: io::Error },
    /// A program ran and said no.
    #[error("`{command}` failed ({status}); its own output above says why")]
    Failed { command: String, status: ExitStatus },
    /// A program's answer is not in the form it documents.
    #[error("cannot understand the output of {what}")]
    Json {
        what: String,
        source: serde_json::Error,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {doing} {}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Something this machine lacks; the text is the remedy.
    #[error("{0}")]
    Missing(String),
    /// The check itself ran and found the tree wanting.
    #[error("{0}")]
    Found(String),
    /// A measurement was not made or not passed.
    #[error(transparent)]
    Bench(#[from] BenchFailure),
    /// A simulated world broke a promise, or a checker is blind.
    #[error(transparent)]
    Sim(#[from] crate::sim::SimError),
}

impl ChoreError {
    /// For `map_err` on a call about one path.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
