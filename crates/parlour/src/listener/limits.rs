//! What a listener bounds, and which of these bounds go together.

use std::time::Duration;

use crate::limits::{
    ACCEPT_PAUSE, ADDRESS_CONNECTIONS_MAX, HANDSHAKE_TIME, HEAD_BYTES_MAX, HTTP_CONNECTIONS_MAX,
    HTTP_SERVED_MAX, NOT_SENT_BYTES, SEND_BUFFER_BYTES, WRITE_TIME,
};
use crate::source::Share;

/// The HTTP library needs as much for its buffer.
const HEAD_BYTES_LEAST: usize = 8 * 1024;
/// More than any client has to say; all connections may have as much at once.
const HEAD_BYTES_MOST: usize = 1024 * 1024;
/// The kernel counts in 32 bits, and takes half of the number.
const SEND_BUFFER_BYTES_MOST: usize = 1024 * 1024 * 1024;
/// What a semaphore counts.
const CONNECTIONS_MOST: usize = 1_000_000;
/// Longer is no bound.
const TIME_MOST: Duration = Duration::from_secs(3_600);

/// The bounds of one [`Listener`](crate::Listener).
///
/// ```
/// use std::time::Duration;
/// use parlour::ListenerLimits;
/// let limits = ListenerLimits {
///     handshake_time: Duration::from_secs(3),
///     ..ListenerLimits::default()
/// };
/// assert!(limits.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Time for the TLS handshake, and then for the head of each request; after it the connection
    /// is cut. 10 s; more than 0 and at most an hour.
    pub handshake_time: Duration,
    /// Bytes of a request's head; over it: 431. 16 KiB; 8 KiB to 1 MiB.
    pub head_bytes_max: usize,
    /// Time in which an HTTP client must take something of what is written to it; after it the
    /// connection is reset. 10 s; more than 0 and at most an hour.
    pub write_time: Duration,
    /// HTTP connections at once, handshakes included; over it the next waits in the kernel's queue.
    /// The loopback addresses may have three quarters of them. 8,192; 1 to
    /// 1,000,000. Sockets that were handed to a hub do not count.
    pub http_connections_max: usize,
    /// How many of these are served at once; over it the next waits with its bytes unread, and who has
    /// been answered meanwhile is closed instead of kept. Who takes longer than a second goes on, and
    /// lets the next one in. One address may have a quarter of them, loopback three quarters. 256; 1
    /// to 1,000,000.
    pub http_served_max: usize,
    /// How many HTTP connections one address (a /64 of IPv6) may have that is not loopback; over it the
    /// connection is closed. 256; at least 1. More than `http_connections_max` is as much as that.
    /// [`Listener::trusted_proxies`](crate::Listener::trusted_proxies) have no such share.
    pub http_connections_per_address: usize,
    /// Memory of the kernel for what one socket has not been sent or has not acknowledged, for HTTP
    /// and afterwards in the hub. 256 KiB; 64 KiB to 1 GiB. The kernel may have a smaller bound.
    pub send_buffer_bytes: usize,
    /// Pause after the process ran out of file handles. 100 ms; more than 0 and at most an hour.
    pub accept_pause: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            handshake_time: HANDSHAKE_TIME,
            head_bytes_max: HEAD_BYTES_MAX,
            write_time: WRITE_TIME,
            http_connections_max: HTTP_CONNECTIONS_MAX,
            http_served_max: HTTP_SERVED_MAX,
            http_connections_per_address: ADDRESS_CONNECTIONS_MAX,
            send_buffer_bytes: SEND_BUFFER_BYTES,
            accept_pause: ACCEPT_PAUSE,
        }
    }
}

/// A bound that makes no sense. The embedder's or the operator's to mend; the text names the field
/// and its range.
///
/// ```
/// use parlour::{ListenerLimits, ListenerLimitsError};
/// let none = ListenerLimits { http_connections_max: 0, ..ListenerLimits::default() };
/// assert!(matches!(none.check(), Err(ListenerLimitsError::Number { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerLimitsError {
    /// A time of nothing, or one that bounds nothing.
    #[error("{field} is {value:?}: set it to more than 0 and at most {}s", TIME_MOST.as_secs())]
    Time {
        /// The field of [`ListenerLimits`].
        field: &'static str,
        /// What it was.
        value: Duration,
    },
    /// A number outside its range.
    #[error("{field} is {value}: set it to {least} or more, and at most {most}")]
    Number {
        /// The field of [`ListenerLimits`].
        field: &'static str,
        /// What it was.
        value: usize,
        /// The least that works.
        least: usize,
        /// The most that works.
        most: usize,
    },
}

impl ListenerLimits {
    /// Whether each bound is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), ListenerLimitsError> {
        time("handshake_time", self.handshake_time)?;
        time("write_time", self.write_time)?;
        time("accept_pause", self.accept_pause)?;
        number(
            "head_bytes_max",
            self.head_bytes_max,
            HEAD_BYTES_LEAST,
            HEAD_BYTES_MOST,
        )?;
        number(
            "http_connections_max",
            self.http_connections_max,
            1,
            CONNECTIONS_MOST,
        )?;
        number("http_served_max", self.http_served_max, 1, CONNECTIONS_MOST)?;
        number(
            "http_connections_per_address",
            self.http_connections_per_address,
            1,
            usize::MAX,
        )?;
        number(
            "send_buffer_bytes",
            self.send_buffer_bytes,
            NOT_SENT_BYTES as usize,
            SEND_BUFFER_BYTES_MOST,
        )
    }

    /// What one source may have of the HTTP connections.
    pub(super) fn share(&self) -> Share {
        Share {
            loopback: (self.http_connections_max / 4 * 3).max(1),
            address: self.http_connections_per_address,
        }
    }
}

fn time(field: &'static str, value: Duration) -> Result<(), ListenerLimitsError> {
    if value.is_zero() || value > TIME_MOST {
        return Err(ListenerLimitsError::Time { field, value });
    }
    Ok(())
}

fn number(
    field: &'static str,
    value: usize,
    least: usize,
    most: usize,
) -> Result<(), ListenerLimitsError> {
    if !(least..=most).contains(&value) {
        return Err(ListenerLimitsError::Number {
            field,
            value,
            least,
            most,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_make_no_sense_are_refused_by_name() {
        let good = ListenerLimits::default();
        assert_eq!(good.check(), Ok(()));
        let zero = Duration::ZERO;
        for (bad, field) in [
            (
                ListenerLimits {
                    handshake_time: zero,
                    ..good
                },
                "handshake_time",
            ),
            (
                ListenerLimits {
                    write_time: 2 * TIME_MOST,
                    ..good
                },
                "write_time",
            ),
            (
                ListenerLimits {
                    accept_pause: zero,
                    ..good
                },
                "accept_pause",
            ),
            (
                ListenerLimits {
                    head_bytes_max: 100,
                    ..good
                },
                "head_bytes_max",
            ),
            (
                ListenerLimits {
                    http_connections_max: 0,
                    ..good
                },
                "http_connections_max",
            ),
            (
                ListenerLimits {
                    http_served_max: 0,
                    ..good
                },
                "http_served_max",
            ),
            (
                ListenerLimits {
                    http_connections_per_address: 0,
                    ..good
                },
                "http_connections_per_address",
            ),
            (
                ListenerLimits {
                    send_buffer_bytes: 4096,
                    ..good
                },
                "send_buffer_bytes",
            ),
        ] {
            let error = bad.check().unwrap_err().to_string();
            assert!(
                error.starts_with(field) && error.contains("set it to"),
                "{error}"
            );
        }
    }
}
