//! From bytes to messages.

use std::ops::Range;

use crate::deflate::Inflater;
use crate::error::ProtocolError;
use crate::header::{Before, Header, Partial};
use crate::mask::unmask;
use crate::message::{Complete, Incoming, Limits, Open, Received};
use crate::opcode::Opcode;
use crate::role::Role;
use crate::utf8::Seam;

/// The receiving side of one connection: RFC 6455, 5 and 8.1. [`new`](Self::new) is a server's,
/// [`client`](Self::client) a client's.
///
/// It owns memory only while a message is spread over several inputs: what has arrived of it, never
/// what is merely announced. A message that lies whole in one input is lent from there.
///
/// ```
/// use parlour_ws::{Incoming, Limits, ProtocolError, Receiver};
///
/// fn echo(receiver: &mut Receiver, mut input: &mut [u8], out: &mut Vec<String>) -> Result<(), ProtocolError> {
///     loop {
///         let received = receiver.receive(&Limits::default(), input)?;
///         let (consumed, done) = (received.consumed, received.item.is_none());
///         if let Some(Incoming::Text(text)) = received.item {
///             out.push(text.to_owned());
///         }
///         input = &mut input[consumed..];
///         if done {
///             return Ok(());
///         }
///     }
/// }
///
/// // RFC 6455, 5.7: a masked "Hello", here over two inputs.
/// let (mut receiver, mut out) = (Receiver::new(), Vec::new());
/// let mut frame = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
/// let (left, right) = frame.split_at_mut(8);
/// echo(&mut receiver, left, &mut out)?;
/// assert!(out.is_empty() && receiver.is_mid_message());
/// echo(&mut receiver, right, &mut out)?;
/// assert_eq!(out, ["Hello"]);
/// # Ok::<(), ProtocolError>(())
/// ```
#[derive(Debug, Default)]
pub struct Receiver {
    /// The open message as far as earlier inputs brought it; after it, a control frame likewise.
    kept: Vec<u8>,
    stage: Stage,
    open: Option<Open>,
    seam: Seam,
    lent: Lent,
    role: Role,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum Stage {
    Header(Partial),
    Payload(Frame),
    /// After a close frame or an error: nothing that follows counts (RFC 6455, 5.5.1 and 7.1.7).
    Ended,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: Opcode,
    last: bool,
    /// Of a control frame: bytes of payload that are in `kept`.
    control_kept: u8,
    /// Turned to the next byte.
    key: [u8; 4],
    /// Bytes of payload still to come.
    left: usize,
}

impl Frame {
    fn ends_message(&self) -> bool {
        self.last && self.left == 0
    }
}

/// What of `kept` the last call has lent out, to be dropped by the next.
#[derive(Debug, Default)]
enum Lent {
    #[default]
    Nothing,
    Everything,
    /// That many bytes at its end.
    Tail(u8),
}

/// Where a complete payload lies.
enum Place {
    Input(Range<usize>),
    Kept(Range<usize>),
}

/// How far a call has come.
struct Progress {
    consumed: usize,
    complete: Option<(Complete, Place)>,
}

impl Progress {
    /// To the end, without an item.
    fn through(input: &[u8]) -> Self {
        Self {
            consumed: input.len(),
            complete: None,
        }
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::Header(Partial::default())
    }
}

impl Receiver {
    /// Of a server, at the start of a connection, right after the handshake: every frame of the
    /// peer must have a mask.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a client, right after the handshake: no frame of the peer may have a mask (RFC 6455, 5.1).
    ///
    /// ```
    /// use parlour_ws::{Incoming, Limits, ProtocolError, Receiver};
    ///
    /// let mut frame = *b"\x81\x05Hello";
    /// let mut receiver = Receiver::client();
    /// let received = receiver.receive(&Limits::default(), &mut frame)?;
    /// assert_eq!(received.item, Some(Incoming::Text("Hello")));
    ///
    /// let mut masked = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    /// let refused = receiver.receive(&Limits::default(), &mut masked);
    /// assert_eq!(refused, Err(ProtocolError::Masked));
    /// # Ok::<(), ProtocolError>(())
    /// ```
    #[must_use]
    pub fn client() -> Self {
        Self {
            role: Role::Client,
            ..Self::default()
        }
    }

    /// Takes bytes from `input`, unmasks them in place and stops after one item.
    ///
    /// Call again with what was not consumed until there is no item: the last call also gives back
    /// the memory of a message that was spread over inputs. `limits` may change between messages.
    ///
    /// # Errors
    ///
    /// What the peer did wrong, at the first byte that shows it. The input is then void, and as
    /// after a close frame all further input is swallowed and gives nothing.
    pub fn receive<'a>(
        &'a mut self,
        limits: &Limits,
        input: &'a mut [u8],
    ) -> Result<Received<'a>, ProtocolError> {
        self.receive_with(limits, None, input)
    }

    /// The same on a connection that has agreed on [compression](crate::deflate). One inflater serves
    /// many connections: a compressed message is lent from it. Whoever begins with this goes on with it.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive), and what cannot be inflated within the limit.
    pub fn receive_inflating<'a>(
        &'a mut self,
        limits: &Limits,
        inflater: &'a mut Inflater,
        input: &'a mut [u8],
    ) -> Result<Received<'a>, ProtocolError> {
        inflater.take_back();
        self.receive_with(limits, Some(inflater), input)
    }

    fn receive_with<'a>(
        &'a mut self,
        limits: &Limits,
        inflater: Option<&'a mut Inflater>,
        input: &'a mut [u8],
    ) -> Result<Received<'a>, ProtocolError> {
        self.take_back();
        match self.advance(limits, inflater.is_some(), input) {
            Ok(Progress { consumed, complete }) => {
                let item = match complete {
                    Some(complete) => Some(self.lend(complete, limits, inflater, input)?),
                    None => None,
                };
                Ok(Received { consumed, item })
            }
            Err(error) => {
                *self = Self {
                    stage: Stage::Ended,
                    role: self.role,
                    ..Self::default()
                };
                Err(error)
            }
        }
    }

    /// Whether a message or a frame has begun and is not complete: if the stream ends here, it was
    /// cut.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        match &self.stage {
            Stage::Header(partial) => self.open.is_some() || !partial.is_empty(),
            Stage::Payload(_) => true,
            Stage::Ended => false,
        }
    }

    /// Whether it is as [`new`](Self::new) makes it: nothing has begun, nothing is kept, and the
    /// stream has not ended. A server may then keep none at all for the connection.
    ///
    /// ```
    /// use parlour_ws::{Limits, ProtocolError, Receiver};
    ///
    /// let mut receiver = Receiver::new();
    /// assert!(receiver.is_idle());
    /// receiver.receive(&Limits::default(), &mut [0x81])?;
    /// assert!(!receiver.is_idle());
    /// # Ok::<(), ProtocolError>(())
    /// ```
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Header(_)) && !self.is_mid_message() && self.kept.is_empty()
    }

    /// Drops what the last call has lent.
    fn take_back(&mut self) {
        match std::mem::take(&mut self.lent) {
            Lent::Nothing => return,
            Lent::Everything => self.kept.clear(),
            Lent::Tail(len) => self.kept.truncate(self.kept.len() - usize::from(len)),
        }
        if self.kept.is_empty() {
            self.kept = Vec::new();
        }
    }

    fn advance(
        &mut self,
        limits: &Limits,
        may_compress: bool,
        input: &mut [u8],
    ) -> Result<Progress, ProtocolError> {
        let mut at = 0;
        // Where this input holds the open message, its fragments moved together.
        let mut run = 0..0;
        loop {
            match &mut self.stage {
                Stage::Ended => return Ok(Progress::through(input)),
                Stage::Header(partial) => {
                    let message_len = self.kept.len() + run.len();
                    let before = Before {
                        role: self.role,
                        open: self.open,
                        message_len,
                        limits,
                        may_compress,
                    };
                    let (used, header) = partial.take(&input[at..], &before)?;
                    at += used;
                    let Some(header) = header else { break };
                    self.begin(&header);
                }
                Stage::Payload(frame) => {
                    let piece = at..at + frame.left.min(input.len() - at);
                    unmask(&mut input[piece.clone()], &mut frame.key);
                    frame.left -= piece.len();
                    at = piece.end;
                    let frame = *frame;
                    let complete = if let Some(open) = self.open
                        && !frame.opcode.is_control()
                    {
                        self.check_text(open, frame, &input[piece.clone()])?;
                        run = join(input, run, piece);
                        self.message(open, frame, input, &run, limits)
                    } else {
                        self.keep(&input[run], limits);
                        run = 0..0;
                        self.control(frame, input, piece, limits)
                    };
                    if complete.is_some() {
                        return Ok(Progress {
                            consumed: at,
                            complete,
                        });
                    }
                    if frame.left > 0 {
                        break;
                    }
                }
            }
        }
        self.keep(&input[run], limits);
        Ok(Progress::through(input))
    }

    fn begin(&mut self, header: &Header) {
        if matches!(header.opcode, Opcode::Text | Opcode::Binary) {
            let text = header.opcode == Opcode::Text;
            self.open = Some(Open {
                text,
                compressed: header.compressed,
            });
        }
        self.stage = Stage::Payload(Frame {
            opcode: header.opcode,
            last: header.last,
            control_kept: 0,
            key: header.key,
            left: header.payload_len,
        });
    }

    /// Looks for bytes that no text can have, in a message that goes on (RFC 6455, 8.1). What ends a
    /// message is left to [`Incoming::message`], which looks at the whole.
    fn check_text(&mut self, open: Open, frame: Frame, piece: &[u8]) -> Result<(), ProtocolError> {
        if !open.is_plain_text() || frame.ends_message() {
            return Ok(());
        }
        self.seam
            .feed(piece)
            .map_err(|_| ProtocolError::TextNotUtf8)
    }

    /// The open message, if `run` completes it.
    fn message(
        &mut self,
        open: Open,
        frame: Frame,
        input: &[u8],
        run: &Range<usize>,
        limits: &Limits,
    ) -> Option<(Complete, Place)> {
        if frame.left == 0 {
            self.stage = Stage::default();
        }
        if !frame.ends_message() {
            return None;
        }
        self.open = None;
        self.seam = Seam::default();
        if self.kept.is_empty() {
            return Some((Complete::Message(open), Place::Input(run.clone())));
        }
        self.keep(&input[run.clone()], limits);
        self.lent = Lent::Everything;
        Some((Complete::Message(open), Place::Kept(0..self.kept.len())))
    }

    /// The control frame, if `piece` completes it.
    fn control(
        &mut self,
        frame: Frame,
        input: &[u8],
        piece: Range<usize>,
        limits: &Limits,
    ) -> Option<(Complete, Place)> {
        if frame.left == 0 && frame.control_kept == 0 {
            self.end_control(frame.opcode);
            return Some((Complete::Control(frame.opcode), Place::Input(piece)));
        }
        let control_kept = frame.control_kept + piece.len() as u8;
        self.keep(&input[piece], limits);
        if frame.left > 0 {
            self.stage = Stage::Payload(Frame {
                control_kept,
                ..frame
            });
            return None;
        }
        self.lent = Lent::Tail(control_kept);
        self.end_control(frame.opcode);
        let end = self.kept.len();
        let place = Place::Kept(end - usize::from(control_kept)..end);
        Some((Complete::Control(frame.opcode), place))
    }

    fn end_control(&mut self, opcode: Opcode) {
        if opcode == Opcode::Close {
            self.open = None;
            self.lent = Lent::Everything;
            self.stage = Stage::Ended;
        } else {
            self.stage = Stage::default();
        }
    }

    /// Adds to what is kept. It grows by doubling, so it is never twice what has arrived, nor (but
    /// for a control frame) over the limit.
    fn keep(&mut self, bytes: &[u8], limits: &Limits) {
        let need = self.kept.len() + bytes.len();
        if need > self.kept.capacity() {
            let is_compressed = self.open.is_some_and(|open| open.compressed);
            let room = (2 * self.kept.capacity())
                .min(limits.wire_bytes_max(is_compressed))
                .max(need);
            self.kept.reserve_exact(room - self.kept.len());
        }
        self.kept.extend_from_slice(bytes);
    }

    fn lend<'a>(
        &'a mut self,
        (complete, place): (Complete, Place),
        limits: &Limits,
        inflater: Option<&'a mut Inflater>,
        input: &'a [u8],
    ) -> Result<Incoming<'a>, ProtocolError> {
        let payload = match place {
            Place::Input(range) => &input[range],
            Place::Kept(range) => &self.kept[range],
        };
        let item = match (complete, inflater) {
            (Complete::Control(opcode), _) => Incoming::control(opcode, payload),
            (Complete::Message(open), _) if !open.compressed => {
                Incoming::message(open.text, payload)
            }
            (Complete::Message(open), Some(inflater)) => inflater
                .inflate(payload, limits.max_message_bytes)
                .and_then(|said| Incoming::message(open.text, said)),
            // It began where it was allowed.
            (Complete::Message(_), None) => Err(ProtocolError::ReservedBit),
        };
        item.inspect_err(|_| self.stage = Stage::Ended)
    }
}

/// Moves `piece` up to the end of `run`, over the headers between them.
fn join(input: &mut [u8], run: Range<usize>, piece: Range<usize>) -> Range<usize> {
    if run.is_empty() {
        return piece;
    }
    let joined = run.start..run.end + piece.len();
    input.copy_within(piece, run.end);
    joined
}

#[cfg(test)]
mod tests;
