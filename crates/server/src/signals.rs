//! The signals that end the server.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ServeError;

/// SIGINT and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on the signals no longer kill the process. Must be called on a tokio runtime.
    pub(crate) fn catch() -> Result<Self, ServeError> {
        let catch = |kind| {
            signal(kind).map_err(|source| ServeError::System {
                what: "signals",
                source,
            })
        };
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one, and says its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
