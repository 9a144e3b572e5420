//! `parlour pub`: one text, or a line at a time, each of them acknowledged.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use parlour_client::{
    CallError, Client, Ended, EntryId, EntryKind, Event, Events, Join, Position, Receipt, RoomName,
    Status,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::harmless::tell;
use crate::joins::{Joined, Joins};
use crate::lines::LineError;
use crate::remote::{self, Input, KEPT, NOT_KNOWN, Remote, RemoteError};

/// The help of `parlour pub`.
pub(crate) const HELP: &str = "\
Nothing is printed unless --json asks for it. If the connection is lost it comes back by itself; what
happens to it is told on standard error. What has no answer is sent again then, and is in the room once.
When there is nothing more to say, a lost connection is waited for 30 seconds, or as long as --wait says.

With --outbox everything is in a file before it is sent, until it is delivered: what this run could not
deliver, because it was killed or the server was away, the next one with the same file and name delivers
first, once. It is taken into the file also where no server can be reached; then it is tried until --wait is
over, and what is not delivered by then is kept: exit status 4, nothing is lost. While there is no server
10,000 of them, or 16 MiB, are taken, and no more is read. One run at a time has the file. With --id the same thing said again, by whatever run, is in
the room once, as long as the server remembers the id: for its last 10,000 entries, unless it is told otherwise.

Examples:
  parlour pub den \"the build is green\" --as ci
      Say one thing.
  tail -F /var/log/syslog | parlour pub logs -
      Say every line, in order.
  parlour pub game '{\"to\":[4,2]}' --type app:move --json
      Publish JSON of a type of your own, and print its place: {\"room\",\"epoch\",\"seq\"}.
  parlour pub den \"build 17 is green\" --as ci --id build-17 --outbox ~/.ci-outbox
      Say it once, however often this is run and whatever happens meanwhile.

Exit status:
  0  every one was acknowledged
  1  one was refused or could not be sent; those already on their way still go, and no other is sent
  2  the command line cannot be understood
  3  one may have been published or not: the server no longer remembers, or did not come back in time;
     whatever else went wrong is told too
  4  one is not delivered yet, and is kept in the outbox: the server was away, or does not let this one in";

/// What to publish, and where.
#[derive(Debug, Args)]
pub(crate) struct PubArguments {
    /// The room
    room: String,
    /// What to say; `-` or nothing: each line of standard input
    text: Option<String>,
    /// What it is; for another type than message the text is JSON
    #[arg(long = "type", value_name = "TYPE", default_value = "message", value_parser = EntryKind::new)]
    kind: EntryKind,
    /// Say it under this id: said again, it is in the room once
    #[arg(long, value_name = "ID", requires = "text", value_parser = EntryId::new)]
    id: Option<EntryId>,
    /// Keep what is not delivered in this file, and deliver first what it has
    #[arg(long, value_name = "FILE")]
    outbox: Option<PathBuf>,
    /// When there is nothing more to say, wait so many seconds for a connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u32,
    /// Print the place of each entry: one JSON object a line, in order
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Publishes, and says how it went by the exit status.
pub(crate) fn run(arguments: &PubArguments) -> Result<ExitCode, RemoteError> {
    let room = RemoteError::room(&arguments.room)?;
    remote::block_on(publish(arguments, room))
}

async fn publish(arguments: &PubArguments, room: RoomName) -> Result<ExitCode, RemoteError> {
    let outbox = arguments.outbox.as_deref();
    let (client, events, input) = arguments.remote.connect_with(outbox).await?;
    tokio::spawn(watch(events));
    let mut joins = Joins::default();
    if outbox.is_some() {
        joins.begin(&client, Join::next(room.clone())).await;
    } else {
        client.join(Join::next(room.clone())).await?;
    }
    let left_over = left_over(&client, &room, &mut joins).await;
    let mut publisher = Publisher {
        client,
        room,
        kind: arguments.kind.clone(),
        json: arguments.json,
        wait: Duration::from_secs(arguments.wait.into()),
        file: arguments.outbox.clone(),
        has_told: false,
        joins,
        receipts: left_over.into(),
        outcome: Outcome::default(),
    };
    let published = match arguments.text.as_deref() {
        None | Some("-") => publisher.lines(input).await,
        Some(text) => publisher.say(text.to_owned(), arguments.id.clone()).await,
    };
    publisher.outcome.add(published);
    publisher.answers().await;
    if let Status::Ended(why) = publisher.client.status()
        && why != Ended::Closed
        && outbox.is_some()
    {
        tell(remote::ended(&why));
    }
    publisher.client.close().await;
    publisher.outcome.status()
}

/// How it went as a whole.
#[derive(Default)]
struct Outcome {
    /// The first.
    failed: Option<RemoteError>,
    is_unknown: bool,
    is_kept: bool,
}

impl Outcome {
    fn add(&mut self, done: Result<(), RemoteError>) {
        match done {
            Ok(()) => {}
            Err(RemoteError::Call(CallError::Unknown)) => self.is_unknown = true,
            Err(RemoteError::Call(CallError::Kept)) => self.is_kept = true,
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
    }

    /// That something is not known outranks all else: it must be looked after before anything is sent
    /// again.
    fn status(self) -> Result<ExitCode, RemoteError> {
        if self.is_kept {
            tell(CallError::Kept);
        }
        if !self.is_unknown {
            let status = if self.is_kept {
                ExitCode::from(KEPT)
            } else {
                ExitCode::SUCCESS
            };
            return self.failed.map_or(Ok(status), Err);
        }
        if let Some(error) = self.failed {
            tell(error);
        }
        tell(CallError::Unknown);
        Ok(ExitCode::from(NOT_KNOWN))
    }
}

/// What happens to the connection. The room's entries are not ours.
async fn watch(mut events: Events) {
    while let Some(event) = events.next().await {
        match event {
            Event::Away { why, retry_in } => tell(remote::away(&why, retry_in)),
            Event::Joined {
                room,
                is_back: true,
                ..
            } => tell(format_args!("back in {room}")),
            Event::OutboxFailed { why } => tell(remote::outbox_failed(&why)),
            Event::OutboxMended => tell(remote::OUTBOX_MENDED),
            _ => {}
        }
    }
}

struct Publisher {
    client: Client,
    room: RoomName,
    kind: EntryKind,
    json: bool,
    /// For a connection, at the end.
    wait: Duration,
    /// Of the outbox.
    file: Option<PathBuf>,
    /// Whether it has told since the last answer that something is kept and waits.
    has_told: bool,
    joins: Joins,
    /// In the order in which they were submitted.
    receipts: VecDeque<Receipt>,
    outcome: Outcome,
}

/// Publishes that are on their way before the first of them is waited for.
const RECEIPTS_MAX: usize = 64;
/// The same with a file: what there is to say is taken into it, as much as it takes.
const KEPT_MAX: usize = 10_000;

impl Publisher {
    /// Each line as soon as it comes, with answers taken meanwhile.
    async fn lines(&mut self, input: Input) -> Result<(), RemoteError> {
        let mut lines = read(input);
        loop {
            let has_answer = !self.receipts.is_empty();
            let has_joins = !self.joins.is_empty();
            let most = if self.file.is_some() {
                KEPT_MAX
            } else {
                RECEIPTS_MAX
            };
            let is_full = self.receipts.len() >= most;
            let is_silent = has_answer && !self.has_told && self.file.is_some();
            let client = self.client.clone();
            tokio::select! {
                line = lines.recv(), if !is_full => match line {
                    Some(line) => self.say(line?, None).await?,
                    None => return Ok(()),
                },
                answer = first(&mut self.receipts), if has_answer => self.answered(answer)?,
                joined = self.joins.next(), if has_joins => self.joined(joined)?,
                () = client.until(|status| *status == Status::Away), if is_silent => self.waits(),
                ended = end(&client) => return Err(RemoteError::Ended(ended)),
            }
        }
    }

    /// Tells once that what is said is safe, and that nobody has it yet.
    fn waits(&mut self) {
        self.has_told = true;
        if let Some(file) = &self.file {
            let count = self.receipts.len();
            let file = file.display();
            tell(format_args!(
                "kept in {file}, waiting for a server: {count}"
            ));
        }
    }

    /// Whoever is not let into the room can say nothing there.
    fn joined(&self, (room, joined): Joined) -> Result<(), RemoteError> {
        match joined {
            Ok(()) | Err(CallError::Ended(_)) => {}
            Err(CallError::Unknown) => tell(format_args!("{room} has not answered yet")),
            Err(error) if room == self.room => return Err(RemoteError::Call(error)),
            Err(error) => tell(format_args!("not in {room}: {error}; what is for it waits")),
        }
        Ok(())
    }

    async fn say(&mut self, text: String, id: Option<EntryId>) -> Result<(), RemoteError> {
        let payload = if self.kind == EntryKind::MESSAGE {
            Value::from(text).to_string()
        } else {
            text
        };
        let (room, kind, payload) = (&self.room, self.kind.clone(), payload.into());
        let receipt = match id {
            Some(id) => self.client.submit_once(room, id, kind, payload).await?,
            None => self.client.submit(room, kind, payload).await?,
        };
        self.receipts.push_back(receipt);
        Ok(())
    }

    /// Waits for all that are still out, and not for ever for a connection.
    async fn answers(&mut self) {
        while !self.receipts.is_empty() {
            let client = self.client.clone();
            let has_joins = !self.joins.is_empty();
            let is_silent = !self.has_told && self.file.is_some();
            let done = tokio::select! {
                answer = first(&mut self.receipts) => self.answered(answer),
                joined = self.joins.next(), if has_joins => self.joined(joined),
                () = client.until(|status| *status == Status::Away), if is_silent => {
                    self.waits();
                    continue;
                }
                () = given_up(&client, self.wait) => {
                    let seconds = self.wait.as_secs();
                    tell(format_args!("not everything is delivered, and there is no connection for {seconds} s"));
                    // All that waits is answered with it.
                    client.close().await;
                    continue;
                }
            };
            self.outcome.add(done);
        }
    }

    fn answered(&mut self, (room, answer): (RoomName, Answer)) -> Result<(), RemoteError> {
        let Position { epoch, seq } = answer?;
        self.has_told = false;
        if !self.json {
            return Ok(());
        }
        let room = Value::from(room.as_str());
        let line = format!(r#"{{"room":{room},"epoch":"{epoch}","seq":{}}}"#, seq.0);
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        written.map_err(RemoteError::Output)
    }
}

/// What became of a publish.
type Answer = Result<Position, CallError>;

/// What an earlier run has left, in rooms that this one is in now.
async fn left_over(client: &Client, room: &RoomName, joins: &mut Joins) -> Vec<Receipt> {
    let left_over = client.left_over();
    if !left_over.is_empty() {
        tell(format_args!(
            "left over from before, and sent now: {}",
            left_over.len()
        ));
    }
    let rooms: BTreeSet<_> = left_over.iter().map(|it| it.room().clone()).collect();
    for other in rooms.into_iter().filter(|it| it != room) {
        joins.begin(client, Join::next(other)).await;
    }
    left_over
}

/// Until there has been no connection for too long.
async fn given_up(client: &Client, wait: Duration) {
    loop {
        client.until(|status| *status == Status::Away).await;
        tokio::select! {
            () = sleep(wait) => return,
            () = client.until(|status| *status != Status::Away) => {}
        }
    }
}

/// Why there is no connection and none comes any more.
async fn end(client: &Client) -> Ended {
    loop {
        client
            .until(|status| matches!(status, Status::Ended(_)))
            .await;
        if let Status::Ended(ended) = client.status() {
            return ended;
        }
    }
}

/// The answer to the oldest, and its room. Nothing is lost if it is dropped.
async fn first(receipts: &mut VecDeque<Receipt>) -> (RoomName, Answer) {
    let Some(receipt) = receipts.front_mut() else {
        return std::future::pending().await;
    };
    let answer = receipt.await;
    let room = receipts.pop_front().map(|receipt| receipt.room().clone());
    (room.unwrap_or_else(RoomName::general), answer)
}

/// Lines as they come, read by a thread, since standard input cannot be waited for otherwise.
fn read(mut input: Input) -> mpsc::Receiver<Result<String, LineError>> {
    let (sender, lines) = mpsc::channel(RECEIPTS_MAX);
    std::thread::spawn(move || {
        while let Some(line) = input.next().transpose() {
            let is_last = line.is_err();
            if sender.blocking_send(line).is_err() || is_last {
                break;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_outranks_what_was_refused() {
        let refused = || {
            Err(RemoteError::Call(CallError::Refused {
                code: "not_stored".into(),
                message: "full".into(),
                retry_after: None,
            }))
        };
        let unknown = || Err(RemoteError::Call(CallError::Unknown));
        let status = |all: Vec<Result<(), RemoteError>>| {
            let mut outcome = Outcome::default();
            for done in all {
                outcome.add(done);
            }
            outcome.status().map(|code| format!("{code:?}"))
        };
        let three = format!("{:?}", ExitCode::from(NOT_KNOWN));
        assert_eq!(status(vec![refused(), unknown()]).unwrap(), three);
        assert_eq!(status(vec![unknown(), refused(), Ok(())]).unwrap(), three);
        assert!(status(vec![Ok(()), refused()]).is_err());
        let kept = || Err(RemoteError::Call(CallError::Kept));
        let four = format!("{:?}", ExitCode::from(KEPT));
        assert_eq!(status(vec![kept(), Ok(())]).unwrap(), four);
        assert_eq!(status(vec![kept(), unknown()]).unwrap(), three);
        assert!(status(vec![kept(), refused()]).is_err());
        assert_eq!(
            status(vec![Ok(())]).unwrap(),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }
}
