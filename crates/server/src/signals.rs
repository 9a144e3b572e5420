//! The signals that end the server, and the one that makes it read its certificate again.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ServeError;

/// SIGINT, SIGTERM and SIGHUP.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Without a certificate it means what it always did: the terminal is gone.
    hang_up: Signal,
    reloads: bool,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To end; by the signal of this name.
    Stop(&'static str),
    /// To read the certificate again.
    Reload,
}

impl Signals {
    /// From here on the signals no longer kill the process; SIGHUP means to reload if there is
    /// something to reload, else to stop. Must be called on a tokio runtime.
    pub(crate) fn catch(reloads: bool) -> Result<Self, ServeError> {
        let catch = |kind| {
            signal(kind).map_err(|source| ServeError::System {
                what: "signals",
                source,
            })
        };
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            hang_up: catch(SignalKind::hangup())?,
            reloads,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupt.recv() => Wish::Stop("SIGINT"),
            _ = self.terminate.recv() => Wish::Stop("SIGTERM"),
            _ = self.hang_up.recv() => if self.reloads { Wish::Reload } else { Wish::Stop("SIGHUP") },
        }
    }

    /// Waits for the next one that asks to stop, and says its name.
    pub(crate) async fn next_stop(&mut self) -> &'static str {
        loop {
            if let Wish::Stop(name) = self.next().await {
                return name;
            }
        }
    }
}
