//! The frame of a message, made once; only its tag changes, and its room and id where it has them.

use crate::BenchError;
use crate::dialect::Dialect;
use crate::events::{SEND_MESSAGE_HEAD, SEND_MESSAGE_TAIL};
use crate::frame::{self, TEXT};
use crate::generator::receiver::Receiver;
use crate::generator::{ROOM_DIGITS, room_digits, room_name};
use crate::tag::{self, Tag};
use crate::v1::{PUBLISH_HEAD, PUBLISH_ID, PUBLISH_PAYLOAD, PUBLISH_TAIL};

/// Longest text of a message, in bytes; a server with default limits takes frames of 64 KiB.
pub(crate) const MAX_TEXT: usize = 64 * 1024 - 256;
/// Bytes of an id: what it is for, then 16 hexadecimal digits.
const ID: usize = 17;
/// What ids of counted messages begin with; then come publisher and count.
const MESSAGE: u8 = b'm';
/// What ids of probes begin with; then comes the instant.
const PROBE: u8 = b'p';

pub(crate) struct Template {
    frame: Vec<u8>,
    /// Where the payload begins in the frame.
    payload_at: usize,
    /// Where the tag stands in the payload.
    tag_at: usize,
    /// Where the room's number and the id stand in the payload, if they do.
    address: Option<(usize, usize)>,
}

impl Template {
    /// Messages with `text` bytes of text.
    pub(crate) fn new(dialect: Dialect, run: u32, text: usize) -> Result<Self, BenchError> {
        if !(tag::LENGTH..=MAX_TEXT).contains(&text) {
            return Err(BenchError::Options(format!(
                "--payload {text}: it must be {} (room for the tag) to {MAX_TEXT} bytes",
                tag::LENGTH
            )));
        }
        let text = vec![b'.'; text];
        let room = room_name(run, 0);
        let (head, tail) = match dialect {
            Dialect::Events => (SEND_MESSAGE_HEAD.to_vec(), SEND_MESSAGE_TAIL),
            Dialect::V1 => {
                let id = [b'0'; ID];
                let parts = [PUBLISH_HEAD, room.as_bytes(), PUBLISH_ID, &id];
                let head = [&parts.concat()[..], PUBLISH_PAYLOAD].concat();
                (head, PUBLISH_TAIL)
            }
        };
        let address = (dialect == Dialect::V1).then(|| {
            let behind_room = PUBLISH_HEAD.len() + room.len();
            (behind_room - ROOM_DIGITS, behind_room + PUBLISH_ID.len())
        });
        let mut frame = Vec::new();
        frame::push_masked(&mut frame, TEXT, &[&head, &text, tail]);
        let payload_at = frame.len() - head.len() - text.len() - tail.len();
        Ok(Self {
            frame,
            payload_at,
            tag_at: head.len(),
            address,
        })
    }

    /// The next message of `publisher` in its room, entered into the ledger.
    pub(crate) fn message(
        &mut self,
        receiver: &mut Receiver,
        publisher: usize,
        room: usize,
        sent: u64,
    ) -> &[u8] {
        let count = receiver.ledger.publish(publisher);
        let tag = Tag {
            sent,
            run: receiver.run,
            publisher: publisher as u32,
            count,
        };
        self.tagged(tag, room, MESSAGE)
    }

    /// A message that only shows that its readers are members.
    pub(crate) fn probe(&mut self, receiver: &Receiver, publisher: usize, room: usize) -> &[u8] {
        let tag = Tag {
            sent: receiver.now(),
            run: receiver.probes(),
            publisher: publisher as u32,
            count: 0,
        };
        self.tagged(tag, room, PROBE)
    }

    fn tagged(&mut self, tag: Tag, room: usize, purpose: u8) -> &[u8] {
        let text = tag.encode();
        self.put(self.tag_at, &text);
        if let Some((room_at, id_at)) = self.address {
            self.put(room_at, &room_digits(room));
            // The same id twice would be published once.
            let digits = match purpose {
                PROBE => &text[..16],
                _ => &text[24..],
            };
            self.put(id_at, &[purpose]);
            self.put(id_at + 1, digits);
        }
        &self.frame
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        let start = self.payload_at + at;
        let place = &mut self.frame[start..start + bytes.len()];
        place.copy_from_slice(bytes);
        frame::mask_at(place, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Heard;

    const TAG: Tag = Tag {
        sent: 77,
        run: 1,
        publisher: 2,
        count: 3,
    };

    fn payload(template: &mut Template, tag: Tag, room: usize, purpose: u8) -> Vec<u8> {
        let mut wire = template.tagged(tag, room, purpose).to_vec();
        let read = frame::split_masked(&mut wire).unwrap().unwrap();
        read.payload.to_vec()
    }

    #[test]
    fn a_server_reads_the_tag_in_its_place() {
        for dialect in Dialect::ALL {
            for text in [tag::LENGTH, 64, 500, MAX_TEXT] {
                let mut template = Template::new(dialect, 1, text).unwrap();
                let payload = payload(&mut template, TAG, 0, MESSAGE);
                assert!(serde_json::from_slice::<serde_json::Value>(&payload).is_ok());
                let Some(Heard::Publish(said)) = dialect.hear(&payload) else {
                    panic!("{}", String::from_utf8_lossy(&payload))
                };
                assert_eq!(said.text.len(), text);
                assert_eq!(Tag::decode(said.text.first_chunk().unwrap()), TAG);
            }
        }
        for wrong in [tag::LENGTH - 1, MAX_TEXT + 1] {
            assert!(Template::new(Dialect::Events, 1, wrong).is_err());
        }
    }

    #[test]
    fn each_message_names_its_room_and_has_an_id_of_its_own() {
        let mut template = Template::new(Dialect::V1, 0xabc, 64).unwrap();
        let mut fields = |tag: Tag, room, purpose| {
            let payload = payload(&mut template, tag, room, purpose);
            let read: serde_json::Value = serde_json::from_slice(&payload).unwrap();
            [&read["room"], &read["id"]].map(|field| field.as_str().unwrap().to_owned())
        };
        let next = Tag { count: 4, ..TAG };
        let seen = [
            fields(TAG, 0, MESSAGE),
            fields(next, 912, MESSAGE),
            fields(TAG, 0, PROBE),
        ];
        assert_eq!(seen[0], ["bench-00000abc-0000000", "m0000000200000003"]);
        assert_eq!(seen[1], ["bench-00000abc-0000912", "m0000000200000004"]);
        assert_eq!(seen[2], ["bench-00000abc-0000000", "p000000000000004d"]);
    }
}
