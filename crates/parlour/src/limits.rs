//! The bounds of this crate, beside those of the engine in [`parlour_proto::Limits`].

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::source::Share;

/// How long a ticket lets its holder in.
pub(crate) const TICKET_LIFETIME: Duration = Duration::from_secs(5);
/// Tickets that are neither used nor ended; over it: 429.
pub(crate) const TICKETS_OUTSTANDING_MAX: usize = 10_000;
/// How many of these one source may have; over it: 429.
pub(crate) const TICKET_SHARE: Share = Share {
    loopback: TICKETS_OUTSTANDING_MAX / 4 * 3,
    address: 256,
};
/// Body of a request; over it: 413.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024;
/// Head of a request; over it: 431.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Time for the head of a request, for its body, and for its upgrade; after it: cut, 408, cut.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Time in which an HTTP client must take something of what is written to it; after it: reset.
pub(crate) const WRITE_TIME: Duration = Duration::from_secs(10);
/// HTTP connections that are served at once; over it: the next waits in the kernel's queue.
pub(crate) const HTTP_CONNECTIONS_MAX: usize = 8_192;
/// How many of these are served at once; over it: the next waits unread, in the order of arrival.
pub(crate) const HTTP_SERVED_MAX: usize = 256;
/// How long a connection may keep such a place to itself while others wait; after it: it goes on, and
/// the next one too. Long for a request that is there, short for who dawdles.
pub(crate) const HTTP_PLACE_TIME: Duration = Duration::from_secs(1);
/// Pause after the process ran out of file handles.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections from one loopback address; over it: 429.
pub(crate) const LOOPBACK_CONNECTIONS_MAX: usize = 20_000;
/// Connections from one other address; over it: 429.
pub(crate) const ADDRESS_CONNECTIONS_MAX: usize = 256;
/// How many connections one source may have, unless the doors are given other numbers.
pub(crate) const CONNECTION_SHARE: Share = Share {
    loopback: LOOPBACK_CONNECTIONS_MAX,
    address: ADDRESS_CONNECTIONS_MAX,
};
/// What a refused client is told to wait.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Bytes that one read takes in, the same buffer for all connections of a shard. A connection that
/// the hub does not read keeps at most as many unread bytes.
pub(crate) const SCRATCH_BYTES: usize = 64 * 1024;
/// Readiness that one turn of a shard looks at.
pub(crate) const EVENTS_MAX: usize = 256;
/// Memory of the kernel for what one connection has not been sent or has not acknowledged. The
/// kernel counts its own records too, and doubles the number it is given for them.
pub(crate) const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Bytes that may wait in the kernel before they are sent; the rest waits as a cursor in the log,
/// where it costs nothing.
pub(crate) const NOT_SENT_BYTES: u32 = 64 * 1024;
/// Bytes that wait in a pipe each way; over it: blocked, like a socket.
pub(crate) const PIPE_BYTES_MAX: usize = 64 * 1024;
/// Bytes that one read of a stream without a socket takes in, on the stack of its task.
pub(crate) const PUMP_BYTES: usize = 8 * 1024;
/// Time in which such a stream must take what was sent before the end of its connection, whose place
/// it keeps; after it: dropped.
pub(crate) const LAST_WORDS_TIME: Duration = Duration::from_secs(10);
/// Things that are kept for a session in this process while it waits for an answer; over it: its
/// entries become gaps.
pub(crate) const SESSION_EVENTS_MAX: usize = 1_024;
/// Bytes of their payloads and lists of users; over it: as above.
pub(crate) const SESSION_BYTES_MAX: usize = 1 << 20;
/// What a subscription of a topic keeps unless it says otherwise; over it: it is told what it missed.
pub(crate) const TOPIC_BUFFER: NonZeroUsize = NonZeroUsize::new(1_024).expect("it is not 0");
/// Own publishes of a topic that no subscriber was given yet; over it: they wait.
pub(crate) const TOPIC_PUBLISHES: NonZeroUsize = NonZeroUsize::new(256).expect("it is not 0");
/// The most that it may be set to: as many as a hub takes of its application at once.
pub(crate) const TOPIC_PUBLISHES_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("it is not 0");
/// Tasks of one async handler of a topic; over it: it is told what it missed.
pub(crate) const TOPIC_TASKS_MAX: usize = 1_024;

const _: () = assert!(NOT_SENT_BYTES as usize <= SEND_BUFFER_BYTES);
