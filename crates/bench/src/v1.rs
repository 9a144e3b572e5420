//! The words of `parlour.v1` (docs/protocol.md) as constant text, as far as they are measured.
//!
//! A client's frame has one form here, so whoever answers it need not parse JSON. What comes from a
//! server is known by its first bytes; its text is found from the end, because numbers before it
//! have as many digits as they need.

/// What a client offers at the door.
pub const SUBPROTOCOL: &str = "parlour.v1";

/// What stands before the room of a publish.
pub const PUBLISH_HEAD: &[u8] = br#"{"t":"publish","room":""#;
/// Between room and id.
pub const PUBLISH_ID: &[u8] = br#"","id":""#;
/// Between id and text.
pub const PUBLISH_PAYLOAD: &[u8] = br#"","payload":""#;
/// Behind the text.
pub const PUBLISH_TAIL: &[u8] = br#""}"#;

/// What stands before the name of the room to join.
pub const JOIN_HEAD: &[u8] = br#"{"t":"join","rooms":[{"room":""#;
/// Behind it.
pub const JOIN_TAIL: &[u8] = br#""}]}"#;

/// How an entry begins.
pub const ENTRY_HEAD: &[u8] = br#"{"t":"entry","room":""#;
/// What stands behind the text of an entry.
pub const ENTRY_TAIL: &[u8] = br#"","sent":"2026-01-01T00:00:00.000000000Z"}"#;
/// How an acknowledgement begins.
pub const ACK_HEAD: &[u8] = br#"{"t":"ack","room":""#;

/// How a refusal begins.
pub const ERROR_HEAD: &[u8] = br#"{"t":"error""#;
/// How every frame begins.
pub const HEAD: &[u8] = br#"{"t":""#;

/// The epoch of every room of a yardstick.
pub const EPOCH: &str = "0000000000000001";
/// Who speaks in it; as long as a guest's real name.
pub const FROM: &str = "guest-raw000";
