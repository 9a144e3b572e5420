//! Why the server did not start, or did not end well: one line each, which names the fix.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::settings::SettingsError;

/// What went wrong. Its text is for the person who started the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A setting cannot be read, or makes no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A bound of HTTP is out of range; the table of settings knows the ranges, so this is rare.
    #[error(transparent)]
    ListenerLimits(#[from] parlour::ListenerLimitsError),
    /// The certificate or its key cannot be served.
    #[error(transparent)]
    Tls(#[from] parlour::TlsError),
    /// A certificate of its own could not be made or kept.
    #[error(
        "cannot keep a certificate in {}: {source}; make the data directory writable, or give your own \
         with --tls-cert FILE --tls-key FILE", path.display()
    )]
    OwnCertificate {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory of pages cannot be served.
    #[error(
        "cannot serve the pages in {}: {source}; give --web-root a directory that this user can read",
        path.display()
    )]
    WebRoot {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Among the pages would be a file of the server's own.
    #[error(
        "--web-root {} would show everybody {what} {}: choose a directory that holds pages only, or \
         move {what} out of it with {fix}", root.display(), path.display()
    )]
    WebRootHolds {
        /// The directory of pages.
        root: PathBuf,
        /// What the file is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The flag that moves it.
        fix: &'static str,
    },
    /// Two doors have one path; the check of the settings finds that first.
    #[error(transparent)]
    SamePath(#[from] parlour::SamePath),
    /// A file that should hold a secret.
    #[error("--{flag}: {} {reason}", path.display())]
    Token {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do; nothing of what it holds.
        reason: String,
    },
    /// The accounts cannot be opened.
    #[error(transparent)]
    Book(#[from] parlour_accounts::BookError),
    /// The rooms cannot be opened.
    #[error(transparent)]
    Store(#[from] parlour_store_redb::OpenError),
    /// The control socket cannot be bound.
    #[error(transparent)]
    Control(#[from] crate::users::ControlError),
    /// The accounts cannot be read.
    #[error(transparent)]
    Accounts(#[from] parlour::AccountsError),
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
