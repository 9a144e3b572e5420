//! What can go wrong in a measurement, and what to do about it.

use std::io;
use std::path::PathBuf;

/// Why a measurement has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
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
    /// The soft limit of open files cannot be raised far enough.
    #[error(
        "{needed} open files are needed, but the hard limit is {hard}: ask for fewer connections, \
         or raise the limit (`ulimit -Hn`, `LimitNOFILE=` of the service)"
    )]
    FileLimit {
        /// Open files this run needs.
        needed: u64,
        /// The hard limit of this process.
        hard: u64,
    },
    /// The server under test could not be started.
    #[error("{program} did not start: {why}")]
    Server {
        /// The program that was started.
        program: PathBuf,
        /// What it said, or what was awaited.
        why: String,
    },
    /// The server refused a ticket.
    #[error("the server gave no ticket: {0}")]
    Ticket(String),
    /// The server refused an upgrade to WebSocket.
    #[error("connection {connection} was not upgraded: {why}")]
    Upgrade {
        /// Number of the connection, in the order in which they were opened.
        connection: usize,
        /// The answer's first line, or what was wrong with it.
        why: String,
    },
    /// The server ended a connection during the run.
    #[error("the server closed connection {connection}: {why}")]
    Closed {
        /// Number of the connection.
        connection: usize,
        /// Close code and reason, or what the socket said.
        why: String,
    },
    /// The server answered with something that is no message.
    #[error(
        "the server answered connection {connection} with {text}: if it limits messages per \
         connection, lift the limit (`--server-arg` hands an option to it) or use more `--publishers`"
    )]
    Refused {
        /// Number of the connection.
        connection: usize,
        /// The first bytes of the frame.
        text: String,
    },
    /// The bytes from the server are no valid frames.
    #[error("connection {connection} got bytes that are no frame of a server: {why}")]
    Frame {
        /// Number of the connection.
        connection: usize,
        /// The rule that was broken.
        why: &'static str,
    },
    /// Messages were lost, doubled or came in the wrong order.
    #[error(
        "DELIVERY IS BROKEN: {missing} missing, {out_of_order} out of order or doubled, {strayed} in \
         the wrong room; first: {first}"
    )]
    Delivery {
        /// Deliveries that were due and did not come.
        missing: u64,
        /// Deliveries that came a second time or after a later one.
        out_of_order: u64,
        /// Deliveries to a connection that is no member of the room.
        strayed: u64,
        /// The first thing that was seen.
        first: String,
    },
    /// Some connections never saw a probe message of their room.
    #[error("{missing} of {members} members saw no message of their room within {seconds} s")]
    Join {
        /// Members without a message.
        missing: usize,
        /// All members.
        members: usize,
        /// How long was waited.
        seconds: u64,
    },
    /// Publishes were not answered.
    #[error("{publishes} publishes were not answered within {seconds} s")]
    Unanswered {
        /// How many.
        publishes: usize,
        /// How long was waited for any of them.
        seconds: u64,
    },
    /// A generator in a process of its own stopped.
    #[error("a generator stopped: {0}")]
    Generator(String),
    /// The server does not let go of connections that have taken leave.
    #[error("{0} connections took leave, and the server does not end them")]
    Unclosed(usize),
    /// Two servers that should do the same work did not.
    #[error("not comparable: {0}")]
    Unequal(String),
}

impl BenchError {
    /// Wraps what the system said with what was tried.
    pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// A connection ended although nobody wanted it to.
    pub(crate) fn closed(connection: usize, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::Closed { connection, why }
    }

    /// A command was refused, in the server's words.
    pub(crate) fn refused(connection: usize, text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&text[..text.len().min(QUOTED)]).into_owned();
        Self::Refused { connection, text }
    }
}

/// Bytes of a refusal that are quoted.
const QUOTED: usize = 300;
