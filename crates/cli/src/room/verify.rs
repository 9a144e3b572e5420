//! `parlour room verify`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use parlour_server::rooms::{Damage, Rooms, Verdict};
use serde_json::json;

use super::{RoomError, entries, found, say, table};
use crate::harmless::{harmless, harmless_json, tell};
use crate::place::Place;

pub(super) const EXAMPLES: &str = "\
Reads every entry of every room, and compares it with its checksum and with what must stand before and
behind it. A server goes on meanwhile. Status 0: all is as it was written; 1: something is not.

Examples:
  parlour room verify
  parlour room verify den
  parlour room verify --json
      One JSON object: whole, rooms, entries, bytes, damages, and damaged with room, seq and what of
      each; of more than 1000 the first.";

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct Verifying {
    /// Only this room
    room: Option<String>,
    /// Print one JSON object, and no progress
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Verifying {
    pub(super) fn run(&self) -> Result<ExitCode, RoomError> {
        let data = self.place.found()?;
        let rooms = Rooms::of(&data.0)?;
        let all = match &self.room {
            Some(room) => found(&rooms, room, &data)?.entries,
            None => rooms.list()?.rooms.iter().map(|room| room.entries).sum(),
        };
        let bar = bar(all, self.json);
        let verdict = rooms.verify(self.room.as_deref(), |looked| {
            bar.set_position(looked.entries);
        })?;
        bar.finish_and_clear();
        if self.json {
            print_json(&verdict)?;
        } else {
            print(&verdict, &data.flag())?;
        }
        Ok(match verdict.looked.damages {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

/// On standard error, and only where that is a terminal.
fn bar(all: u64, is_hidden: bool) -> ProgressBar {
    if is_hidden {
        return ProgressBar::hidden();
    }
    let template = "verifying {bar:30} {human_pos}/{human_len} entries, {per_sec}";
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(all);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn print(verdict: &Verdict, flag: &str) -> Result<(), RoomError> {
    let looked = verdict.looked;
    let so_much = format!(
        "{} of {}, {}",
        entries(looked.entries),
        match looked.rooms {
            1 => "1 room".to_owned(),
            rooms => format!("{rooms} rooms"),
        },
        table::size(looked.bytes)
    );
    if looked.damages == 0 {
        return say(&format!("all is as it was written: {so_much}"));
    }
    let mut out = io::stdout().lock();
    for damage in &verdict.damaged {
        writeln!(out, "{}", words(damage))?;
    }
    out.flush()?;
    tell(format!(
        "{} damaged among {so_much}: it is not served to anybody; a backup of the data directory has it, \
         and `parlour room trim ROOM --before SEQ{flag}` takes it away for ever",
        match looked.damages {
            1 => "1 place is".to_owned(),
            places => format!("{places} places are"),
        },
    ));
    Ok(())
}

/// `den, seq 17: …`.
pub(super) fn words(damage: &Damage) -> String {
    let room = damage.room.as_deref().map(harmless);
    let seq = damage.seq.map(|seq| format!(", seq {seq}"));
    format!(
        "{}{}: {}",
        room.as_deref().unwrap_or("of no known room"),
        seq.unwrap_or_default(),
        harmless(&damage.what)
    )
}

fn print_json(verdict: &Verdict) -> Result<(), RoomError> {
    let looked = verdict.looked;
    let line = json!({
        "whole": looked.damages == 0,
        "rooms": looked.rooms,
        "entries": looked.entries,
        "bytes": looked.bytes,
        "damages": looked.damages,
        "damaged": verdict.damaged,
    });
    say(&harmless_json(&line.to_string()))
}
