//! What happens because time has passed, and because memory is bounded.

use std::time::Duration;

use parlour_proto::{CloseReason, Limits};

use super::Shard;
use crate::connection::State;
use crate::life::Tick;
use crate::sockets::Sockets;
use crate::store::Store;
use crate::weights::Holder;

/// Logs and rings that one turn trims at most.
const TRIMS_PER_TURN: usize = 16;

/// Nothing is ever due of a local connection, but every one is looked at sometimes.
const LOCAL_LOOK: Duration = Duration::from_secs(24 * 60 * 60);

/// What a connection that is due needs.
enum Due {
    Nothing { next: Tick },
    Ping { next: Tick },
    Close(CloseReason),
    Cut,
}

impl<S: Store> Shard<S> {
    pub(super) fn check_deadlines(&mut self, sockets: &mut impl Sockets) {
        self.forget_empty_rooms();
        for index in self.lives.take_due(self.tick) {
            self.reconsider_limited(index);
            match self.what_is_due(index) {
                Due::Nothing { next } => self.lives.due_by(index, next),
                Due::Ping { next } => {
                    self.ping(index);
                    self.lives.due_by(index, next);
                }
                // Sets the next due time itself.
                Due::Close(reason) => self.begin_close(index, reason),
                Due::Cut => self.cut(index, sockets),
            }
        }
    }

    fn what_is_due(&self, index: u32) -> Due {
        let Limits {
            ping_interval,
            pong_timeout,
            slow_reader_timeout,
            close_timeout,
            ..
        } = *self.limits;
        let Some(connection) = self.connections.at(index) else {
            return Due::Cut;
        };
        let (now, heard) = (self.tick, self.lives.heard(index));
        let unless = |at: Tick, due: Due| {
            if now >= at {
                due
            } else {
                Due::Nothing { next: at }
            }
        };
        match connection.state {
            State::Finished => unless(connection.progress.after(close_timeout), Due::Cut),
            // Its close frame waits behind output that does not move: it has the slow reader's time,
            // which who is in this process does not have.
            State::Closing { reason }
                if connection.blocked && reason != CloseReason::Stuck && !connection.is_local =>
            {
                unless(connection.progress.after(slow_reader_timeout), Due::Cut)
            }
            State::Closing { .. } => unless(connection.progress.after(close_timeout), Due::Cut),
            State::Open if connection.is_local => Due::Nothing {
                next: now.after(LOCAL_LOOK),
            },
            State::Open if connection.blocked => {
                let stuck = connection.progress.after(slow_reader_timeout);
                unless(stuck, Due::Close(CloseReason::Stuck))
            }
            // Its silence is ours: nothing of it is read.
            State::Open if connection.paused.is_some() => Due::Nothing {
                next: now.after(ping_interval),
            },
            State::Open => {
                let silent = heard.after(ping_interval);
                let dead = silent.after(pong_timeout);
                if connection.pinged {
                    unless(dead, Due::Close(CloseReason::Silent))
                } else {
                    unless(
                        silent,
                        Due::Ping {
                            next: now.after(pong_timeout),
                        },
                    )
                }
            }
        }
    }

    fn ping(&mut self, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        connection.pinged = true;
        let framing = &self.wires[usize::from(connection.wire.0)].framing;
        framing.ping(b"", connection.private.out());
        self.queue_flush(index);
    }

    fn cut(&mut self, index: u32, sockets: &mut impl Sockets) {
        self.leave_all(index);
        if let Some(connection) = self.connections.at_mut(index) {
            connection.state = State::Finished;
            sockets.cut(index);
        }
    }

    /// Over this shard's share of memory the largest log (or ring) is trimmed first.
    pub(super) fn keep_within_bounds(&mut self) {
        let share = self.limits.logs_total_bytes_max / usize::from(self.shards);
        if self.weights.total() <= share {
            return;
        }
        for holder in self.weights.heaviest(TRIMS_PER_TURN) {
            if self.weights.total() <= share {
                return;
            }
            match holder {
                Holder::Log(index) => self.halve_log(index),
                Holder::Rings(index) => self.halve_rings(index),
            }
        }
    }

    fn halve_log(&mut self, index: u32) {
        let Some(key) = self.homes.key_at(index) else {
            return;
        };
        if let Some(home) = self.homes.get_mut(key) {
            home.halve();
        }
        self.weigh_log(key);
    }

    fn halve_rings(&mut self, index: u32) {
        let Some(key) = self.views.key_at(index) else {
            return;
        };
        let rings = self.views.get(key).map_or(0, |view| view.rings.len());
        for place in 0..rings {
            let Some(view) = self.views.get(key) else {
                return;
            };
            let bytes = view.ring(place as u8).len_bytes();
            self.trim_ring(key, place as u8, usize::MAX, bytes / 2);
            if let Some(view) = self.views.get_mut(key) {
                view.ring_mut(place as u8).shrink();
            }
        }
        self.weigh(key);
    }
}
