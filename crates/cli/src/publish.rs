//! `parlour pub`: one text, or a line at a time, each of them acknowledged.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use parlour_client::{
    CallError, Client, EntryKind, Event, Events, Join, Position, Receipt, RoomName,
};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::harmless::tell;
use crate::lines::LineError;
use crate::remote::{self, Input, NOT_KNOWN, Remote, RemoteError};

/// The help of `parlour pub`.
pub(crate) const HELP: &str = "\
Nothing is printed unless --json asks for it. If the connection is lost it comes back by itself; what
happens to it is told on standard error. Nothing is ever sent twice.

Examples:
  parlour pub den \"the build is green\" --as ci
      Say one thing.
  tail -F /var/log/syslog | parlour pub logs -
      Say every line, in order.
  parlour pub game '{\"to\":[4,2]}' --type app:move --json
      Publish JSON of a type of your own, and print its place: {\"room\",\"epoch\",\"seq\"}.

Exit status:
  0  every one was acknowledged
  1  one was refused or could not be sent; those already on their way still go, and no other is sent
  2  the command line cannot be understood
  3  one may have been published or not: the connection was lost before the answer; whatever else
     went wrong is told too";

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
    let (client, events, input) = arguments.remote.connect().await?;
    tokio::spawn(watch(events));
    client.join(Join::next(room.clone())).await?;
    let mut publisher = Publisher {
        client,
        room,
        kind: arguments.kind.clone(),
        json: arguments.json,
        receipts: VecDeque::new(),
        outcome: Outcome::default(),
    };
    let published = match arguments.text.as_deref() {
        None | Some("-") => publisher.lines(input).await,
        Some(text) => publisher.say(text.to_owned()).await,
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
}

impl Outcome {
    fn add(&mut self, done: Result<(), RemoteError>) {
        match done {
            Ok(()) => {}
            Err(RemoteError::Call(CallError::Unknown)) => self.is_unknown = true,
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
    }

    /// That something is not known outranks all else: it must be looked after before anything is sent
    /// again.
    fn status(self) -> Result<ExitCode, RemoteError> {
        if !self.is_unknown {
            return self.failed.map_or(Ok(ExitCode::SUCCESS), Err);
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
                    Some(line) => self.say(line?).await?,
                    None => return Ok(()),
                },
                answer = first(&mut self.receipts), if has_answer => self.answered(answer?)?,
            }
        }
    }

    async fn say(&mut self, text: String) -> Result<(), RemoteError> {
        let payload = if self.kind == EntryKind::MESSAGE {
            Value::from(text).to_string()
        } else {
            text
        };
        let submitted = self
            .client
            .submit(&self.room, self.kind.clone(), payload.into());
        self.receipts.push_back(submitted.await?);
        Ok(())
    }

    /// Waits for all that are still out.
    async fn answers(&mut self) {
        while !self.receipts.is_empty() {
            let answer = first(&mut self.receipts).await;
            let answered = answer.map_err(RemoteError::Call);
            let answered = answered.and_then(|position| self.answered(position));
            self.outcome.add(answered);
        }
    }

    fn answered(&self, Position { epoch, seq }: Position) -> Result<(), RemoteError> {
        if !self.json {
            return Ok(());
        }
        let room = Value::from(self.room.as_str());
        let line = format!(r#"{{"room":{room},"epoch":"{epoch}","seq":{}}}"#, seq.0);
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        written.map_err(RemoteError::Output)
    }
}

/// The answer to the oldest. Nothing is lost if it is dropped.
async fn first(receipts: &mut VecDeque<Receipt>) -> Result<Position, CallError> {
    let Some(receipt) = receipts.front_mut() else {
        return std::future::pending().await;
    };
    let answer = receipt.await;
    receipts.pop_front();
    answer
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
        assert_eq!(
            status(vec![Ok(())]).unwrap(),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }
}
