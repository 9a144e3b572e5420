//! Why the server did not start, or did not end well: one line each, which names the fix.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What went wrong. Its text is for the person who started the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be read.
    #[error("`{0}` is no address: use IP:PORT, for example --addr 127.0.0.1:8080")]
    BadAddress(String),
    /// The address is not a loopback address.
    #[error(
        "{0} can be reached from other machines, and this version has no TLS and no accounts yet: \
         it serves loopback only (--addr 127.0.0.1:{port}); from another machine, use it through \
         ssh -L {port}:127.0.0.1:{port} HOST", port = .0.port()
    )]
    NotLoopback(SocketAddr),
    /// Somebody else listens there.
    #[error("{0} is in use by another program: choose another port, or --addr 127.0.0.1:0 for any")]
    AddressInUse(SocketAddr),
    /// The port is a privileged one.
    #[error("this user may not listen on {0}: choose a port above 1023 with --addr")]
    AddressForbidden(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another one with --addr")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The limit of a message's size is out of range.
    #[error("--max-message-bytes must be 1 to {}", crate::MESSAGE_BYTES_LIMIT)]
    MessageBytes,
    /// The log filter cannot be read.
    #[error(
        "`{filter}` is no log filter ({reason}): use for example --log info or --log parlour=debug"
    )]
    BadLogFilter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The data directory cannot be used.
    #[error(
        "cannot use the data directory {}: {source}; make it writable or choose another one with \
         --data DIR", path.display()
    )]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another server has the data directory.
    #[error(
        "another server uses the data directory {}: stop it, or choose another directory with \
         --data DIR", .0.display()
    )]
    DataInUse(PathBuf),
    /// The engine did not start.
    #[error("{0}; check the limits of open files (ulimit -n) and of processes (ulimit -u)")]
    Hub(#[from] parlour::StartError),
    /// The operating system refused what every program gets.
    #[error("the operating system refused {what}: {source}")]
    System {
        /// What was refused.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The engine failed while it ran.
    #[error("the server failed: please report the panic above; start it again to go on")]
    Failed,
    /// A second signal came while the server said goodbye.
    #[error("stopped at once by a second signal; clients were cut off")]
    StoppedAtOnce,
}
