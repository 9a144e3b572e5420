//! Tickets by `POST /ticket` over one connection that is kept alive.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde::Deserialize;

use crate::BenchError;
use crate::handshake::waits;
use crate::target::Target;

/// Requests written before the first answer is read. Far fewer than live tickets may be
/// outstanding, and used long before they expire.
const BATCH: usize = 32;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is believed, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// The client of the ticket door.
pub(crate) struct Tickets {
    target: Target,
    http: Option<BufReader<TcpStream>>,
    fetched: VecDeque<String>,
}

#[derive(Deserialize)]
struct Ticket {
    otp: String,
}

impl Tickets {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            http: None,
            fetched: VecDeque::new(),
        }
    }

    /// The next ticket; `wanted` says how many will still be asked for, this one included.
    pub(crate) fn next(&mut self, wanted: usize) -> Result<String, BenchError> {
        if self.fetched.is_empty() {
            self.fetch(wanted.clamp(1, BATCH))?;
        }
        self.fetched
            .pop_front()
            .ok_or_else(|| BenchError::Ticket("no answer".into()))
    }

    fn fetch(&mut self, count: usize) -> Result<(), BenchError> {
        let mut http = match self.http.take() {
            Some(http) => http,
            None => open(&self.target).map_err(BenchError::system("connecting for tickets"))?,
        };
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
            self.target.ticket_path(),
            self.target.authority
        );
        http.get_mut()
            .write_all(request.repeat(count).as_bytes())
            .map_err(BenchError::system("asking for tickets"))?;
        for _ in 0..count {
            let answer = Answer::read(&mut http).map_err(BenchError::system("reading a ticket"))?;
            self.fetched.push_back(answer.ticket()?);
            if answer.last {
                return Ok(());
            }
        }
        self.http = Some(http);
        Ok(())
    }
}

/// Asks for something else over a connection of its own; gives the body of a 200.
pub(crate) fn get(target: &Target, path: &str) -> io::Result<Vec<u8>> {
    let mut http = open(target)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", target.authority);
    http.get_mut().write_all(request.as_bytes())?;
    let answer = Answer::read(&mut http)?;
    match answer.status.split(' ').nth(1) {
        Some("200") => Ok(answer.body),
        _ => Err(io::Error::other(answer.status)),
    }
}

/// One request for a ticket on a connection of its own, which never blocks.
pub(crate) struct Asking {
    request: Vec<u8>,
    written: usize,
    answer: Vec<u8>,
}

impl Asking {
    pub(crate) fn new(target: &Target) -> Self {
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            target.ticket_path(),
            target.authority
        );
        Self {
            request: request.into_bytes(),
            written: 0,
            answer: Vec::new(),
        }
    }

    /// Goes on as far as the socket allows; the ticket, when it has come.
    pub(crate) fn advance(
        &mut self,
        stream: &mut (impl Read + Write),
    ) -> Result<Option<String>, BenchError> {
        let failed = || BenchError::system("asking for a ticket");
        while self.written < self.request.len() {
            match stream.write(&self.request[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if waits(&error) => return Ok(None),
                Err(error) => return Err(failed()(error)),
            }
        }
        let mut piece = [0; 4096];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => self.answer.extend_from_slice(&piece[..count]),
                Err(error) if waits(&error) => return self.whole(false),
                Err(error) => return Err(failed()(error)),
            }
        }
        self.whole(true)
    }

    /// The ticket, if all of the answer is there.
    fn whole(&self, is_all: bool) -> Result<Option<String>, BenchError> {
        let has_head = self.answer.windows(4).any(|bytes| bytes == b"\r\n\r\n");
        if !has_head && !is_all {
            return Ok(None);
        }
        match Answer::read(&mut &self.answer[..]) {
            Ok(answer) => answer.ticket().map(Some),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !is_all => Ok(None),
            Err(error) => Err(BenchError::system("asking for a ticket")(error)),
        }
    }
}

fn open(target: &Target) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(target.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

struct Answer {
    status: String,
    body: Vec<u8>,
    /// The server will close the connection after it.
    last: bool,
}

impl Answer {
    fn read(http: &mut impl BufRead) -> io::Result<Self> {
        let status = line(http)?;
        let (mut length, mut last) = (None, false);
        loop {
            let header = line(http)?.to_ascii_lowercase();
            match header.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().ok(),
                Some(("connection", value)) => last = value.trim() == "close",
                Some(_) => {}
                None => break,
            }
        }
        let length = length
            .filter(|length| *length <= MAX_ANSWER)
            .ok_or_else(|| {
                io::Error::other(format!(
                    "an answer without a believable Content-Length ({status})"
                ))
            })?;
        let mut body = vec![0; length];
        http.read_exact(&mut body)?;
        Ok(Self { status, body, last })
    }

    fn ticket(&self) -> Result<String, BenchError> {
        if self.status.split(' ').nth(1) != Some("200") {
            let body = String::from_utf8_lossy(&self.body);
            return Err(BenchError::Ticket(format!(
                "{}: {}",
                self.status,
                body.trim()
            )));
        }
        serde_json::from_slice::<Ticket>(&self.body)
            .map(|ticket| ticket.otp)
            .map_err(|error| BenchError::Ticket(format!("the answer is not understood: {error}")))
    }
}

/// One line without its end.
fn line(http: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if http.take(MAX_ANSWER as u64).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(wire: &str) -> io::Result<Answer> {
        Answer::read(&mut wire.as_bytes())
    }

    #[test]
    fn a_ticket_is_taken_from_the_answer() {
        let answer =
            answer("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"otp\":\"abc\",\"more\":1}")
                .unwrap();
        assert!(
            answer.ticket().is_err(),
            "the body is cut off by its length"
        );
        let answer =
            self::answer("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"otp\":\"abc\"}").unwrap();
        assert_eq!(
            (answer.ticket().unwrap().as_str(), answer.last),
            ("abc", false)
        );
    }

    #[test]
    fn a_refusal_is_reported_in_the_servers_words() {
        let answer = answer(
            "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 7\r\n\r\ntoo few",
        )
        .unwrap();
        assert!(answer.last);
        let error = answer.ticket().unwrap_err().to_string();
        assert!(
            error.contains("429") && error.contains("too few"),
            "{error}"
        );
    }

    #[test]
    fn an_answer_in_any_cut_is_waited_for() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"otp\":\"abc\"}";
        let target = Target::at("127.0.0.1:1".parse().unwrap());
        for cut in 0..wire.len() {
            let mut asking = Asking::new(&target);
            asking.answer.extend_from_slice(&wire[..cut]);
            assert_eq!(asking.whole(false).unwrap(), None, "cut at {cut}");
            assert!(asking.whole(true).is_err(), "cut at {cut}");
            asking.answer.extend_from_slice(&wire[cut..]);
            assert_eq!(asking.whole(false).unwrap().as_deref(), Some("abc"));
        }
    }

    #[test]
    fn an_answer_without_a_length_is_an_error() {
        assert!(answer("HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(answer("").is_err());
    }
}
