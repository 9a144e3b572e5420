//! What the doors count: everything that has a bound, and everybody who was turned away.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What the doors have counted since they were made; see [`Doors::counts`](crate::Doors::counts).
        ///
        /// ```
        /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// use parlour::{Doors, DoorCounts, Hub, HubConfig};
        /// let hub = Hub::start(HubConfig::default())?;
        /// let doors = Doors::new(&hub, "127.0.0.1:8080".parse()?);
        /// assert_eq!(doors.counts(), DoorCounts::default(), "nobody has come yet");
        /// # Ok(()) }
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct DoorCounts {
            $($(#[$doc])* pub $name: u64,)*
            /// What became of tickets.
            pub tickets: TicketCounts,
        }

        /// The counters behind [`DoorCounts`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter,)* }

        impl Counters {
            pub(crate) fn with(&self, tickets: TicketCounts) -> DoorCounts {
                DoorCounts { $($name: self.$name.0.load(Relaxed),)* tickets }
            }
        }
    };
}

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// What became of tickets.
///
/// ```
/// use parlour::TicketCounts;
/// let counts = TicketCounts::default();
/// assert_eq!(counts.issued, counts.spent + counts.expired + counts.revoked + counts.outstanding);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TicketCounts {
    /// Neither used nor ended now.
    pub outstanding: u64,
    /// Given out.
    pub issued: u64,
    /// Not given out: there were too many, in all or of one address.
    pub refused: u64,
    /// Used.
    pub spent: u64,
    /// Ended unused by their time.
    pub expired: u64,
    /// Ended unused with their session.
    pub revoked: u64,
}

counts! {
    /// Sign-ins with the right password.
    logins,
    /// Sign-ins with an unknown name or a wrong password.
    logins_failed,
    /// Sign-ins that were not looked at: too many of their address or for their name.
    logins_limited,
    /// Sign-ins that were not looked at: too many passwords were being checked.
    logins_busy,
    /// Sessions that were ended by `POST /logout`.
    logouts,
    /// Requests with a session that is unknown or has ended.
    bad_sessions,
    /// Requests without a session where guests are not let in.
    guests_refused,
    /// POSTs of a page of another site, or without an origin where one is asked for.
    foreign_posts,
    /// POSTs whose body is too large.
    bodies_too_large,
    /// POSTs whose body did not come in time.
    bodies_too_slow,
    /// POSTs that were wrong in another way: method, type, JSON, names.
    bad_requests,
    /// Requests that could not be served, as accounts or random bytes were not there.
    unavailable,
    /// Connections that were let in.
    handshakes,
    /// Handshakes that are none, or offer only subprotocols that are not spoken.
    handshakes_malformed,
    /// Handshakes without a ticket, or with one that is unknown, used, too old or taken back.
    handshakes_without_ticket,
    /// Handshakes of a page of another site, or without an origin where one is asked for.
    handshakes_foreign,
    /// Handshakes of who may come in from this machine only.
    handshakes_not_local,
    /// Handshakes that the application's policy, or its set-up of a connection, does not allow.
    handshakes_not_allowed,
    /// Handshakes for a room whose name breaks a rule.
    handshakes_bad_room,
    /// Handshakes of an address that has as many connections as it may have.
    handshakes_address_full,
    /// Handshakes when the server had as many connections as it may have.
    handshakes_server_full,
    /// Handshakes while the server was going away.
    handshakes_going_away,
    /// Handshakes that could not be served: no such dialect, no random bytes, no HTTP/1.1.
    handshakes_failed,
    /// Entries that were published over HTTP.
    publishes,
    /// Entries that were published over HTTP and refused.
    publishes_refused,
    /// Pages of rooms' logs that were given over HTTP.
    pages,
    /// Pages that were asked for over HTTP and refused.
    pages_refused,
    /// Requests that lacked the operator's token, or the one for publishing.
    bad_tokens,
}
