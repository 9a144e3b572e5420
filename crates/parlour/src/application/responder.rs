//! Who answers a question, until it has its answer.

use parlour_hub::Answer;

use super::Line;

/// Owes a connection the answer to its question; it is not read before that. When the task that works
/// on it is dropped instead, as with its runtime, the connection ends with 1011.
pub(crate) struct Responder {
    line: Line,
    is_answered: bool,
}

impl Responder {
    pub(super) fn new(line: Line) -> Self {
        Self {
            line,
            is_answered: false,
        }
    }

    /// The connection that has asked.
    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    pub(crate) fn answer(mut self, answer: Answer) {
        self.is_answered = true;
        self.line.answer(answer);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.is_answered {
            tracing::error!("a connection's question was dropped: is its runtime gone?");
            self.line.fail();
        }
    }
}
