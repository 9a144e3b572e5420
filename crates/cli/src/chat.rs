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

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use parlour_client::{Client, Ended, Event, Events, RoomName, Status};
use tokio::time::{Instant, sleep_until};

use crate::remote::{self, KEPT, NOT_KNOWN, Remote, RemoteError};

use conversation::{Act, Conversation, Shown};
use doing::{Doing, Done};
use face::{Face, Typed};

/// The help of `parlour chat`.
pub(crate) const HELP: &str = "\
On a terminal it is a line editor with history, and what comes in does not disturb what is being typed.
In a pipe each line in is said, and each message comes out as a line \"NAME: TEXT\"; everything else is
told on standard error. It ends with /quit, Ctrl+D or the end of the input, when all that was said has
been acknowledged, or when nobody reads its output any more. A lost connection comes back by itself, and
the rooms go on where they were; after /quit or Ctrl+D it is waited for 10 seconds, at the end of a pipe
for 20. What is said meanwhile, and what had no answer, is sent then, and is in the room once.

On a terminal each message has its time, HH:MM of this machine, and names are in colour unless NO_COLOR is
set; one's own have a mark, ✓: delivered. What goes into a pipe has none of these.

With --outbox what is said is in a file before it is sent, until it is delivered: what this chat could not
deliver, because it was killed or the server was away, the next one with the same file and name delivers
first, once. It begins also where no server can be reached: what is said is kept, and sent when there is one.
While the file cannot be written, what is said is refused by name; it goes on by itself when it can. One at a
time has the file.

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
  parlour chat den --as kim --outbox ~/.kim-outbox
      Lose nothing that was said, also if this machine goes down.
  echo 'back in five minutes' | parlour chat den --as kim
      Say one line. For text that may begin with a slash there is parlour pub.

Exit status:
  0  everything that was typed was said and acknowledged
  1  there is no connection and none can be had, or something was left unsaid at the end, or, in a pipe,
     something was refused
  2  the command line cannot be understood
  3  something may have been said or not: the server no longer remembers, or did not come back in time
  4  something is not delivered yet, and is kept in the outbox: the server was away, or does not let this one in";

/// Where to talk, and as whom.
#[derive(Debug, Args)]
pub(crate) struct ChatArguments {
    /// The room to begin in
    #[arg(default_value = "general")]
    room: String,
    /// Keep what is not delivered in this file, and deliver first what it has
    #[arg(long, value_name = "FILE")]
    outbox: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

/// How long the echo of what was said last is waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long a lost connection is waited for by who wants to go, in seconds.
const AWAY_SECONDS: u64 = 10;

/// The same at the end of a pipe, where nobody sits and waits: about three attempts to come back.
const PIPE_AWAY_SECONDS: u64 = 20;

/// Talks until the end.
pub(crate) fn run(arguments: ChatArguments) -> Result<ExitCode, RemoteError> {
    let room = RemoteError::room(&arguments.room)?;
    remote::block_on(chat(arguments, room))
}

async fn chat(arguments: ChatArguments, room: RoomName) -> Result<ExitCode, RemoteError> {
    let outbox = arguments.outbox.as_deref();
    let (client, events, input) = arguments.remote.connect_with(outbox).await?;
    let left_over = client.left_over();
    let also = left_over.iter().map(|receipt| receipt.room().clone());
    let mut chat = Chat {
        conversation: Conversation::new(arguments.remote.url(), room, also),
        doing: Doing::start(client.clone(), left_over, outbox.is_some()),
        face: Face::of(input)?,
        events,
        has_failed: false,
        is_unknown: false,
        is_kept: false,
        is_not_in: false,
        has_given_up: false,
    };
    let acts = chat.conversation.begin();
    chat.act(acts)?;
    chat.face.prompt(chat.conversation.prompt());
    let over = chat.talk().await?;
    chat.finish(&client, over).await
}

struct Chat {
    conversation: Conversation,
    doing: Doing,
    face: Face,
    events: Events,
    has_failed: bool,
    is_unknown: bool,
    is_kept: bool,
    /// Whether there was never a connection for one of the rooms.
    is_not_in: bool,
    /// Whether it waits no longer for a connection: what is refused now is not done.
    has_given_up: bool,
}

/// Why there is no more to say.
enum Over {
    /// All of the input was said.
    Said,
    /// Who types wants to go.
    Quit,
    /// Nobody reads any more: a pipe's way of saying that it is enough.
    Unread,
    /// There is no connection any more.
    Ended,
}

impl Chat {
    /// Until the end of the input, or of the connection.
    async fn talk(&mut self) -> Result<Over, RemoteError> {
        loop {
            if self.face.is_unread() {
                return Ok(Over::Unread);
            }
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
                            return Ok(Over::Quit);
                        }
                        self.act(acts)?;
                        self.face.prompt(self.conversation.prompt());
                    }
                    Typed::End if self.face.is_terminal() => return Ok(Over::Quit),
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
        self.is_kept |= done.is_kept();
        self.is_not_in |= done.is_not_in();
        self.has_failed |= self.has_given_up && done.has_failed();
        let acts = self.conversation.done(done);
        self.act(acts)
    }

    /// Waits for all answers and for the echo of what was said, says goodbye, and how it went.
    async fn finish(mut self, client: &Client, over: Over) -> Result<ExitCode, RemoteError> {
        let unsaid = self.face.end();
        if matches!(over, Over::Unread) && unsaid > 0 {
            self.has_failed = true;
            let words = format!("lines that were not said, as nobody reads the answers: {unsaid}");
            self.face.show(&Shown::Refusal(words))?;
        }
        self.doing.end();
        let mut echo_by = None;
        let mut back_by = None;
        let mut has_events = !matches!(over, Over::Ended);
        loop {
            let is_quiet = self.doing.is_done();
            let has_reader = has_events && !self.face.is_unread();
            if is_quiet && (!has_reader || self.conversation.has_heard_itself()) {
                break;
            }
            if is_quiet {
                echo_by.get_or_insert_with(|| Instant::now() + LAST_WORDS);
            }
            let seconds = match over {
                Over::Said => PIPE_AWAY_SECONDS,
                Over::Quit | Over::Unread | Over::Ended => AWAY_SECONDS,
            };
            if is_quiet || client.status() != Status::Away {
                back_by = None;
            } else if back_by.is_none() {
                let words =
                    format!("not everything is said; waiting {seconds} s for the connection");
                self.face.show(&Shown::Note(words))?;
                back_by = Some(Instant::now() + Duration::from_secs(seconds));
            }
            tokio::select! {
                done = self.doing.done(), if !is_quiet => if let Some(done) = done {
                    self.done(done)?;
                },
                event = self.events.next(), if has_events => has_events = !self.hear(event)?,
                () = sleep_until(echo_by.unwrap_or_else(Instant::now)), if echo_by.is_some() => break,
                () = sleep_until(back_by.unwrap_or_else(Instant::now)), if back_by.is_some() => {
                    // All that waits is answered with it, and told.
                    self.has_given_up = true;
                    client.close().await;
                }
            }
        }
        let is_over = matches!(client.status(), Status::Ended(why) if why != Ended::Closed);
        while is_over && has_events {
            // Why, which comes last.
            let event = self.events.next().await;
            has_events = !self.hear(event)?;
        }
        client.close().await;
        Ok(if self.is_unknown {
            ExitCode::from(NOT_KNOWN)
        } else if self.has_failed {
            ExitCode::FAILURE
        } else if self.is_kept {
            ExitCode::from(KEPT)
        } else if self.is_not_in || is_over {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}
