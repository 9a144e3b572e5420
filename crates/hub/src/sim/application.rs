//! A simulated application: it takes its time to answer, and holds the hub to what it was promised.

use std::collections::HashMap;

use parlour_proto::{Command, ConnectionId, Join, Refusal, UserName};

use super::random::Random;
use crate::ask::{Answer, Asked, Asks, What};

/// What the application of a world does with it, and what it has not answered yet.
pub(super) struct Application {
    /// It is asked for every connection.
    pub(super) handles: bool,
    pub(super) asks: Asks,
    random: Random,
    waiting: Vec<(usize, Asked)>,
    lives: HashMap<(usize, ConnectionId), Life>,
}

/// What it knows of a connection.
#[derive(Default)]
struct Life {
    is_open: bool,
    is_over: bool,
    /// It has a question that was not answered.
    waits: bool,
}

impl Application {
    pub(super) fn new(mut random: Random) -> Self {
        Self {
            handles: random.chance(40),
            asks: Asks {
                joins: random.chance(30),
                publishes: random.chance(30),
            },
            random,
            waiting: Vec::new(),
            lives: HashMap::new(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes what the hub asks, each in its place.
    pub(super) fn take(&mut self, shard: usize, asked: Vec<Asked>) -> Result<(), String> {
        for asked in asked {
            let life = self.lives.entry((shard, asked.connection)).or_default();
            let what = &asked.what;
            if life.is_over {
                return Err(format!("asked: {what:?} after the end"));
            }
            match what {
                What::Closed(_) if life.is_open => {
                    life.is_over = true;
                    continue;
                }
                What::Closed(_) => return Err("asked: an end without a beginning".to_owned()),
                What::Opened { .. } if life.is_open => {
                    return Err("asked: opened twice".to_owned());
                }
                What::Opened { .. } => life.is_open = true,
                what if life.is_open != self.handles => {
                    return Err(format!("asked: {what:?} before the beginning"));
                }
                _ => {}
            }
            if std::mem::replace(&mut life.waits, true) {
                return Err(format!("asked: {what:?} while another was not answered"));
            }
            self.waiting.push((shard, asked));
        }
        Ok(())
    }

    /// Some of its answers to a shard, in no order; in the end, all.
    pub(super) fn answers(&mut self, shard: usize, percent: u64) -> Vec<(Asked, Answer)> {
        let mut answers = Vec::new();
        for (of, asked) in std::mem::take(&mut self.waiting) {
            if of != shard || !self.random.chance(percent) {
                self.waiting.push((of, asked));
                continue;
            }
            if let Some(life) = self.lives.get_mut(&(shard, asked.connection)) {
                life.waits = false;
            }
            let answer = self.answer(&asked.what);
            answers.push((asked, answer));
        }
        answers
    }

    fn answer(&mut self, what: &What) -> Answer {
        let refuses = self.random.chance(10);
        match what {
            What::Rename { .. } if refuses => Answer::Refused(Refusal::NameTaken),
            What::Rename { name } => match UserName::guest(name) {
                Ok(name) => Answer::Renamed(name),
                Err(_) => Answer::Refused(Refusal::BadName),
            },
            What::Join(rooms) if self.random.chance(20) => {
                // A room that is named twice is one.
                let mut rooms: Vec<Join> = rooms.clone();
                if let Some(out) = self.random.pick(&rooms).map(|join| join.room.clone()) {
                    rooms.retain(|join| join.room != out);
                }
                Answer::Go(Command::Join { rooms })
            }
            _ if refuses => Answer::Refused(Refusal::NotAllowed),
            _ => Answer::Done,
        }
    }
}
