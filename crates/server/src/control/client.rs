//! The commands' end of the control socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::place::Place;
use super::words::{Answer, Request};
use super::{ANSWER_BYTES_MAX, REQUEST_BYTES_MAX};

/// For the server to answer: longer than it waits itself for its turn and for the disk.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Asks the live server of the data directory; `None` if nobody listens there.
pub(crate) fn ask(data: &Path, request: &Request) -> io::Result<Option<Answer>> {
    ask_long(data, request, |_| false)
}

/// The same for what may take long: `is_progress` is shown every line, and says whether more follow.
pub(crate) fn ask_long(
    data: &Path,
    request: &Request,
    mut is_progress: impl FnMut(&Answer) -> bool,
) -> io::Result<Option<Answer>> {
    let place = Place::of(data)?;
    let mut stream = match UnixStream::connect(&place.path) {
        Ok(stream) => stream,
        Err(error) if is_nobody(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(ANSWER_TIME))?;
    stream.set_write_timeout(Some(ANSWER_TIME))?;
    let mut line = Zeroizing::new(Vec::with_capacity(REQUEST_BYTES_MAX));
    serde_json::to_writer(&mut *line, request)?;
    line.push(b'\n');
    stream.write_all(&line)?;

    let mut stream = BufReader::new(stream);
    loop {
        let answer = read_line(&mut stream)?;
        if !is_progress(&answer) {
            return Ok(Some(answer));
        }
    }
}

fn read_line(stream: &mut BufReader<UnixStream>) -> io::Result<Answer> {
    let mut answer = String::new();
    let mut bounded = stream.take(ANSWER_BYTES_MAX as u64);
    bounded.read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        let cut = "the server hung up before it had answered";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cut));
    }
    Ok(serde_json::from_str(&answer)?)
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}
