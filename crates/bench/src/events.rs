//! The events dialect as constant text: neither the generator nor the baseline parses JSON.
//!
//! A frame is a head, the text of the message, and a tail. The heads have a fixed length, so the
//! text starts at a fixed offset.

/// What stands before the text of a message that a member is sent.
pub const NEW_MESSAGE_HEAD: &[u8] = br#"{"type":"new_message","payload":{"message":""#;

/// What stands after it, with a name and an instant of the usual lengths.
pub const NEW_MESSAGE_TAIL: &[u8] =
    br#"","from":"guest-raw000","sent":"2026-01-01T00:00:00.000000000Z"}}"#;

/// What stands before the text of a message that a client sends.
pub const SEND_MESSAGE_HEAD: &[u8] = br#"{"type":"send_message","payload":{"message":""#;

/// What stands after it.
pub const SEND_MESSAGE_TAIL: &[u8] = br#"","from":""}}"#;

/// What stands before the name of the room to move to.
pub const CHANGE_ROOM_HEAD: &[u8] = br#"{"type":"change_room","payload":{"name":""#;

/// What stands after it.
pub const CHANGE_ROOM_TAIL: &[u8] = br#""}}"#;

/// The text between a head and a tail, if `payload` has both.
///
/// The tail is known by its length only, which is enough for frames of a known sender.
///
/// ```
/// use parlour_bench::events::{CHANGE_ROOM_HEAD, CHANGE_ROOM_TAIL, text_between};
/// let payload = br#"{"type":"change_room","payload":{"name":"tea"}}"#;
/// assert_eq!(text_between(payload, CHANGE_ROOM_HEAD, CHANGE_ROOM_TAIL.len()), Some(&b"tea"[..]));
/// ```
#[must_use]
pub fn text_between<'a>(payload: &'a [u8], head: &[u8], tail_length: usize) -> Option<&'a [u8]> {
    let text = payload.strip_prefix(head)?;
    text.get(..text.len().checked_sub(tail_length)?)
}
