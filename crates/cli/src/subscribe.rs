//! `parlour sub`: a room as lines of JSON.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use parlour_client::{Ended, Epoch, Event, Join, Missed, Position, RoomName, Said, Seq};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::harmless::{harmless_json, tell};
use crate::remote::{self, Remote, RemoteError};

/// The help of `parlour sub`.
pub(crate) const HELP: &str = "\
An entry is {\"room\",\"epoch\",\"seq\",\"id\",\"from\",\"type\",\"payload\",\"sent\"}, \"id\" only where its
publisher gave one. Entries that cannot be had any more are {\"room\",\"gap\":{…}} instead, and do not
count. Controls in texts are written as \\u escapes. What happens to the connection is told on standard
error; it comes back by itself and goes on where it was.

Examples:
  parlour sub den
      Print what is said in den from now on.
  parlour sub den --count 1 | jq -r .payload
      Wait for one thing to be said.
  parlour sub den --from start --count 10
      The first ten entries that the server keeps.
  parlour sub den --from 9f3c5d20a1b4e687:12
      Go on after entry 12, which was the last one that was printed.

Exit status:
  0  --count entries were printed, or nobody reads them any more
  1  there is no connection, or it ended and coming back does not help
  2  the command line cannot be understood";

/// Which room, and from where on.
#[derive(Debug, Args)]
pub(crate) struct SubArguments {
    /// The room
    room: String,
    /// End after so many entries
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Begin after this entry, EPOCH:SEQ, or with all that is kept: start [default: what comes next]
    #[arg(long, value_name = "POSITION", value_parser = From::parse)]
    from: Option<From>,
    #[command(flatten)]
    remote: Remote,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct From(Position);

impl From {
    /// A position in no epoch that a log has: all that is kept comes, behind a gap that says nothing.
    const START: Self = Self(Position {
        epoch: Epoch(0),
        seq: Seq(0),
    });

    fn parse(text: &str) -> Result<Self, String> {
        if text == "start" {
            return Ok(Self::START);
        }
        let position = text.split_once(':').and_then(|(epoch, seq)| {
            let seq = Seq(seq.parse().ok()?);
            let epoch = Epoch::parse(epoch)?;
            (seq <= Seq::MAX).then_some(Position { epoch, seq })
        });
        position.map(Self).ok_or_else(|| {
            "it is `start`, or the \"epoch\" and the \"seq\" of an entry with a colon between them".into()
        })
    }
}

/// Prints until there is an end.
pub(crate) fn run(arguments: &SubArguments) -> Result<ExitCode, RemoteError> {
    let room = RemoteError::room(&arguments.room)?;
    match remote::block_on(subscribe(arguments, room)) {
        // As `head` does it: who has read enough has not failed.
        Err(RemoteError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        other => other,
    }
}

async fn subscribe(arguments: &SubArguments, room: RoomName) -> Result<ExitCode, RemoteError> {
    let (client, mut events, _) = arguments.remote.connect().await?;
    let join = Join {
        from: arguments.from.map(|From(position)| position),
        ..Join::next(room.clone())
    };
    // Its events come meanwhile, and wait.
    client.join(join).await?;
    let mut left = arguments.count;
    while left != Some(0) {
        match events.next().await {
            Some(Event::Entry(said)) => {
                print(&entry(&said))?;
                left = left.map(|left| left - 1);
            }
            Some(Event::Gap { room, missed }) if !is_start(&missed) => {
                tell(remote::gap(&room, &missed));
                print(&gap(&room, &missed))?;
            }
            Some(Event::Away { why, retry_in }) => {
                tell(remote::away(&why, retry_in));
            }
            Some(Event::Joined { is_back: true, .. }) => tell(format_args!("back in {room}")),
            Some(Event::Refused { message, .. }) => tell(message),
            Some(Event::Left { .. }) => {
                return Err(RemoteError::Ended(Ended::Refused(format!(
                    "the server does not let us into {room} any more"
                ))));
            }
            Some(Event::Ended(ended)) => return Err(RemoteError::Ended(ended)),
            None => return Err(RemoteError::Ended(Ended::Closed)),
            Some(_) => {}
        }
    }
    client.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The gap before all that is kept, which was asked for.
fn is_start(missed: &Missed) -> bool {
    matches!(missed, Missed::Epoch { was, .. } if From(*was) == From::START)
}

/// One line, at once: a pipe's reader waits for it.
fn print(line: &str) -> Result<(), RemoteError> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", harmless_json(line)).and_then(|()| out.flush());
    written.map_err(RemoteError::Output)
}

fn entry(said: &Said) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let Position { epoch, seq } = said.position;
    let id = said
        .id
        .as_ref()
        .map(|id| format!(r#""id":{},"#, text(id.as_str())));
    let payload = serde_json::from_slice::<&RawValue>(&said.payload).map_or("null", RawValue::get);
    // One that its publisher spread out becomes one line, and nothing else: in JSON these stand only
    // between its parts (RFC 8259, 2 and 7).
    let payload = payload.replace(['\n', '\r', '\t'], "");
    format!(
        r#"{{"room":{},"epoch":"{epoch}","seq":{},{}"from":{},"type":{},"payload":{payload},"sent":"{}"}}"#,
        text(said.room.as_str()),
        seq.0,
        id.unwrap_or_default(),
        text(&said.from),
        text(said.kind.as_str()),
        said.sent
    )
}

fn gap(room: &RoomName, missed: &Missed) -> String {
    let at =
        |position: &Position| json!({"epoch": position.epoch.to_string(), "seq": position.seq.0});
    let gap = match missed {
        Missed::Entries { epoch, first, last } => json!({
            "reason": "trimmed",
            "epoch": epoch.to_string(),
            "first": first.0,
            "last": last.0,
        }),
        Missed::Epoch { was, now } => {
            json!({"reason": "new_epoch", "was": at(was), "now": at(now)})
        }
    };
    json!({"room": room.as_str(), "gap": gap}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_what_was_printed_before() {
        let position = From::parse("9f3c5d20a1b4e687:12").unwrap().0;
        assert_eq!(
            (position.epoch, position.seq),
            (Epoch(0x9f3c_5d20_a1b4_e687), Seq(12))
        );
        assert_eq!(From::parse("start"), Ok(From::START));
        for bad in [
            "",
            "12",
            "9f3c:12",
            "9f3c5d20a1b4e687:",
            "9f3c5d20a1b4e687:-1",
            "end",
        ] {
            assert!(From::parse(bad).unwrap_err().contains("colon"), "{bad}");
        }
    }

    fn printed(payload: String) -> String {
        let said = Said {
            room: RoomName::general(),
            position: From::START.0,
            id: None,
            from: "ann".into(),
            kind: parlour_client::EntryKind::MESSAGE,
            payload: payload.into(),
            sent: parlour_client::Timestamp::from_unix_nanoseconds(0),
        };
        let line = entry(&said);
        let (_, payload) = line.split_once(r#""payload":"#).unwrap();
        let (payload, _) = payload.split_once(r#","sent":"1970-01-01T"#).unwrap();
        payload.to_owned()
    }

    #[test]
    fn a_payload_that_was_spread_over_lines_is_printed_on_one() {
        let spread = "{\r\n \"a\":\t[1,\n 2], \"\\n\": \"\\t\"}";
        let line = r#"{ "a":[1, 2], "\n": "\t"}"#;
        assert_eq!(printed(spread.to_owned()), line);
    }

    #[test]
    fn and_says_what_its_publisher_wrote() {
        let line = r#"{"b":123456789012345678901234567890,"a":1.50,"a":2}"#;
        assert_eq!(printed(format!("\n{line}\n")), line);
        let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
        assert_eq!(printed(deep.replace("[[", "[\n[")), deep);
    }
}
