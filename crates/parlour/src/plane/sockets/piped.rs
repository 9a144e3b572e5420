//! The connections of the table that have no socket: beside each of their slots lies a pipe.

use parlour_hub::Sent;

use super::{BLOCKED, Got, PIPE, Slot, Table};
use crate::grow;
use crate::plane::pipe::{Near, Read, Ring};

impl Table {
    pub(super) fn open_pipe(&mut self, index: u32, near: Near) {
        let at = index as usize;
        grow::to_hold(&mut self.pipes, at, || None);
        near.open(index);
        self.pipes[at] = Some(near);
        self.slots[at] = Slot {
            stream: None,
            flags: PIPE,
        };
        self.make_ready(index, false);
    }

    /// Hears what has happened at the far end of a pipe: it is to be read. Who takes bytes again is
    /// to be unblocked. `None`: the pipe is not here any more.
    pub(in crate::plane) fn hear(&mut self, ring: &Ring) -> Option<(u32, bool)> {
        let (index, is_free) = ring.hear()?;
        let pipe = self.pipes.get(index as usize)?.as_ref()?;
        if !pipe.is_of(ring) {
            return None;
        }
        self.make_ready(index, false);
        Some((index, is_free))
    }

    pub(super) fn read_pipe(&mut self, index: u32, scratch: &mut [u8]) -> Got {
        let Some(pipe) = self.pipe(index) else {
            return Got::End;
        };
        match pipe.read(scratch) {
            Read::Bytes(len, more) => {
                if more {
                    self.make_ready(index, false);
                }
                Got::Bytes(len)
            }
            Read::Nothing => Got::Nothing,
            Read::End => Got::End,
        }
    }

    pub(super) fn send_pipe(&mut self, index: u32, bytes: &[u8]) -> Sent {
        let Some(pipe) = self.pipe(index) else {
            return Sent::Gone;
        };
        let Some(taken) = pipe.send(bytes) else {
            self.end(index);
            return Sent::Gone;
        };
        if taken < bytes.len() {
            self.slots[index as usize].flags |= BLOCKED;
        }
        Sent::Bytes(taken)
    }

    pub(super) fn finish_pipe(&mut self, index: u32) {
        if let Some(pipe) = self.pipe(index) {
            pipe.finish();
        }
    }

    pub(super) fn cut_pipe(&mut self, index: u32) {
        if let Some(pipe) = self.pipe(index) {
            pipe.cut();
        }
    }

    /// Whether the tasks at all pipes wait for more.
    #[cfg(feature = "testing")]
    pub(in crate::plane) fn pipes_rest(&self) -> bool {
        self.pipes.iter().flatten().all(Near::is_at_rest)
    }

    fn pipe(&self, index: u32) -> Option<&Near> {
        self.pipes.get(index as usize)?.as_ref()
    }
}

#[cfg(test)]
mod tests;
