//! The end of every run: silence, everything read once more from the beginning, the checker's verdict.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use parlour_proto::told::{Told, ask};
use parlour_proto::{Join, Missed, Position};
use tokio::time::{sleep, timeout};

use crate::TortureError;
use crate::checker::{Reader, Room};
use crate::http::Who;
use crate::line::{Line, Lost};
use crate::load::Crowd;
use crate::progress::Show;
use crate::world::{World, content};

/// Longest wait for the answers to what was published last.
const ANSWERS: Duration = Duration::from_secs(30);
/// Longest wait for every reader to have all of it.
const COMPLETE: Duration = Duration::from_secs(30);
/// Longest time for reading everything once more.
const READ: Duration = Duration::from_secs(300);
/// Rooms that one connection reads at once.
const ROOMS_AT_ONCE: usize = 100;

/// How the run ended.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(crate) auditor: Reader,
    /// Publishes without an answer in time.
    pub(crate) unanswered: u64,
}

/// Silence, and then everything once more from the beginning.
pub(crate) async fn audit(
    world: &Arc<World>,
    crowd: &Crowd,
    show: Show,
) -> Result<Audited, TortureError> {
    crowd.order(|orders| orders.speaks = false);
    world
        .until(ANSWERS, |state| state.tally.unanswered == 0)
        .await;
    let unanswered = world.state().tally.unanswered;
    if world.state().checker.is_full() {
        return Err(TortureError::TooMuch);
    }
    let (auditor, from) = world.state().checker.auditor();
    let bar = show.count("reading again", world.state().checker.entries() as u64);
    for rooms in from.chunks(ROOMS_AT_ONCE) {
        let read = timeout(READ, read(world, auditor, rooms, &bar)).await;
        read.map_err(|_| {
            let seconds = READ.as_secs();
            TortureError::Entrance(format!(
                "the rooms could not be read from their beginning within {seconds} s"
            ))
        })?;
    }
    bar.finish_and_clear();
    world
        .until(COMPLETE, |state| state.checker.incomplete(auditor) == 0)
        .await;
    Ok(Audited {
        auditor,
        unanswered,
    })
}

/// Reads these rooms to where they are now, over as many connections as it takes.
async fn read(world: &World, auditor: Reader, rooms: &[(Room, Position)], bar: &ProgressBar) {
    let mut left: Vec<Room> = rooms.iter().map(|it| it.0).collect();
    while !left.is_empty() {
        // Whatever ends a connection here ends it for the clients, too, which say why.
        let _: Result<(), Lost> = pass(world, auditor, &mut left, bar).await;
        if !left.is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn pass(
    world: &World,
    auditor: Reader,
    left: &mut Vec<Room>,
    bar: &ProgressBar,
) -> Result<(), Lost> {
    let who = Who::Guest(format!("{}-audit", world.run));
    let mut line = Line::open(&world.target, &who, None).await?;
    let join = |room: &Room| Join {
        room: world.rooms[room.0].clone(),
        from: world.state().checker.place(auditor, *room),
        presence: false,
    };
    let joins: Vec<Join> = left.iter().map(join).collect();
    let mut frame = Vec::new();
    ask::join(&joins, &mut frame);
    line.send(&frame);
    let mut goals: Vec<(Room, Position)> = Vec::new();
    while !left.is_empty() {
        line.turn(true, |told| {
            bar.inc(u64::from(matches!(told, Told::Entry(_))));
            hear(world, auditor, told, &mut goals);
        })
        .await?;
        let state = world.state();
        let is_there = |(room, goal): &(Room, Position)| {
            let place = state.checker.place(auditor, *room);
            // Without a place the server has disowned it, which is a violation of its own.
            place.is_none_or(|it| it.epoch == goal.epoch && it.seq >= goal.seq)
        };
        goals.retain(|goal| {
            let done = is_there(goal);
            if done {
                left.retain(|room| *room != goal.0);
            }
            !done
        });
    }
    Ok(())
}

fn hear(world: &World, auditor: Reader, told: Told, goals: &mut Vec<(Room, Position)>) {
    let checker = &mut world.state().checker;
    let Some(room) = told.room().and_then(|room| checker.room(room)) else {
        return;
    };
    match told {
        Told::Joined { position, head, .. } => {
            let epoch = position.epoch;
            goals.push((room, Position { epoch, seq: head }));
        }
        Told::Entry(said) => {
            let id = said.id.as_ref().map(|id| world.id(id));
            let content = content(&said.from, said.kind.as_str(), &said.payload);
            checker.told(auditor, room, said.position, id, content);
        }
        Told::Gap { missed, .. } => {
            checker.notice(auditor, room, missed);
            if let Missed::Epoch { was, now } = missed {
                let counted_before = goals.iter_mut().filter(|it| it.0 == room);
                for goal in counted_before.filter(|it| it.1.epoch == was.epoch) {
                    goal.1.epoch = now.epoch;
                }
            }
        }
        Told::Error { .. } => {
            checker.disowned(auditor, room);
            let epoch = parlour_proto::Epoch(0);
            let seq = parlour_proto::Seq(0);
            goals.push((room, Position { epoch, seq }));
        }
        _ => {}
    }
}
