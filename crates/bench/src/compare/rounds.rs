//! The visits: all servers of a group up and connected, every cell of every server once per round.
//!
//! Each round has processes of its own. Two processes of one program can differ by a tenth for as long
//! as they live, and no number of phases with the same ones shows it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use crate::BenchError;
use crate::compare::driver::{Driver, Visit};
use crate::compare::plan::{Contender, Group, Work, parlour_options};
use crate::compare::{CompareOptions, Programs};
use crate::generator::Load;
use crate::pin::Cores;
use crate::process::ServerProcess;
use crate::progress::Show;
use crate::stats::Seeded;

/// How long a new process is asked for something that is not measured, before all cells.
const WARM_UP: Duration = Duration::from_millis(250);

/// What a group's rounds gave.
#[derive(Debug, Default)]
pub(super) struct Rounds(Vec<BTreeMap<(Work, Contender), Visit>>);

/// A server that is up and connected.
struct Running {
    contender: Contender,
    // The generator goes first, so that its sockets are closed before the server ends.
    driver: Driver,
    process: ServerProcess,
}

impl Rounds {
    pub(super) fn run(
        group: &Group,
        options: &CompareOptions,
        programs: &Programs,
        cores: &Cores,
        show: Show,
    ) -> Result<Self, BenchError> {
        let cells: Vec<(Work, Contender)> = (group.cells.iter())
            .flat_map(|(work, contenders)| contenders.iter().map(|it| (*work, *it)))
            .collect();
        let steps = group.contenders.len() + cells.len();
        let bar = show.count("rounds", options.rounds() as usize * steps);
        let mut order = Seeded::new(options.seed);
        let mut rounds = Self::default();
        for _ in 0..options.rounds() {
            let mut contenders = group.contenders.clone();
            order.shuffle(&mut contenders);
            let mut running = Vec::new();
            for contender in contenders {
                running.push(Running::start(contender, group, options, programs, cores)?);
                bar.inc(1);
            }
            let mut visits = cells.clone();
            order.shuffle(&mut visits);
            let mut round = BTreeMap::new();
            for (work, contender) in visits {
                let place = running.iter_mut().find(|it| it.contender == contender);
                let visited = place.expect("all contenders of a group were started");
                round.insert((work, contender), visited.visit(work, options)?);
                // Now, so that nobody's heartbeats are on another's bill.
                running.iter_mut().try_for_each(Running::service)?;
                bar.inc(1);
            }
            rounds.0.push(round);
        }
        bar.finish_and_clear();
        Ok(rounds)
    }

    /// All visits to a server in a cell, in the order of rounds.
    pub(super) fn of(&self, work: Work, contender: Contender) -> Vec<&Visit> {
        let visits = self.0.iter().map(|round| round.get(&(work, contender)));
        visits.flatten().collect()
    }

    #[cfg(test)]
    pub(super) fn push(&mut self, visits: impl IntoIterator<Item = (Work, Contender, Visit)>) {
        let round = visits
            .into_iter()
            .map(|(work, contender, visit)| ((work, contender), visit));
        self.0.push(round.collect());
    }
}

impl Running {
    fn start(
        contender: Contender,
        group: &Group,
        options: &CompareOptions,
        programs: &Programs,
        cores: &Cores,
    ) -> Result<Self, BenchError> {
        let process = match contender.command() {
            None => {
                let more = parlour_options(&options.server_args);
                ServerProcess::parlour(&programs.parlour, &more, Some(cores))?
            }
            Some(words) => {
                let (program, arguments) = &programs.own;
                let words = words.into_iter().chain(["--addr", "127.0.0.1:0"]);
                ServerProcess::start(program, Some(cores), |_| {
                    let words = words.map(OsString::from);
                    arguments.iter().cloned().chain(words).collect()
                })?
            }
        };
        let driver = Driver::start(
            &programs.own,
            &process,
            group.dialect,
            group.layout,
            options.payload,
        )
        .map_err(|error| explain(contender, &process, error))?;
        let mut running = Self {
            contender,
            driver,
            process,
        };
        // What is needed only once is needed now.
        let load = Load::Outstanding(1);
        let warmed = running.driver.visit(load, Duration::ZERO, WARM_UP);
        warmed.map_err(|error| explain(contender, &running.process, error))?;
        Ok(running)
    }

    fn visit(&mut self, work: Work, options: &CompareOptions) -> Result<Visit, BenchError> {
        let (warm_up, duration) = work.times(options.warmup, options.phase());
        let visit = self.driver.visit(work.load(), warm_up, duration);
        visit.map_err(|error| explain(self.contender, &self.process, error))
    }

    fn service(&mut self) -> Result<(), BenchError> {
        let served = self.driver.service();
        served.map_err(|error| explain(self.contender, &self.process, error))
    }
}

fn explain(contender: Contender, process: &ServerProcess, error: BenchError) -> BenchError {
    match error {
        BenchError::Generator(why) => BenchError::Generator(format!(
            "{why} (the server was {}; its log ends with: {})",
            contender.name(),
            process.last_words()
        )),
        other => other,
    }
}
