//! One WebSocket that speaks `parlour.v1`.

use std::io;
use std::time::Duration;

use parlour_proto::told::{Hello, Told};
use parlour_ws::client::{Opening, OpeningError};
use parlour_ws::{Incoming, Limits, Opcode, Receiver, put_masked_close, put_masked_frame};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout};

use crate::address::Address;
use crate::error::{ConnectError, Lost, of_opening};
use crate::random;
use crate::tls::Stream;

const PROTOCOL: &str = "parlour.v1";
/// Longest message of a server that is taken, in bytes.
const LIMITS: Limits = Limits {
    max_message_bytes: 16 << 20,
};
/// Bytes read at once.
const READ_BYTES: usize = 16_384;
/// With so many bytes unsent nothing is read: a peer that asks for pongs must take them, too.
const OUT_BYTES_MAX: usize = 1 << 20;
/// Written bytes that are kept at most beside those that are not; moving the rest costs less than they.
const WRITTEN_BYTES_MAX: usize = 256 << 10;
/// Largest body of a refusal that is read, in bytes.
const REFUSAL_BYTES_MAX: usize = 16_384;
/// Longest time to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// An open connection.
pub(crate) struct Socket {
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    receiver: Receiver,
    /// What was read; up to `taken` it is done with.
    input: Vec<u8>,
    taken: usize,
    /// What is not written; up to `written` it is.
    out: Vec<u8>,
    written: usize,
    needs_flush: bool,
    last_heard: Instant,
    /// The server's last words, which its close repeats in short.
    closing: Option<Lost>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    message: String,
}

impl Socket {
    /// Opens it with a ticket, and waits for its `hello`. To be bounded in time by the caller.
    pub(crate) async fn open(
        mut stream: Stream,
        address: &Address,
        door: &str,
        ticket: &str,
    ) -> Result<(Self, Hello), ConnectError> {
        let ticket = zeroize::Zeroizing::new(format!("ticket.{ticket}"));
        let opening = Opening {
            host: &address.host_header(),
            target: &address.target(door),
            key: random::bytes(),
            protocols: &[PROTOCOL, &ticket],
            headers: &[],
        };
        let named = address.to_string();
        let broken = |error: io::Error| ConnectError::Broken {
            address: named.clone(),
            why: error.to_string(),
        };
        let request = opening
            .request()
            .map_err(|error| of_opening(&error, &named))?;
        stream.write_all(&request).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut input = Vec::with_capacity(READ_BYTES);
        let opened = loop {
            match opening.check(&input) {
                Ok(Some(opened)) => break opened,
                Ok(None) => {}
                Err(error) => return Err(refusal(error, stream, input, &named).await),
            }
            if stream.read_buf(&mut input).await.map_err(broken)? == 0 {
                return Err(broken(io::ErrorKind::UnexpectedEof.into()));
            }
        };
        if opened.protocol != Some(PROTOCOL) {
            let why = format!("it does not speak {PROTOCOL}");
            return Err(ConnectError::NotParlour {
                address: named,
                why,
            });
        }
        let (reader, writer) = tokio::io::split(stream);
        let mut socket = Self {
            reader,
            writer,
            receiver: Receiver::client(),
            input,
            taken: opened.head_bytes,
            out: Vec::new(),
            written: 0,
            needs_flush: false,
            last_heard: Instant::now(),
            closing: None,
        };
        let hello = socket.hello().await;
        let hello = hello.map_err(|lost| ConnectError::Broken {
            address: named,
            why: lost.to_string(),
        })?;
        Ok((socket, hello))
    }

    async fn hello(&mut self) -> Result<Hello, Lost> {
        loop {
            match self.next()? {
                Some(Told::Hello(hello)) => return Ok(hello),
                Some(_) => {}
                None => self.turn(true).await?,
            }
        }
    }

    /// What the server has told next, of what was read so far.
    pub(crate) fn next(&mut self) -> Result<Option<Told>, Lost> {
        loop {
            let input = &mut self.input[self.taken..];
            let received = match self.receiver.receive(&LIMITS, input) {
                Ok(received) => received,
                Err(error) => {
                    put_masked_close(&mut self.out, error.close_code(), "", random::bytes());
                    return Err(Lost::Protocol(error));
                }
            };
            self.taken += received.consumed;
            match received.item {
                None => {
                    self.input.clear();
                    self.taken = 0;
                    return Ok(None);
                }
                Some(Incoming::Text(text)) => {
                    let told = Told::parse(text).map_err(Lost::NotTold)?;
                    if let Told::Closing {
                        why,
                        message,
                        retry_after,
                    } = told
                    {
                        self.closing = Some(Lost::Closed {
                            code: None,
                            why,
                            message,
                            retry_after,
                        });
                        continue;
                    }
                    return Ok(Some(told));
                }
                Some(Incoming::Ping(payload)) => {
                    let key = random::bytes();
                    put_masked_frame(&mut self.out, Opcode::Pong, payload, key);
                }
                // No word of parlour.v1 is binary.
                Some(Incoming::Binary(_) | Incoming::Pong(_)) => {}
                Some(Incoming::Close(frame)) => {
                    let close = frame.map(|frame| (frame.code, frame.reason.to_owned()));
                    return Err(self.closed(close));
                }
            }
        }
    }

    /// The server's close: answered with its code, and told with its last words.
    fn closed(&mut self, close: Option<(u16, String)>) -> Lost {
        let key = random::bytes();
        match &close {
            Some((code, _)) => put_masked_close(&mut self.out, *code, "", key),
            None => put_masked_frame(&mut self.out, Opcode::Close, b"", key),
        }
        let (code, reason) = close.unzip();
        match self.closing.take() {
            Some(Lost::Closed {
                why,
                message,
                retry_after,
                ..
            }) => Lost::Closed {
                code,
                why,
                message,
                retry_after,
            },
            _ => Lost::Closed {
                code,
                why: String::new(),
                message: reason.filter(|it| !it.is_empty()).unwrap_or_else(|| {
                    code.map_or_else(|| "without a reason".into(), |code| format!("code {code}"))
                }),
                retry_after: None,
            },
        }
    }

    /// Reads some, if it may, or writes some. Nothing is lost if it is dropped.
    pub(crate) async fn turn(&mut self, may_read: bool) -> Result<(), Lost> {
        let has_output = self.written < self.out.len();
        let may_read = may_read && self.out.len() - self.written < OUT_BYTES_MAX;
        self.input.reserve(READ_BYTES);
        let unsent = &self.out[self.written..];
        tokio::select! {
            read = self.reader.read_buf(&mut self.input), if may_read => {
                let count = read.map_err(|error| self.broken(&error))?;
                if count == 0 {
                    return Err(self.broken(&io::ErrorKind::UnexpectedEof.into()));
                }
                self.last_heard = Instant::now();
            }
            written = write(&mut self.writer, unsent), if has_output || self.needs_flush => {
                self.written += written.map_err(|error| self.broken(&error))?;
                // TLS may hold back what it has taken.
                self.needs_flush = has_output;
                forget_written(&mut self.out, &mut self.written);
            }
            else => std::future::pending().await,
        }
        Ok(())
    }

    /// The connection's end without a close; a server that said why is believed.
    fn broken(&mut self, error: &io::Error) -> Lost {
        let broken = || Lost::Broken(error.to_string());
        self.closing.take().unwrap_or_else(broken)
    }

    /// Queues one frame of `parlour.v1`.
    pub(crate) fn send(&mut self, frame: &[u8]) {
        put_masked_frame(&mut self.out, Opcode::Text, frame, random::bytes());
    }

    /// Queues a ping of the WebSocket itself.
    pub(crate) fn ping(&mut self) {
        put_masked_frame(&mut self.out, Opcode::Ping, b"", random::bytes());
    }

    /// Bytes that are queued and not written.
    pub(crate) fn unsent(&self) -> usize {
        self.out.len() - self.written
    }

    /// When something came last.
    pub(crate) fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// Sends what is queued and a close, and hangs up when the server has answered it, or soon.
    pub(crate) async fn close(mut self) {
        put_masked_close(&mut self.out, 1000, "", random::bytes());
        self.end().await;
    }

    /// Sends what is queued, such as the answer to a close, and hangs up soon.
    pub(crate) async fn end(mut self) {
        let goodbye = async {
            while self.turn(true).await.is_ok() {
                self.input.clear();
                self.taken = 0;
            }
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

/// Drops what is written from the front, all of it or when there is much: a peer that never takes the
/// last byte makes it no larger.
fn forget_written(out: &mut Vec<u8>, written: &mut usize) {
    if *written == out.len() || *written >= WRITTEN_BYTES_MAX {
        out.drain(..*written);
        *written = 0;
    }
}

/// Writes some, or else flushes what was written.
async fn write(writer: &mut WriteHalf<Stream>, unsent: &[u8]) -> io::Result<usize> {
    if unsent.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    writer.write(unsent).await
}

/// What the server answered instead of opening, with the words of its body.
async fn refusal(
    error: OpeningError,
    mut stream: Stream,
    mut input: Vec<u8>,
    address: &str,
) -> ConnectError {
    let OpeningError::Refused {
        status,
        retry_after,
        body_bytes,
        head_bytes,
        ref reason,
    } = error
    else {
        return of_opening(&error, address);
    };
    let wanted = head_bytes + body_bytes.unwrap_or(0).min(REFUSAL_BYTES_MAX);
    while input.len() < wanted {
        match stream.read_buf(&mut input).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let body: Option<Refusal> = serde_json::from_slice(&input[head_bytes..]).ok();
    let (code, message) = match body {
        Some(Refusal { error, message }) => (error, message),
        None if status < 400 || status == 404 => return of_opening(&error, address),
        None => (String::new(), format!("it answered {status} {reason}")),
    };
    if status == 401 {
        return ConnectError::TicketExpired { message };
    }
    ConnectError::Refused {
        status,
        code,
        message,
        retry_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_kept_no_longer_even_if_the_end_is_never_reached() {
        let (mut out, mut written) = (vec![0; 10], 0);
        for round in 0..1_000_u32 {
            let chunk: Vec<u8> = round.to_le_bytes().repeat(1_024);
            out.extend(&chunk);
            written += chunk.len();
            forget_written(&mut out, &mut written);
            assert_eq!(out.len() - written, 10, "round {round}");
            assert_eq!(out[out.len() - 4..], round.to_le_bytes());
            assert!(out.len() <= WRITTEN_BYTES_MAX + 10, "{}", out.len());
        }
        written = out.len();
        forget_written(&mut out, &mut written);
        assert!(out.is_empty() && written == 0);
    }
}
