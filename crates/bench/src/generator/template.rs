//! The frame of a message, made once; only its tag changes.

use crate::BenchError;
use crate::events::{SEND_MESSAGE_HEAD, SEND_MESSAGE_TAIL};
use crate::frame::{self, TEXT};
use crate::generator::receiver::Receiver;
use crate::tag::{self, Tag};

/// Longest text of a message, in bytes; a server with default limits takes frames of 64 KiB.
pub(crate) const MAX_TEXT: usize = 64 * 1024 - 256;

pub(crate) struct Template {
    frame: Vec<u8>,
    tag_at: usize,
}

impl Template {
    /// Messages with `text` bytes of text.
    pub(crate) fn new(text: usize) -> Result<Self, BenchError> {
        if !(tag::LENGTH..=MAX_TEXT).contains(&text) {
            return Err(BenchError::Options(format!(
                "--payload {text}: it must be {} (room for the tag) to {MAX_TEXT} bytes",
                tag::LENGTH
            )));
        }
        let mut frame = Vec::new();
        let text = vec![b'.'; text];
        frame::push_masked(
            &mut frame,
            TEXT,
            &[SEND_MESSAGE_HEAD, &text, SEND_MESSAGE_TAIL],
        );
        let payload = SEND_MESSAGE_HEAD.len() + text.len() + SEND_MESSAGE_TAIL.len();
        let tag_at = frame.len() - payload + SEND_MESSAGE_HEAD.len();
        Ok(Self { frame, tag_at })
    }

    /// The next message of `publisher`, entered into the ledger.
    pub(crate) fn message(
        &mut self,
        receiver: &mut Receiver,
        publisher: usize,
        sent: u64,
    ) -> &[u8] {
        let count = receiver.ledger.publish(publisher);
        self.tagged(Tag {
            sent,
            run: receiver.run,
            publisher: publisher as u32,
            count,
        })
    }

    /// A message that only shows that its readers are members.
    pub(crate) fn probe(&mut self, receiver: &Receiver, publisher: usize) -> &[u8] {
        let run = receiver.probes();
        self.tagged(Tag {
            sent: receiver.now(),
            run,
            publisher: publisher as u32,
            count: 0,
        })
    }

    fn tagged(&mut self, tag: Tag) -> &[u8] {
        let mut text = tag.encode();
        frame::mask_at(&mut text, SEND_MESSAGE_HEAD.len());
        self.frame[self.tag_at..self.tag_at + tag::LENGTH].copy_from_slice(&text);
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::text_between;

    #[test]
    fn a_server_reads_the_tag_in_its_place() {
        let tag = Tag {
            sent: 77,
            run: 1,
            publisher: 2,
            count: 3,
        };
        for text in [tag::LENGTH, 64, 500, MAX_TEXT] {
            let mut wire = Template::new(text).unwrap().tagged(tag).to_vec();
            let payload = frame::split_masked(&mut wire).unwrap().unwrap().payload;
            let read = text_between(payload, SEND_MESSAGE_HEAD, SEND_MESSAGE_TAIL.len()).unwrap();
            assert_eq!(read.len(), text);
            assert_eq!(Tag::decode(read.first_chunk().unwrap()), tag);
            assert!(payload.ends_with(SEND_MESSAGE_TAIL));
        }
        assert!(Template::new(tag::LENGTH - 1).is_err());
        assert!(Template::new(MAX_TEXT + 1).is_err());
    }
}
