//! `parlour chat`: a line at a time, on a terminal and in a pipe.
//!
//! ```text
//!  keyboard or pipe ──line──▶ Conversation ──Act──▶ Doing ──▶ the client
//!  screen or pipe ◀──Shown── Conversation ◀─Event, Done─────────┘
//! ```
//!
//! [`conversation`] knows lines and events and nothing of screens, so that another face can be put
//! before it.

mod conversation;
mod doing;
mod face;
mod words;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use parlour_client::{Client, Event, Events, RoomName};
use tokio::time::{Instant, sleep_until};

use crate::remote::{self, NOT_KNOWN, Remote, RemoteError};

use conversation::{Act, Conversation, Shown};
use doing::{Doing, Done};
use face::{Face, Typed};

/// The help of `parlour chat`.
pub(crate) const HELP: &str = "\
On a terminal it is a line editor with history, and what comes in does not disturb what is being typed.
In a pipe each line in is said, and each message comes out as a line \"NAME: TEXT\"; everything else is
told on standard error. It ends with /quit, Ctrl+D or the end of the input, when all that was said has
been acknowledged. A lost connection comes back by itself, and the rooms go on where they were.

Commands:
  /join ROOM     be in another room, too, and talk there; back with the same
  /part [ROOM]   leave this room, or that one
  /who           who is here
  /me WAVES      say that you are waving
  /nick NAME     come back under another name, as a guest
  /help          this list
  /quit          the end
  //TEXT         say a text that begins with a slash

Examples:
  parlour chat --as kim
      Talk in the room general as guest-kim.
  parlour chat den --user ann --url https://chat.example.org
      Talk in den under your own name; asks for the password.
  parlour chat den --url https://localhost:8443 --ca parlour-data/tls/cert.pem
      Talk to a server with a certificate of its own.
  echo 'back in five minutes' | parlour chat den --as kim
      Say one line. For text that may begin with a slash there is parlour pub.

Exit status:
  0  everything that was said was acknowledged
  1  there is no connection and none can be had, or, in a pipe, something was refused
  2  the command line cannot be understood
  3  something may have been said or not: the connection was lost before the answer";

/// Where to talk, and as whom.
#[derive(Debug, Args)]
pub(crate) struct ChatArguments {
    /// The room to begin in
    #[arg(default_value = "general")]
    room: String,
    #[command(flatten)]
    remote: Remote,
}

/// How long the echo of what was said last is waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Talks until the end.
pub(crate) fn run(arguments: ChatArguments) -> Result<ExitCode, RemoteError> {
    let room = RemoteError::room(&arguments.room)?;
    match remote::block_on(chat(arguments, room)) {
        // Nobody reads any more: a pipe's way of saying that it is enough.
        Err(RemoteError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        other => other,
    }
}

async fn chat(arguments: ChatArguments, room: RoomName) -> Result<ExitCode, RemoteError> {
    let (client, events, input) = arguments.remote.connect().await?;
    let mut chat = Chat {
        conversation: Conversation::new(arguments.remote.url(), room),
        doing: Doing::start(client.clone()),
        face: Face::of(input)?,
        events,
        has_failed: false,
        is_unknown: false,
    };
    let acts = chat.conversation.begin();
    chat.act(acts)?;
    chat.face.prompt(chat.conversation.prompt());
    let talked = chat.talk().await;
    chat.finish(&client, talked).await
}

struct Chat {
    conversation: Conversation,
    doing: Doing,
    face: Face,
    events: Events,
    has_failed: bool,
    is_unknown: bool,
}

/// Why there is no more to say.
enum Over {
    /// Everything was said.
    Said,
    /// There is no connection any more.
    Ended,
}

impl Chat {
    /// Until the end of the input, or of the connection.
    async fn talk(&mut self) -> Result<Over, RemoteError> {
        loop {
            tokio::select! {
                event = self.events.next() => {
                    if self.hear(event)? {
                        return Ok(Over::Ended);
                    }
                }
                Some(done) = self.doing.done() => self.done(done)?,
                typed = self.face.typed(), if self.doing.has_room() => match typed {
                    Typed::Line(line) => {
                        let acts = self.conversation.typed(&line);
                        if acts.iter().any(|act| matches!(act, Act::Quit)) {
                            return Ok(Over::Said);
                        }
                        self.act(acts)?;
                        self.face.prompt(self.conversation.prompt());
                    }
                    Typed::End => return Ok(Over::Said),
                    Typed::Failed(error) => {
                        self.has_failed = true;
                        self.face.show(&Shown::Note(error.to_string()))?;
                        return Ok(Over::Said);
                    }
                },
            }
        }
    }

    fn act(&mut self, acts: Vec<Act>) -> Result<(), RemoteError> {
        for act in acts {
            match act {
                Act::Show(shown) => {
                    // Who types sees it, and tries again; a script sees the exit status.
                    let is_refusal = matches!(shown, Shown::Refusal(_));
                    self.has_failed |= is_refusal && !self.face.is_terminal();
                    self.face.show(&shown)?;
                }
                Act::Quit => {}
                act => self.doing.begin(act),
            }
        }
        Ok(())
    }

    /// Shows an event; whether it was the last.
    fn hear(&mut self, event: Option<Event>) -> Result<bool, RemoteError> {
        let Some(event) = event else {
            return Ok(true);
        };
        for shown in self.conversation.hear(&event) {
            self.face.show(&shown)?;
        }
        if matches!(event, Event::Connected(_) | Event::Left { .. }) {
            self.face.prompt(self.conversation.prompt());
        }
        Ok(matches!(event, Event::Ended(_)))
    }

    fn done(&mut self, done: Done) -> Result<(), RemoteError> {
        self.is_unknown |= done.is_unknown();
        let acts = self.conversation.done(done);
        self.act(acts)
    }

    /// Waits for all answers and for the echo of what was said, says goodbye, and how it went.
    async fn finish(
        mut self,
        client: &Client,
        talked: Result<Over, RemoteError>,
    ) -> Result<ExitCode, RemoteError> {
        let over = talked?;
        self.face.end();
        self.doing.end();
        let mut until = None;
        let mut has_events = matches!(over, Over::Said);
        loop {
            let is_quiet = self.doing.is_done();
            if is_quiet && (!has_events || self.conversation.has_heard_itself()) {
                break;
            }
            if is_quiet {
                until.get_or_insert_with(|| Instant::now() + LAST_WORDS);
            }
            tokio::select! {
                done = self.doing.done(), if !is_quiet => if let Some(done) = done {
                    self.done(done)?;
                },
                event = self.events.next(), if has_events => has_events = !self.hear(event)?,
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => break,
            }
        }
        if matches!(over, Over::Said) {
            client.close().await;
        }
        Ok(if self.is_unknown {
            ExitCode::from(NOT_KNOWN)
        } else if self.has_failed || matches!(over, Over::Ended) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}
