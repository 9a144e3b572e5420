//! What is on the way to one other shard (or to this one itself).

use parlour_proto::{COMMAND_BYTES_IN_FLIGHT_MAX, COMMANDS_IN_FLIGHT_MAX, ROOMS_PER_FRAME_MAX};

use crate::letter::{Body, Letter};

/// Letters for one shard, and the credit for commands to it, in number and in bytes.
#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(crate) out: Vec<Letter>,
    /// Commands sent and not yet answered.
    in_flight: Load,
    /// Commands of the other side that were answered and not yet reported.
    answered: Load,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    commands: u32,
    bytes: usize,
}

/// One frame may ask for as many commands on one link: to follow each of its rooms.
const COMMANDS_PER_FRAME: u32 = ROOMS_PER_FRAME_MAX as u32;

const _: () = assert!(COMMANDS_PER_FRAME < COMMANDS_IN_FLIGHT_MAX);

impl Link {
    /// Whether any frame's commands may go.
    pub(crate) fn has_credit(&self) -> bool {
        self.credit_left() > 0
    }

    /// How many more may go. One message may stand over the bytes.
    pub(crate) fn credit_left(&self) -> u32 {
        if self.in_flight.bytes >= COMMAND_BYTES_IN_FLIGHT_MAX {
            return 0;
        }
        COMMANDS_IN_FLIGHT_MAX.saturating_sub(self.in_flight.commands + COMMANDS_PER_FRAME - 1)
    }

    pub(crate) fn command(&mut self, body: Body) {
        self.in_flight.commands += 1;
        if let Body::Publish { draft, .. } = &body {
            self.in_flight.bytes += draft.payload.len();
        }
        self.out.push(Letter(body));
    }

    /// The answer to a command; to a publish, with the bytes of its payload.
    pub(crate) fn answer(&mut self, body: Body, bytes: usize) {
        self.answer_silently();
        self.answered.bytes += bytes;
        self.out.push(Letter(body));
    }

    /// A publish that needs no words in answer.
    pub(crate) fn answer_publish_silently(&mut self, bytes: usize) {
        self.answer_silently();
        self.answered.bytes += bytes;
    }

    /// A command that needs no words in answer.
    pub(crate) fn answer_silently(&mut self) {
        self.answered.commands += 1;
    }

    pub(crate) fn tell(&mut self, body: Body) {
        self.out.push(Letter(body));
    }

    pub(crate) fn credit(&mut self, commands: u32, bytes: usize) {
        self.in_flight.commands = self.in_flight.commands.saturating_sub(commands);
        self.in_flight.bytes = self.in_flight.bytes.saturating_sub(bytes);
    }

    /// Reports the answered commands, once for all.
    pub(crate) fn report(&mut self) {
        let Load { commands, bytes } = std::mem::take(&mut self.answered);
        if commands > 0 {
            self.out.push(Letter(Body::Answered { commands, bytes }));
        }
    }
}
