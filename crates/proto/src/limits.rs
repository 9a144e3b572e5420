//! Every bound of the engine, in one place, with the relations between them.

use std::time::Duration;

/// The bounds of one hub. Each has a named consequence when it is reached, said on its field.
///
/// ```
/// use parlour_proto::Limits;
/// let small = Limits { message_bytes_max: 512, ..Limits::default() };
/// assert!(small.message_bytes_max < Limits::default().message_bytes_max);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest message in or out, in bytes; over it: close 1009.
    pub message_bytes_max: usize,
    /// Entries that a volatile room keeps; over it: the oldest are trimmed.
    pub log_entries_max: usize,
    /// Bytes that a volatile room keeps, by [`Entry::cost`](crate::Entry::cost), and that one of its
    /// rings keeps; over it: the oldest are trimmed.
    pub log_bytes_max: usize,
    /// Last entries of a room whose ids are known, so that a publish that comes again is not published
    /// again; over it: the oldest ids are forgotten.
    pub ids_per_room_max: usize,
    /// Bytes of all logs and rings of the hub; over it: the largest log is trimmed first.
    pub logs_total_bytes_max: usize,
    /// Rooms of the hub; over it: `too_many_rooms`.
    pub rooms_max: usize,
    /// Rooms of one connection; over it: `too_many_rooms_here`.
    pub rooms_per_connection_max: usize,
    /// Frames of one connection in a second; over it: `rate_limited`. 0 means no limit.
    pub messages_per_second: u32,
    /// Frames that a connection which was quiet may send at once, at least 1; over it: as above.
    pub message_burst: u32,
    /// Users that presence tells by name; a room of more tells only how many there are.
    pub presence_members_max: usize,
    /// How long a room goes on counting its users after the last who asked has gone. Who comes back
    /// in that time costs no new count.
    pub presence_kept: Duration,
    /// Acks, errors, pongs and replays waiting for one connection, in bytes; while it is full that
    /// connection is not read. The answers to one frame may stand over the bound.
    pub private_bytes_max: usize,
    /// Connections of the hub; over it: 503.
    pub connections_max: usize,
    /// How long a volatile room is remembered when nobody is in it; after it: a new epoch.
    pub empty_room_kept: Duration,
    /// Silence after which a connection is pinged.
    pub ping_interval: Duration,
    /// Further silence after which it is closed 1008.
    pub pong_timeout: Duration,
    /// Time without progress of waiting output; after it: close 1008.
    pub slow_reader_timeout: Duration,
    /// Time for the peer to answer a close; after it: the socket is cut.
    pub close_timeout: Duration,
}

/// Bad frames in a row that end a connection with close 1008 (docs/seeds.md, E2).
pub const BAD_FRAMES_MAX: u8 = 10;
/// Rooms that one frame may join or leave; over it: `bad_payload`. It bounds the answers to one
/// frame, and the commands that one frame becomes.
pub const ROOMS_PER_FRAME_MAX: usize = 1_000;
/// Entries of a room that travel to one shard at once; the rest follows when it has taken them.
pub const BATCH_ENTRIES_MAX: usize = 512;
/// Bytes of such a batch, by [`Entry::cost`](crate::Entry::cost); one entry may stand over it.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Commands that one shard has on the way to another; without credit its connections are not read.
pub const COMMANDS_IN_FLIGHT_MAX: u32 = 4096;
/// Payload bytes of publishes that one shard has on the way to another, from frame to answer; without
/// credit its connections are not read. One message may stand over it.
pub const COMMAND_BYTES_IN_FLIGHT_MAX: usize = 4 * 1024 * 1024;
/// Members that one step of a pass sends to, before the shard looks at its sockets and at other rooms
/// again. At some 5 µs for a send, a quiet room waits a sixth of a millisecond for a large one.
pub const PASS_MEMBERS_MAX: usize = 32;
/// Bytes that one step of a pass sends, with the member that stands over them: where entries are sent
/// together, sends are longer.
pub const PASS_BYTES_MAX: usize = 128 * 1024;
/// Members that one step counts or names for presence.
pub const PRESENCE_MEMBERS_MAX: usize = 256;

const _: () = assert!(
    BATCH_BYTES_MAX <= 1 << 20,
    "a batch must fit into the smallest log"
);

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 64 * 1024,
            log_entries_max: 1_000,
            log_bytes_max: 1 << 20,
            ids_per_room_max: 10_000,
            logs_total_bytes_max: 1 << 30,
            rooms_max: 1_000_000,
            rooms_per_connection_max: 1_000,
            messages_per_second: 100,
            message_burst: 500,
            presence_members_max: 500,
            presence_kept: Duration::from_secs(30),
            private_bytes_max: 256 * 1024,
            connections_max: 100_000,
            empty_room_kept: Duration::from_secs(60),
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(20),
            slow_reader_timeout: Duration::from_secs(300),
            close_timeout: Duration::from_secs(5),
        }
    }
}
