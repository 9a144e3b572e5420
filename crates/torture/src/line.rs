//! One WebSocket of `parlour.v1`, as small as it can be: ten thousand of them are to fit.
//!
//! It owns memory only for what is on its way: nothing is kept between reads but what a message lacks.

use std::io;

use parlour_proto::told::Told;
use parlour_ws::client::{Opening, OpeningError};
use parlour_ws::{Incoming, Limits, Opcode, Receiver, put_masked_frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{TcpSocket, TcpStream};

use crate::http::{self, Given, Who};
use crate::random::unforeseeable;
use crate::target::Target;

const PROTOCOL: &str = "parlour.v1";
const LIMITS: Limits = Limits {
    max_message_bytes: 16 << 20,
};
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// Why a connection could not be made, or is over.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The socket's end, or the server's words.
    Ended(String),
    /// Refused for now.
    Later(std::time::Duration),
    /// Refused: the session is none.
    Unauthorised,
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Ended(error.to_string())
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    receiver: Receiver,
    out: Vec<u8>,
    /// What came behind the answer to the upgrade.
    early: Vec<u8>,
    /// Masks are to be unforeseeable where something stands between; the first is, and these follow it.
    mask: u32,
}

impl Line {
    /// A ticket, and a connection with it. `receive_bytes` is the kernel's buffer for what is not
    /// read (`None`: as the system likes).
    pub(crate) async fn open(
        target: &Target,
        who: &Who,
        receive_bytes: Option<u32>,
    ) -> Result<Self, Lost> {
        let answer = http::ticket(target, who).await?;
        let given: Given = match answer.status {
            200 => serde_json::from_slice(&answer.body).map_err(io::Error::from)?,
            401 => return Err(Lost::Unauthorised),
            429 | 503 => return Err(Lost::Later(answer.retry_after.unwrap_or_default())),
            status => {
                let body = String::from_utf8_lossy(&answer.body);
                return Err(Lost::Ended(format!("POST /ticket: {status} {body}")));
            }
        };
        Self::open_with(target, &given.otp, receive_bytes).await
    }

    /// A connection with a ticket.
    pub(crate) async fn open_with(
        target: &Target,
        ticket: &str,
        receive_bytes: Option<u32>,
    ) -> Result<Self, Lost> {
        let socket = match target.address.is_ipv4() {
            true => TcpSocket::new_v4(),
            false => TcpSocket::new_v6(),
        }?;
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut stream = socket.connect(target.address).await?;
        stream.set_nodelay(true)?;
        let ticket = format!("ticket.{ticket}");
        let mut key = [0; 16];
        key[..8].copy_from_slice(&unforeseeable().to_le_bytes());
        let opening = Opening {
            host: &target.authority,
            target: "/ws",
            key,
            protocols: &[PROTOCOL, &ticket],
            headers: &[],
        };
        let request = opening.request().map_err(io::Error::other)?;
        stream.write_all(&request).await?;
        let mut answer = Vec::new();
        let head = loop {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            match opening.check(&answer) {
                Ok(Some(opened)) => break opened.head_bytes,
                Ok(None) => {}
                Err(OpeningError::Refused {
                    status: 429 | 503,
                    retry_after,
                    ..
                }) => return Err(Lost::Later(retry_after.unwrap_or_default())),
                // Here it is the ticket that is none, or none any more; the session may be good.
                Err(error) => return Err(Lost::Ended(error.to_string())),
            }
        };
        Ok(Self {
            stream,
            receiver: Receiver::client(),
            out: Vec::new(),
            early: answer.split_off(head),
            mask: unforeseeable() as u32,
        })
    }

    /// Queues one frame.
    pub(crate) fn send(&mut self, frame: &[u8]) {
        let key = self.next_mask();
        put_masked_frame(&mut self.out, Opcode::Text, frame, key);
    }

    fn next_mask(&mut self) -> [u8; 4] {
        self.mask = self
            .mask
            .wrapping_mul(0x9e37_79b1)
            .wrapping_add(0x7f4a_7c15);
        self.mask.to_le_bytes()
    }

    /// Writes what is queued and, if it `reads`, reads what is there, once something of it is possible.
    /// Nothing is lost if this is dropped.
    pub(crate) async fn turn(&mut self, reads: bool, mut on: impl FnMut(Told)) -> Result<(), Lost> {
        if reads && !self.early.is_empty() {
            let mut early = std::mem::take(&mut self.early);
            self.take(&mut early, &mut on)?;
        }
        self.write()?;
        let interest = match (reads, self.out.is_empty()) {
            (true, true) => Interest::READABLE,
            (true, false) => Interest::READABLE | Interest::WRITABLE,
            (false, false) => Interest::WRITABLE,
            (false, true) => return std::future::pending().await,
        };
        let ready = self.stream.ready(interest).await?;
        if reads && (ready.is_readable() || ready.is_read_closed() || ready.is_error()) {
            self.read(&mut on)?;
        }
        self.write()
    }

    fn write(&mut self) -> Result<(), Lost> {
        while !self.out.is_empty() {
            match self.stream.try_write(&self.out) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        // Ten thousand clients with a used buffer each would be a lot.
        if self.out.capacity() > 4_096 {
            self.out = Vec::new();
        }
        Ok(())
    }

    fn read(&mut self, on: &mut impl FnMut(Told)) -> Result<(), Lost> {
        let mut piece = [0; READ_BYTES];
        match self.stream.try_read(&mut piece) {
            Ok(0) => Err(Lost::Ended("the connection ended".into())),
            Ok(count) => self.take(&mut piece[..count], on),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn take(&mut self, mut input: &mut [u8], on: &mut impl FnMut(Told)) -> Result<(), Lost> {
        loop {
            let received = self.receiver.receive(&LIMITS, input);
            let received = received.map_err(|error| Lost::Ended(error.to_string()))?;
            let consumed = received.consumed;
            match received.item {
                None => return Ok(()),
                Some(Incoming::Text(text)) => {
                    on(Told::parse(text).map_err(|error| Lost::Ended(error.to_string()))?);
                }
                Some(Incoming::Ping(payload)) => {
                    let payload = payload.to_vec();
                    let key = self.next_mask();
                    put_masked_frame(&mut self.out, Opcode::Pong, &payload, key);
                }
                Some(Incoming::Binary(_) | Incoming::Pong(_)) => {}
                Some(Incoming::Close(frame)) => {
                    let why = frame.map_or_else(
                        || "closed without a code".into(),
                        |frame| format!("closed with {}: {}", frame.code, frame.reason),
                    );
                    return Err(Lost::Ended(why));
                }
            }
            input = &mut input[consumed..];
        }
    }
}
