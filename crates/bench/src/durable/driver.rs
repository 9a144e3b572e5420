//! Publishes by a schedule and times every answer, whoever gives it.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::BenchError;
use crate::generator::{Load, PATIENCE};

/// Publishes of one publisher that wait for their answer: as many as a server reads on with.
pub(crate) const WINDOW: usize = 64;
/// Below this the system's timers are too coarse to wait for what is due next.
const COARSE: Duration = Duration::from_millis(2);
/// Longest wait for an answer before the clock is looked at again.
const TURN: Duration = Duration::from_millis(20);

/// Longest latency that is told from longer ones, in nanoseconds.
const LONGEST: u64 = 600_000_000_000;

/// Some publishers, and who answers them.
pub(crate) trait Publishers {
    /// How many there are.
    fn count(&self) -> usize;

    /// Publishes the next entry of one of them.
    fn publish(&mut self, publisher: usize, id: u64) -> Result<(), BenchError>;

    /// Sends what was published.
    fn flush(&mut self) -> Result<(), BenchError>;

    /// Adds the ids that are answered by now, after waiting for one for at most `wait`.
    fn answers(&mut self, wait: Duration, answered: &mut Vec<u64>) -> Result<(), BenchError>;
}

/// One step of load on one system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) load: Load,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

/// What a step measured.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    /// Acknowledged within the measured time.
    pub(crate) acknowledged: u64,
    /// The measured time.
    pub(crate) elapsed: Duration,
    /// Acknowledged in all, with the warm-up and what was still on its way at the end.
    pub(crate) all: u64,
    /// Due in the measured time and not even sent in it. They are among the latencies with the
    /// time that they had waited at the end, which is less than what they would have taken.
    pub(crate) unsent: u64,
    /// Nanoseconds from when a publish was due until its answer.
    pub(crate) latency: Histogram<u64>,
}

impl Timed {
    /// Acknowledged per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.acknowledged as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds within which a share of the answers came.
    pub(crate) fn latency_ms(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1e6
    }
}

/// Runs a step: until its end, and until everything that was published is answered.
pub(crate) fn run(
    publishers: &mut impl Publishers,
    step: &Step,
    next_id: &mut u64,
) -> Result<Timed, BenchError> {
    Run::new(publishers.count(), step, next_id)?.drive(publishers)
}

struct Waiting {
    due: u64,
    publisher: usize,
}

struct Run<'a> {
    began: Instant,
    measured_from: u64,
    end: u64,
    pace: Pace,
    next_id: &'a mut u64,
    waiting: HashMap<u64, Waiting>,
    timed: Timed,
}

impl<'a> Run<'a> {
    fn new(publishers: usize, step: &Step, next_id: &'a mut u64) -> Result<Self, BenchError> {
        let latency = Histogram::new_with_bounds(1, LONGEST, 3)
            .map_err(|error| BenchError::Options(format!("the histogram: {error}")))?;
        let measured_from = step.warm_up.as_nanos() as u64;
        Ok(Self {
            began: Instant::now(),
            measured_from,
            end: measured_from + step.duration.as_nanos() as u64,
            pace: Pace::new(step.load, publishers),
            next_id,
            waiting: HashMap::new(),
            timed: Timed {
                acknowledged: 0,
                elapsed: step.duration,
                all: 0,
                unsent: 0,
                latency,
            },
        })
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn drive(mut self, publishers: &mut impl Publishers) -> Result<Timed, BenchError> {
        let mut answered = Vec::new();
        let (mut now, mut last_answer) = (self.now(), Instant::now());
        loop {
            while now < self.end
                && let Some((publisher, due)) = self.pace.next(now)
            {
                let id = *self.next_id;
                *self.next_id += 1;
                self.waiting.insert(id, Waiting { due, publisher });
                publishers.publish(publisher, id)?;
            }
            publishers.flush()?;
            if now >= self.end && self.waiting.is_empty() {
                return Ok(self.finish());
            }
            publishers.answers(self.wait(now), &mut answered)?;
            now = self.now();
            if !answered.is_empty() {
                last_answer = Instant::now();
            } else if !self.waiting.is_empty() && last_answer.elapsed() > PATIENCE {
                return Err(BenchError::Unanswered {
                    publishes: self.waiting.len(),
                    seconds: PATIENCE.as_secs(),
                });
            } else if self.waiting.is_empty() {
                last_answer = Instant::now();
            }
            for id in answered.drain(..) {
                self.take(id, now)?;
            }
        }
    }

    /// How long nothing but an answer can happen.
    fn wait(&self, now: u64) -> Duration {
        let next = match self.pace.next_due() {
            Some(due) => due.min(self.end),
            None => self.end,
        };
        if now >= self.end {
            return TURN;
        }
        let left = Duration::from_nanos(next.saturating_sub(now));
        if left < COARSE && self.pace.next_due().is_some() {
            thread::yield_now();
            return Duration::ZERO;
        }
        // Rather early than late.
        left.saturating_sub(COARSE / 2).min(TURN)
    }

    fn take(&mut self, id: u64, now: u64) -> Result<(), BenchError> {
        let Some(Waiting { due, publisher }) = self.waiting.remove(&id) else {
            return Err(BenchError::Unequal(format!(
                "an answer to {id}, which was not published or is answered"
            )));
        };
        self.pace.answered(publisher);
        self.timed.all += 1;
        if (self.measured_from..self.end).contains(&now) {
            self.timed.acknowledged += 1;
        }
        self.record(due, now);
        Ok(())
    }

    /// What was due before or after the measured time does not count.
    fn record(&mut self, due: u64, until: u64) {
        if (self.measured_from..self.end).contains(&due) {
            self.timed
                .latency
                .saturating_record(until.saturating_sub(due).max(1));
        }
    }

    fn finish(mut self) -> Timed {
        while let Some(due) = self.pace.skip(self.end) {
            if due >= self.measured_from {
                self.timed.unsent += 1;
            }
            self.record(due, self.end);
        }
        self.timed
    }
}

/// Who publishes next, and when that was due.
struct Pace {
    load: Load,
    /// Per publisher: on their way, and how many may be.
    publishers: Vec<(usize, usize)>,
    turn: usize,
    published: u64,
}

impl Pace {
    fn new(load: Load, publishers: usize) -> Self {
        let share = |publisher: usize| match load {
            Load::Outstanding(most) => {
                most / publishers + usize::from(publisher < most % publishers)
            }
            Load::Rate(_) => WINDOW,
        };
        Self {
            load,
            publishers: (0..publishers)
                .map(|publisher| (0, share(publisher).min(WINDOW)))
                .collect(),
            turn: 0,
            published: 0,
        }
    }

    /// The next publisher and the instant at which its publish was due, if it is by `now`.
    fn next(&mut self, now: u64) -> Option<(usize, u64)> {
        // In a closed loop the next is due when an answer has made room for it, which is now.
        let due = self.next_due().unwrap_or(now);
        if due > now {
            return None;
        }
        let count = self.publishers.len();
        let mut turns = (0..count).map(|step| (self.turn + step) % count);
        let chosen = turns.find(|&it| self.publishers[it].0 < self.publishers[it].1)?;
        self.publishers[chosen].0 += 1;
        self.turn = (chosen + 1) % count;
        self.published += 1;
        Some((chosen, due))
    }

    /// When the next publish is due, where a clock says so.
    fn next_due(&self) -> Option<u64> {
        match self.load {
            Load::Outstanding(_) => None,
            Load::Rate(rate) => Some((self.published as f64 / rate * 1e9) as u64),
        }
    }

    /// Passes over a publish that was due before `end` and was not sent.
    fn skip(&mut self, end: u64) -> Option<u64> {
        let due = self.next_due().filter(|due| *due < end)?;
        self.published += 1;
        Some(due)
    }

    fn answered(&mut self, publisher: usize) {
        self.publishers[publisher].0 -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers at once, or never more than `most` of those that wait.
    struct Echo {
        publishers: usize,
        pending: Vec<u64>,
        deepest: usize,
        each: usize,
    }

    impl Echo {
        fn new(publishers: usize, each: usize) -> Self {
            Self {
                publishers,
                pending: Vec::new(),
                deepest: 0,
                each,
            }
        }
    }

    impl Publishers for Echo {
        fn count(&self) -> usize {
            self.publishers
        }

        fn publish(&mut self, _: usize, id: u64) -> Result<(), BenchError> {
            self.pending.push(id);
            self.deepest = self.deepest.max(self.pending.len());
            Ok(())
        }

        fn flush(&mut self) -> Result<(), BenchError> {
            Ok(())
        }

        fn answers(&mut self, _: Duration, answered: &mut Vec<u64>) -> Result<(), BenchError> {
            let count = self.each.min(self.pending.len());
            answered.extend(self.pending.drain(..count));
            Ok(())
        }
    }

    fn step(load: Load) -> Step {
        Step {
            load,
            warm_up: Duration::from_millis(1),
            duration: Duration::from_millis(5),
        }
    }

    #[test]
    fn a_closed_loop_keeps_so_many_on_their_way_and_no_more() {
        for (outstanding, publishers, deepest) in [(1, 4, 1), (6, 4, 6), (500, 4, 4 * WINDOW)] {
            let mut echo = Echo::new(publishers, usize::MAX);
            let timed = run(&mut echo, &step(Load::Outstanding(outstanding)), &mut 0).unwrap();
            assert_eq!(echo.deepest, deepest);
            assert!(timed.all >= timed.acknowledged && echo.pending.is_empty());
            assert_eq!(timed.unsent, 0);
        }
    }

    #[test]
    fn an_open_loop_publishes_all_that_is_due() {
        let mut next = 7;
        let mut echo = Echo::new(3, usize::MAX);
        let timed = run(&mut echo, &step(Load::Rate(10_000.0)), &mut next).unwrap();
        // 6 ms at 10 per ms, sent or passed over; of these 5 ms count.
        let passed = 60 - timed.all;
        assert_eq!(next - 7, timed.all);
        assert!(passed >= timed.unsent);
        assert_eq!(timed.latency.len(), 50);
        assert!(timed.latency_ms(0.99) > 0.0 && timed.latency_ms(0.5) <= timed.latency_ms(0.99));
    }

    #[test]
    fn what_could_not_be_sent_counts_with_the_time_that_it_waited() {
        let mut pace = Pace::new(Load::Rate(1_000.0), 1);
        let sent = std::iter::from_fn(|| pace.next(u64::MAX)).count();
        assert_eq!(sent, WINDOW);
        let end = 100_000_000;
        let left: Vec<u64> = std::iter::from_fn(|| pace.skip(end)).collect();
        assert_eq!(left.len(), 100 - WINDOW);
        assert_eq!((left[0], left[35]), (64_000_000, 99_000_000));
    }

    #[test]
    fn a_publisher_whose_window_is_full_is_passed_over() {
        let mut pace = Pace::new(Load::Outstanding(2), 2);
        assert_eq!(pace.next(5), Some((0, 5)));
        assert_eq!(pace.next(6), Some((1, 6)));
        assert_eq!(pace.next(7), None);
        pace.answered(1);
        assert_eq!(pace.next(8), Some((1, 8)));
    }

    #[test]
    fn an_answer_to_nothing_is_an_error() {
        let step = step(Load::Outstanding(1));
        let mut next = 0;
        let mut run = Run::new(1, &step, &mut next).unwrap();
        assert!(run.take(3, 0).is_err());
    }
}
