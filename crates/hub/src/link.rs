//! What is on the way to one other shard (or to this one itself).

use parlour_proto::COMMANDS_IN_FLIGHT_MAX;

use crate::letter::{Body, Letter};

/// Letters for one shard, and the credit for commands to it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(crate) out: Vec<Letter>,
    /// Commands sent and not yet answered.
    in_flight: u32,
    /// Commands of the other side that were answered and not yet reported.
    answered: u32,
}

/// One frame may ask for as many commands on one link: follow a room and leave another.
const COMMANDS_PER_FRAME: u32 = 2;

impl Link {
    /// Whether any frame's commands may go.
    pub(crate) fn has_credit(&self) -> bool {
        self.in_flight + COMMANDS_PER_FRAME <= COMMANDS_IN_FLIGHT_MAX
    }

    pub(crate) fn command(&mut self, body: Body) {
        self.in_flight += 1;
        self.out.push(Letter(body));
    }

    pub(crate) fn answer(&mut self, body: Body) {
        self.answered += 1;
        self.out.push(Letter(body));
    }

    /// A command that needs no words in answer.
    pub(crate) fn answer_silently(&mut self) {
        self.answered += 1;
    }

    pub(crate) fn tell(&mut self, body: Body) {
        self.out.push(Letter(body));
    }

    pub(crate) fn credit(&mut self, commands: u32) {
        self.in_flight = self.in_flight.saturating_sub(commands);
    }

    /// Reports the answered commands, once for all.
    pub(crate) fn report(&mut self) {
        let commands = std::mem::take(&mut self.answered);
        if commands > 0 {
            self.out.push(Letter(Body::Answered { commands }));
        }
    }
}
