//! What can go wrong, whose fault it is, and what to do.

use std::time::Duration;

use parlour_proto::RoomName;
use parlour_proto::told::NotTold;
use parlour_ws::ProtocolError;
use parlour_ws::client::OpeningError;

use crate::outbox::OutboxError;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody answers there, or no such host is known.
    #[error("cannot reach {address}: {why}; check the address, and that the server is running")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system says.
        why: String,
    },
    /// The server took too long.
    #[error("{address} did not let us in within {within:?}; it may be busy, or no Parlour server")]
    Timeout {
        /// Where.
        address: String,
        /// How long was waited, [`Config::connect_timeout`](crate::Config::connect_timeout).
        within: Duration,
    },
    /// The TLS handshake failed.
    #[error(
        "no trusted TLS connection to {address}: {why}; a self-signed certificate must be named as the \
         one to trust"
    )]
    Tls {
        /// Where.
        address: String,
        /// What was wrong with it.
        why: String,
    },
    /// The connection broke off before the server's `hello`.
    #[error("the connection to {address} broke off: {why}")]
    Broken {
        /// Where.
        address: String,
        /// How.
        why: String,
    },
    /// The server answered, and does not let this client in.
    #[error("the server refuses: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// For programs, as docs/protocol.md has them; empty if the server gave none.
        code: String,
        /// For people.
        message: String,
        /// After this time it may be different.
        retry_after: Option<Duration>,
    },
    /// The server did not open the WebSocket for the ticket that it gave: it came too late, or to a
    /// server that was started in between. The next attempt has a fresh one.
    #[error("the server does not know the ticket any more: {message}")]
    TicketExpired {
        /// For people.
        message: String,
    },
    /// The file of [`Config::outbox`](crate::Config::outbox) cannot be used; nobody was asked.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What answers there is something else.
    #[error("what answers at {address} is not a Parlour server: {why}; check the address")]
    NotParlour {
        /// Where.
        address: String,
        /// What gave it away.
        why: String,
    },
}

impl ConnectError {
    /// Whether trying again later can help without anybody changing anything: the network's faults
    /// and a server that is busy, but not a wrong password.
    ///
    /// ```
    /// use parlour_client::{Client, Config};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nobody listens there.
    /// let error = Client::connect(Config::new("http://127.0.0.1:1")?).await.err();
    /// assert!(error.is_some_and(|error| error.may_pass()), "somebody may soon");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Tls { .. }
            | Self::Broken { .. }
            | Self::TicketExpired { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::NotParlour { .. } | Self::Outbox(_) => false,
        }
    }

    /// The same for who was connected there before: then something else, or nothing, behind the doors is
    /// a proxy's page or a server that is being replaced, and passes too.
    pub(crate) fn may_pass_again(&self) -> bool {
        let is_away = matches!(
            self,
            Self::NotParlour { .. } | Self::Refused { status: 404, .. }
        );
        is_away || self.may_pass()
    }

    /// The end of a client that was never in.
    pub(crate) fn for_good(&self) -> Ended {
        let code = match self {
            Self::Refused { code, .. } => code.clone(),
            _ => String::new(),
        };
        let message = self.to_string();
        Ended::NeverIn { code, message }
    }

    /// The time after which the server wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Why an open connection ended without being asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The network, or the server's end without a word.
    #[error("the connection broke off: {0}")]
    Broken(String),
    /// Nothing came for too long.
    #[error("the server gave no sign of life")]
    Silent,
    /// Something that was published has no answer for too long.
    #[error("the server did not answer in time")]
    Unanswered,
    /// The server said why it closes.
    #[error("the server closed the connection: {message}")]
    Closed {
        /// The close code (RFC 6455, 7.4), if there was one.
        code: Option<u16>,
        /// For programs: the `why` of the `closing` frame; empty without one.
        why: String,
        /// For people.
        message: String,
        /// After this time coming back helps.
        retry_after: Option<Duration>,
    },
    /// The server broke the WebSocket protocol.
    #[error("the server broke the WebSocket protocol: {0}")]
    Protocol(ProtocolError),
    /// The server sent what no `parlour.v1` has.
    #[error(transparent)]
    NotTold(NotTold),
}

impl Lost {
    /// Whether coming back can help.
    #[must_use]
    pub fn may_come_back(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Silent | Self::Unanswered => true,
            Self::Closed {
                code,
                why,
                retry_after,
                ..
            } => {
                let never = matches!(code, Some(1002 | 1003 | 1007..=1010));
                retry_after.is_some() || (why.is_empty() && !never)
            }
            Self::Protocol(_) | Self::NotTold(_) => false,
        }
    }

    pub(crate) fn is_signed_out(&self) -> bool {
        matches!(self, Self::Closed { why, .. } if why == "signed_out")
    }

    /// The time after which the server wants to be asked again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Closed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Why a client has ended and does not come back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// It was closed by its owner.
    #[error("this client was closed")]
    Closed,
    /// The connection ended in a way that coming back does not mend.
    #[error("{0}")]
    Lost(Lost),
    /// The server did not let it in the first time, and trying again does not help ([`Client::start`](crate::Client::start)).
    #[error("{message}")]
    NeverIn {
        /// For programs, as docs/protocol.md has them; empty if what answered gave none.
        code: String,
        /// For people.
        message: String,
    },
    /// The server does not let it in any more.
    #[error("cannot come back: {0}")]
    Refused(String),
}

/// Why a call was not done, or is not known to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server refused; nothing has changed.
    #[error("{message}")]
    Refused {
        /// For programs, as docs/protocol.md has them.
        code: String,
        /// For people.
        message: String,
        /// After this time the same may succeed.
        retry_after: Option<Duration>,
    },
    /// This client is not in that room.
    #[error("not in the room {0}; join it first")]
    NotInRoom(RoomName),
    /// This client is in that room already.
    #[error("already in the room {0}")]
    AlreadyJoined(RoomName),
    /// The server would close the connection over so large a message; it was not sent.
    #[error("the message makes a frame of {bytes} bytes, the server takes {limit}; send less")]
    TooLarge {
        /// Of the frame.
        bytes: usize,
        /// Of the server.
        limit: u64,
    },
    /// The payload is not JSON, or for a message not one string; it was not sent.
    #[error("the payload is not JSON that a reader takes")]
    BadPayload,
    /// Nobody knows whether it was done. For a publish: the server no longer remembers (docs/protocol.md,
    /// `id_forgotten`), or the client has ended before the answer; sent as another one it may be there twice. For
    /// other calls: no answer came in time.
    #[error(
        "the answer was lost: it is not known whether this was done; look before sending it again"
    )]
    Unknown,
    /// The client has ended before it was delivered. It is in the outbox file, and the next client of that file
    /// and user sends it.
    #[error("not delivered yet; it is kept in the outbox, and sent with the next start")]
    Kept,
    /// The outbox file cannot be written: it was not accepted. What is in the file is kept, and what comes later is
    /// accepted once the file can be written again ([`Event::OutboxMended`](crate::Event::OutboxMended)).
    #[error(
        "the outbox cannot be written: {0}; this was not taken: make place on its disk, or put its directory \
         and its rights in order, and say it again"
    )]
    Outbox(String),
    /// Only guests can change their names.
    #[error("{0} has an account; only guests can change their names")]
    NoGuest(String),
    /// The client has ended; nothing was sent.
    #[error("{0}")]
    Ended(Ended),
}

/// From the handshake's error to one that says where.
pub(crate) fn of_opening(error: &OpeningError, address: &str) -> ConnectError {
    ConnectError::NotParlour {
        address: address.to_owned(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: Option<u16>, why: &str, retry_after: Option<u64>) -> Lost {
        Lost::Closed {
            code,
            why: why.into(),
            message: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn who_may_come_back_follows_the_protocols_table() {
        let back = |lost: Lost| lost.may_come_back();
        assert!(back(closed(Some(1001), "going_away", Some(2))));
        assert!(back(closed(Some(1008), "silent", Some(0))));
        assert!(!back(closed(Some(1008), "bad_frames", None)));
        assert!(!back(closed(Some(1008), "signed_out", None)));
        assert!(!back(closed(Some(1009), "too_large", None)));
        // Without a word: a proxy's, or the network's.
        assert!(back(closed(Some(1001), "", None)));
        assert!(back(closed(Some(1011), "", None)));
        assert!(back(closed(None, "", None)));
        assert!(!back(closed(Some(1008), "", None)));
        assert!(back(Lost::Silent) && back(Lost::Broken("reset".into())));
        assert!(!back(Lost::Protocol(ProtocolError::Masked)));
    }
}
