//! `parlour room …`: the rooms on disk.

mod show;
mod table;
mod trim;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use parlour_server::rooms::{KeptRoom, Rooms, RoomsError};
use parlour_server::settings::SettingsError;

use crate::harmless::{harmless, harmless_json};
use crate::place::{Data, Place, quoted};

/// What can be done with rooms on disk
#[derive(Debug, Subcommand)]
pub(crate) enum Room {
    /// List the rooms: how much of each is kept, and when somebody last said something
    #[command(after_help = LIST_EXAMPLES)]
    List(Listing),
    /// Print entries of a room
    #[command(after_help = show::EXAMPLES)]
    Show(show::Showing),
    /// Read everything, and name what is not as it was written
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Verifying),
    /// Take away the oldest entries of a room, for ever
    #[command(after_help = trim::EXAMPLES)]
    Trim(trim::Trimming),
}

/// The help of `parlour room`.
pub(crate) const EXAMPLES: &str = "\
Works on a running server, and on a stopped one. Rooms in memory alone (the setting --rooms) are not
on disk, and not shown.

Examples:
  parlour room list                   which rooms there are, and how large they are
  parlour room show den               the newest entries of the room den
  parlour room verify                 is everything on disk what was written?
  parlour room trim den --before 500  take away the entries 1 to 499 of den";

const LIST_EXAMPLES: &str = "\
Examples:
  parlour room list
  parlour room list --json | jq -r 'select(.bytes > 1e6) | .room'
      One JSON object per line: room, epoch, entries, bytes, first, head, last_sent (RFC 3339) and
      partition.";

/// In which form.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomError {
    #[error(transparent)]
    Rooms(#[from] RoomsError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("{0}")]
    Senseless(String),
    #[error("the answer of the server makes no sense: {0}; look that it is of this version")]
    BadEntry(#[from] serde_json::Error),
    #[error("the result cannot be written: {0}; give standard output a reader")]
    Output(#[from] io::Error),
}

/// Does it, and says what was done; status 1 if something is damaged.
pub(crate) fn run(room: &Room) -> Result<ExitCode, RoomError> {
    match room {
        Room::List(listing) => list(listing),
        Room::Show(showing) => showing.run().map(|()| ExitCode::SUCCESS),
        Room::Verify(verifying) => verifying.run(),
        Room::Trim(trimming) => trimming.run().map(|()| ExitCode::SUCCESS),
    }
}

fn list(listing: &Listing) -> Result<ExitCode, RoomError> {
    let data = listing.place.found()?;
    let all = Rooms::of(&data.0)?.list()?;
    let mut out = io::stdout().lock();
    if listing.json {
        for room in &all.rooms {
            writeln!(out, "{}", harmless_json(&serde_json::to_string(room)?))?;
        }
    } else if all.rooms.is_empty() && all.damaged.is_empty() {
        writeln!(
            out,
            "no rooms on disk; the first thing that is said in one makes it: parlour pub den hello"
        )?;
    } else {
        table::rooms(&all.rooms, &mut out)?;
    }
    out.flush()?;
    for damage in &all.damaged {
        crate::harmless::tell(verify::words(damage));
    }
    Ok(match all.damaged.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The room of that name.
fn found(rooms: &Rooms, name: &str, data: &Data) -> Result<KeptRoom, RoomError> {
    rooms.find(name)?.ok_or_else(|| {
        RoomError::Senseless(format!(
            "there is no room {} on disk: see which there are with: parlour room list{}",
            quoted(&harmless(name)),
            data.flag()
        ))
    })
}

fn say(words: &str) -> Result<(), RoomError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{words}")?;
    out.flush()?;
    Ok(())
}

/// `1 entry`, `2 entries`.
fn entries(number: u64) -> String {
    match number {
        1 => "1 entry".into(),
        number => format!("{number} entries"),
    }
}
