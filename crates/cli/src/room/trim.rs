//! `parlour room trim`.

use std::io::{self, BufRead as _, IsTerminal as _, Write};

use clap::Args;
use parlour_server::rooms::{KeptRoom, Rooms};

use super::{RoomError, entries, found, say};
use crate::harmless::harmless;
use crate::place::Place;

pub(super) const EXAMPLES: &str = "\
Who has not read what goes is told exactly which entries that were. The others keep their numbers. The
setting --rooms says how much of a room is kept anyway.

Examples:
  parlour room trim den --before 500
      Take away the entries up to 499; asks before it does.
  parlour room trim den --before 500 --yes
      The same in a script, where nobody is there to be asked.";

/// Which room, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct Trimming {
    /// Name of the room
    room: String,
    /// The oldest entry that stays
    #[arg(long, value_name = "SEQ")]
    before: u64,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

impl Trimming {
    pub(super) fn run(&self) -> Result<(), RoomError> {
        let data = self.place.found()?;
        let rooms = Rooms::of(&data.0)?;
        let room = found(&rooms, &self.room, &data)?;
        let name = harmless(&self.room);
        self.check(&room, &name)?;
        let going = self.before - room.first;
        let question = format!(
            "take away {} of {name} for ever, {} to {}? {} stay",
            entries(going),
            room.first,
            self.before - 1,
            room.entries - going
        );
        if !self.yes && !is_confirmed(&question)? {
            return say("nothing was taken away");
        }
        let first = rooms.trim(&self.room, self.before)?;
        let first = first.ok_or_else(|| gone(&name))?;
        let gone = entries(first.saturating_sub(room.first));
        say(&format!(
            "{name}: {gone} taken away; the oldest is {first} now"
        ))
    }

    fn check(&self, room: &KeptRoom, name: &str) -> Result<(), RoomError> {
        let (before, first, head) = (self.before, room.first, room.head);
        if before <= first {
            return Err(RoomError::Senseless(format!(
                "there is nothing before {before} in {name}: its oldest entry is {first}, so give \
                 --before a larger number"
            )));
        }
        if before > head + 1 {
            return Err(RoomError::Senseless(format!(
                "{name} has no entry {}: its newest is {head}; --before {} takes all of it away",
                before - 1,
                head + 1
            )));
        }
        Ok(())
    }
}

fn gone(name: &str) -> RoomError {
    RoomError::Senseless(format!("the room {name} is not there any more"))
}

/// Whether whoever sits at the terminal wants it.
fn is_confirmed(question: &str) -> Result<bool, RoomError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let words = "this takes entries away for ever, and nobody is there to be asked: add --yes";
        return Err(RoomError::Senseless(words.into()));
    }
    let mut out = io::stderr().lock();
    write!(out, "{question}  [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
