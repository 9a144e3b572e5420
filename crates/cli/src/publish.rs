//! `parlour pub`: one text, or a line at a time, each of them acknowledged.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use parlour_client::{
    CallError, Client, EntryId, EntryKind, Event, Events, Join, Position, Receipt, RoomName, Status,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::harmless::tell;
use crate::lines::LineError;
use crate::remote::{self, Input, KEPT, NOT_KNOWN, Remote, RemoteError};

/// The help of `parlour pub`.
pub(crate) const HELP: &str = "\
Nothing is printed unless --json asks for it. If the connection is lost it comes back by itself; what
happens to it is told on standard error. What has no answer is sent again then, and is in the room once.
When there is nothing more to say, a lost connection is waited for 30 seconds.

With --outbox everything is in a file before it is sent, until it is delivered: what this run could not
deliver, because it was killed or the server was away, the next one with the same file and name delivers
first, once. One run at a time has the file. With --id the same thing said again, by whatever run, is in
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
  4  one is not delivered yet, and is kept in the outbox";

/// How long a lost connection is waited for when there is nothing more to say.
const AWAY: Duration = Duration::from_secs(30);

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
    client.join(Join::next(room.clone())).await?;
    let left_over = left_over(&client, &room).await;
    let mut publisher = Publisher {
        client,
        room,
        kind: arguments.kind.clone(),
        json: arguments.json,
        receipts: left_over.into(),
        outcome: Outcome::default(),
    };
    let published = match arguments.text.as_deref() {
        None | Some("-") => publisher.lines(input).await,
        Some(text) => publisher.say(text.to_owned(), arguments.id.clone()).await,
    };
    publisher.outcome.add(published);
    publisher.answers().await;
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
            _ => {}
        }
    }
}

struct Publisher {
    client: Client,
    room: RoomName,
    kind: EntryKind,
    json: bool,
    /// In the order in which they were submitted.
    receipts: VecDeque<Receipt>,
    outcome: Outcome,
}

/// Publishes that are on their way before the first of them is waited for.
const RECEIPTS_MAX: usize = 64;

impl Publisher {
    /// Each line as soon as it comes, with answers taken meanwhile.
    async fn lines(&mut self, input: Input) -> Result<(), RemoteError> {
        let mut lines = read(input);
        loop {
            let has_answer = !self.receipts.is_empty();
            let is_full = self.receipts.len() >= RECEIPTS_MAX;
            tokio::select! {
                line = lines.recv(), if !is_full => match line {
                    Some(line) => self.say(line?, None).await?,
                    None => return Ok(()),
                },
                answer = first(&mut self.receipts), if has_answer => self.answered(answer)?,
            }
        }
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
            let answer = tokio::select! {
                answer = first(&mut self.receipts) => answer,
                () = given_up(&client) => {
                    tell(format_args!("not everything is delivered, and there is no connection for {} s", AWAY.as_secs()));
                    // All that waits is answered with it.
                    client.close().await;
                    continue;
                }
            };
            let answered = self.answered(answer);
            self.outcome.add(answered);
        }
    }

    fn answered(&self, (room, answer): (RoomName, Answer)) -> Result<(), RemoteError> {
        let Position { epoch, seq } = answer?;
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
async fn left_over(client: &Client, room: &RoomName) -> Vec<Receipt> {
    let left_over = client.left_over();
    if !left_over.is_empty() {
        tell(format_args!(
            "left over from before, and sent now: {}",
            left_over.len()
        ));
    }
    let rooms: BTreeSet<_> = left_over.iter().map(|it| it.room().clone()).collect();
    for other in rooms.into_iter().filter(|it| it != room) {
        if let Err(error) = client.join(Join::next(other.clone())).await {
            tell(format_args!(
                "not in {other}: {error}; what is for it waits"
            ));
        }
    }
    left_over
}

/// Until there has been no connection for too long.
async fn given_up(client: &Client) {
    loop {
        client.until(|status| *status == Status::Away).await;
        tokio::select! {
            () = sleep(AWAY) => return,
            () = client.until(|status| *status != Status::Away) => {}
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
