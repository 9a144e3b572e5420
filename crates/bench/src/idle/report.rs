//! What a memory measurement says.

use std::fmt;

use serde::Serialize;

use crate::output::Outcome;
use crate::plot::{Bar, Bars};
use crate::tables::{Facts, grouped, rounded};

/// Most bytes per connection, and from how many connections on it is looked at: with fewer, what is
/// needed only once counts for too much.
const LIMIT: f64 = 1_024.0;
const ENOUGH: usize = 10_000;
/// The same of a further room, over all connections.
const ROOM_LIMIT: f64 = 64.0;
const ENOUGH_PLACES: usize = 100_000;
/// The same of a room that nobody is in, beside its log.
const EMPTY_ROOM_LIMIT: f64 = 1_024.0;
const ENOUGH_ROOMS: usize = 10_000;

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Default, Serialize)]
pub struct IdleReport {
    /// The door that was measured.
    pub url: String,
    /// Private bytes with nobody there, after a warm-up.
    pub private_at_zero: u64,
    /// With more and more connections.
    pub steps: Vec<Step>,
    /// The most that any of these growths comes to per connection: what is judged.
    pub bytes_per_connection: f64,
    /// Growth from the first number of connections to the last, per connection; absent if there is
    /// only one number. What the warm-up left in the allocator's hands hides nothing here.
    pub bytes_per_further_connection: Option<f64>,
    /// Members of the room, as the server counts them.
    pub counted_by_server: u64,
    /// What large messages left behind.
    pub burst: Option<Burst>,
    /// Private bytes after all of them left.
    pub private_after_all_left: u64,
    /// With all connections again, the second time.
    pub private_with_all_again: u64,
    /// Growth from none, after all have left, to all again, per connection.
    pub bytes_per_connection_again: f64,
    /// Growth from the first time to the second, per connection: what leaks, or nearly 0.
    pub growth_per_connection: f64,
    /// Further rooms of connections.
    pub rooms: Option<FurtherRooms>,
    /// Rooms in which nobody is.
    pub empty_rooms: Option<EmptyRooms>,
    /// Most bytes per connection that pass.
    pub limit_bytes: f64,
    /// Whether that is within the limit; absent with fewer than 10,000 connections.
    pub passed: Option<bool>,
}

/// Some connections, joined and idle.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// How many.
    pub connections: usize,
    /// Private bytes.
    pub private: u64,
    /// Growth from none, per connection: from the less of the two readings with nobody there, as an
    /// allocator may give back late what the warm-up needed.
    pub bytes_per_connection: f64,
}

/// Large messages, and what they left behind.
#[derive(Debug, Clone, Serialize)]
pub struct Burst {
    /// Messages, each delivered to all.
    pub messages: usize,
    /// Bytes of a message's text.
    pub message_bytes: usize,
    /// Private bytes before.
    pub private_before: u64,
    /// When all is quiet again.
    pub private_after: u64,
    /// Growth of the rooms' logs meanwhile, if the server tells.
    pub log_bytes: Option<f64>,
    /// What is left beside the logs, per connection.
    pub bytes_left_per_connection: f64,
}

/// Rooms that connections have joined beside their first.
#[derive(Debug, Clone, Serialize)]
pub struct FurtherRooms {
    /// Connections.
    pub connections: usize,
    /// Further rooms of each; all are in the same ones.
    pub rooms: usize,
    /// Private bytes before.
    pub private_before: u64,
    /// After.
    pub private_after: u64,
    /// Growth per connection and room; the rooms' own share is in it.
    pub bytes_per_room: f64,
    /// Whether that is at most 64; absent with fewer than 100,000 joins.
    pub passed: Option<bool>,
}

/// Rooms in which something was said and nobody is any more.
#[derive(Debug, Clone, Serialize)]
pub struct EmptyRooms {
    /// How many.
    pub rooms: usize,
    /// Private bytes before.
    pub private_before: u64,
    /// After.
    pub private_after: u64,
    /// Growth of the rooms' logs meanwhile, if the server tells.
    pub log_bytes: Option<f64>,
    /// Growth per room.
    pub bytes_per_room: f64,
    /// Growth per room beside its log.
    pub bytes_per_room_beside_log: Option<f64>,
    /// Whether that is at most 1,024; absent with fewer than 10,000 rooms.
    pub passed: Option<bool>,
}

fn growth(more: u64, less: u64, count: usize) -> f64 {
    (more as f64 - less as f64) / count.max(1) as f64
}

impl IdleReport {
    pub(super) fn step(&mut self, connections: usize, private: u64) {
        self.steps.push(Step {
            connections,
            private,
            bytes_per_connection: 0.0,
        });
        if let [first, .., last] = &self.steps[..] {
            let more = last.connections - first.connections;
            self.bytes_per_further_connection = Some(growth(last.private, first.private, more));
        }
    }

    pub(super) fn again(&mut self, private: u64) {
        let (all, first) = match self.steps.last() {
            Some(last) => (last.connections, last.private),
            None => return,
        };
        let zero = self.private_at_zero.min(self.private_after_all_left);
        for step in &mut self.steps {
            step.bytes_per_connection = growth(step.private, zero, step.connections);
        }
        self.limit_bytes = LIMIT;
        let steps = self.steps.iter().filter(|it| {
            // Few among many: what is needed only once would count for too much.
            it.connections >= ENOUGH || all < ENOUGH
        });
        self.bytes_per_connection = steps
            .map(|step| step.bytes_per_connection)
            .chain(self.bytes_per_further_connection)
            .fold(f64::NEG_INFINITY, f64::max);
        self.passed = (all >= ENOUGH).then_some(self.bytes_per_connection <= LIMIT);
        self.private_with_all_again = private;
        self.bytes_per_connection_again = growth(private, self.private_after_all_left, all);
        self.growth_per_connection = growth(private, first, all);
    }
}

impl Burst {
    pub(super) fn of(
        [private_before, private_after]: [u64; 2],
        log_bytes: Option<f64>,
        (messages, message_bytes): (usize, usize),
        connections: usize,
    ) -> Self {
        let left = private_after as f64 - private_before as f64 - log_bytes.unwrap_or(0.0);
        Self {
            messages,
            message_bytes,
            private_before,
            private_after,
            log_bytes,
            bytes_left_per_connection: left / connections.max(1) as f64,
        }
    }
}

impl FurtherRooms {
    pub(super) fn of(
        [private_before, private_after]: [u64; 2],
        connections: usize,
        rooms: usize,
    ) -> Self {
        let bytes_per_room = growth(private_after, private_before, connections * rooms);
        Self {
            connections,
            rooms,
            private_before,
            private_after,
            bytes_per_room,
            passed: (connections * rooms >= ENOUGH_PLACES).then_some(bytes_per_room <= ROOM_LIMIT),
        }
    }
}

impl EmptyRooms {
    pub(super) fn of(
        [private_before, private_after]: [u64; 2],
        log_bytes: Option<f64>,
        rooms: usize,
    ) -> Self {
        let bytes_per_room = growth(private_after, private_before, rooms);
        let beside_log = log_bytes.map(|logs| bytes_per_room - logs / rooms as f64);
        Self {
            rooms,
            private_before,
            private_after,
            log_bytes,
            bytes_per_room,
            bytes_per_room_beside_log: beside_log,
            passed: beside_log
                .filter(|_| rooms >= ENOUGH_ROOMS)
                .map(|bytes| bytes <= EMPTY_ROOM_LIMIT),
        }
    }
}

impl Outcome for IdleReport {
    fn svg(&self) -> String {
        let bar = |class, name: String, private: u64, words: String| Bar {
            class,
            name,
            value: private as f64 / 1e6,
            words,
        };
        let mut bars = vec![bar("raw", "0".into(), self.private_at_zero, String::new())];
        for step in &self.steps {
            let words = format!("{} B each", rounded(Some(step.bytes_per_connection)));
            let name = grouped(step.connections as u64);
            bars.push(bar("parlour", name, step.private, words));
        }
        if let Some(burst) = &self.burst {
            let name = format!("after {} × 64 KiB", burst.messages);
            bars.push(bar("other", name, burst.private_after, String::new()));
        }
        let left = self.private_after_all_left;
        bars.push(bar("raw", "0, all left".into(), left, String::new()));
        if let Some(last) = self.steps.last() {
            let name = format!("{} again", grouped(last.connections as u64));
            let again = self.private_with_all_again;
            bars.push(bar("parlour", name, again, String::new()));
        }
        Bars {
            head: "Private memory with idle connections, each in a room".into(),
            caption: "bytes each: growth from none; signed in as users of their own, heartbeats on"
                .into(),
            unit: "MB",
            bars,
        }
        .svg()
    }

    fn failures(&self) -> Vec<String> {
        let over = |what: &str, bytes: f64, limit: f64| {
            format!("{what} takes {bytes:.0} bytes, and may take {limit:.0}")
        };
        let mut failures = Vec::new();
        if self.passed == Some(false) {
            failures.push(over("an idle connection", self.bytes_per_connection, LIMIT));
        }
        if let Some(rooms) = self.rooms.as_ref().filter(|it| it.passed == Some(false)) {
            failures.push(over("a further room", rooms.bytes_per_room, ROOM_LIMIT));
        }
        if let Some(rooms) = &self.empty_rooms
            && let Some(bytes) = rooms.bytes_per_room_beside_log
            && rooms.passed == Some(false)
        {
            let what = "a room that nobody is in";
            failures.push(over(what, bytes, EMPTY_ROOM_LIMIT));
        }
        failures
    }
}

impl fmt::Display for IdleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: idle connections, each in a room", self.url)?;
        let heads = ["connections", "private bytes", "bytes per connection"];
        writeln!(f, "  {:>11}  {:>15}  {:>20}", heads[0], heads[1], heads[2])?;
        let zero = grouped(self.private_at_zero);
        writeln!(f, "  {:>11}  {zero:>15}  {:>20}", 0, "")?;
        for step in &self.steps {
            writeln!(
                f,
                "  {:>11}  {:>15}  {:>20}",
                grouped(step.connections as u64),
                grouped(step.private),
                rounded(Some(step.bytes_per_connection))
            )?;
        }
        writeln!(f)?;
        let mut facts = Facts::default();
        if let Some(further) = self.bytes_per_further_connection {
            let note = "from the first number to the last; the kernel has some 4 KB more";
            facts.add("bytes per further one", rounded(Some(further)), note);
        }
        facts.add(
            "counted by the server",
            grouped(self.counted_by_server),
            "members of the room",
        );
        facts.add(
            "after all left",
            grouped(self.private_after_all_left),
            "what the allocator keeps",
        );
        facts.add("with all again", grouped(self.private_with_all_again), "");
        facts.add(
            "bytes per connection",
            rounded(Some(self.bytes_per_connection_again)),
            "from all left to all again",
        );
        facts.add(
            "growth per connection",
            rounded(Some(self.growth_per_connection)),
            "second time against first: leaks show here",
        );
        self.further_facts(&mut facts);
        facts.write(f)?;
        if let Some(passed) = self.passed {
            let word = if passed { "pass" } else { "OVER" };
            let [most, limit] =
                [self.bytes_per_connection, self.limit_bytes].map(|it| rounded(Some(it)));
            writeln!(
                f,
                "\n  the most of these growths per connection: {most}, limit {limit}: {word}"
            )?;
        }
        Ok(())
    }
}

impl IdleReport {
    fn further_facts(&self, facts: &mut Facts) {
        if let Some(burst) = &self.burst {
            facts.add(
                "burst of 64 KiB, messages",
                grouped(burst.messages as u64),
                "",
            );
            let left = rounded(Some(burst.bytes_left_per_connection));
            let note = match burst.log_bytes {
                Some(_) => "beside the room's log, when all is quiet again",
                None => "with the room's log, which the server does not tell",
            };
            facts.add("  left per connection, B", left, note);
        }
        if let Some(rooms) = &self.rooms {
            let each = rounded(Some(rooms.bytes_per_room));
            let note = "per connection and room, with the rooms' own share";
            let note = format!("{note}{}", verdict(rooms.passed, ROOM_LIMIT));
            facts.add("bytes per further room", each, note);
        }
        if let Some(rooms) = &self.empty_rooms {
            let each = rounded(Some(rooms.bytes_per_room));
            facts.add("bytes per empty room", each, "with its log of one entry");
            let beside = rounded(rooms.bytes_per_room_beside_log);
            let note = verdict(rooms.passed, EMPTY_ROOM_LIMIT);
            facts.add("  beside its log", beside, note.trim_start_matches("; "));
        }
    }
}

/// What is said behind a figure with a limit, where there were enough to judge it.
fn verdict(passed: Option<bool>, limit: f64) -> String {
    let limit = rounded(Some(limit));
    match passed {
        None => String::new(),
        Some(true) => format!("; limit {limit}: pass"),
        Some(false) => format!("; limit {limit}: OVER"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> IdleReport {
        let mut report = IdleReport {
            private_at_zero: 5_000_000,
            ..IdleReport::default()
        };
        report.step(10_000, 15_000_000);
        report.step(20_000, 24_000_000);
        report.private_after_all_left = 14_000_000;
        report.again(24_400_000);
        report
    }

    #[test]
    fn growth_counts_from_none_from_less_and_from_all_left() {
        let report = report();
        let each = |report: &IdleReport| -> Vec<f64> {
            let steps = report.steps.iter();
            steps.map(|it| it.bytes_per_connection).collect()
        };
        assert_eq!(each(&report), [1_000.0, 950.0]);
        // What the warm-up needed was given back after the first reading.
        let mut late = report.clone();
        late.private_after_all_left = 4_900_000;
        late.again(24_400_000);
        assert_eq!(each(&late), [1_010.0, 955.0]);
        assert_eq!(report.bytes_per_further_connection, Some(900.0));
        assert_eq!(report.bytes_per_connection_again, 520.0);
        assert_eq!(report.growth_per_connection, 20.0);
        assert_eq!(
            (report.bytes_per_connection, report.passed),
            (1_000.0, Some(true))
        );
    }

    #[test]
    fn one_number_over_the_limit_is_enough_and_few_connections_say_nothing() {
        let mut over = report();
        over.step(30_000, 5_000_000 + 30_000 * 1_025);
        over.again(24_400_000);
        assert_eq!((over.passed, over.failures().len()), (Some(false), 1));
        let mut few = IdleReport::default();
        few.step(100, 90_000_000);
        few.again(90_000_000);
        assert_eq!((few.passed, few.failures().len()), (None, 0));
        assert_eq!(few.bytes_per_further_connection, None);
    }

    #[test]
    fn logs_are_told_apart_from_what_is_left() {
        let burst = Burst::of([10_000, 31_000], Some(20_000.0), (4, 65_024), 100);
        assert_eq!(burst.bytes_left_per_connection, 10.0);
        let rooms = EmptyRooms::of([0, 90_000], Some(10_000.0), 100);
        assert_eq!(
            (rooms.bytes_per_room, rooms.bytes_per_room_beside_log),
            (900.0, Some(800.0))
        );
        assert_eq!(
            EmptyRooms::of([0, 9], None, 9).bytes_per_room_beside_log,
            None
        );
        assert_eq!(FurtherRooms::of([100, 6_500], 10, 20).bytes_per_room, 32.0);
    }

    #[test]
    fn rooms_are_judged_when_there_are_enough_of_them() {
        let judged = |places: f64, empty: f64| {
            let bytes = |each: f64, count: usize| [0, (each * count as f64) as u64];
            let report = IdleReport {
                rooms: Some(FurtherRooms::of(bytes(places, 200_000), 10_000, 20)),
                empty_rooms: Some(EmptyRooms::of(bytes(empty, 10_000), Some(0.0), 10_000)),
                ..report()
            };
            report.failures().len()
        };
        assert_eq!(judged(64.0, 1_024.0), 0);
        assert_eq!(judged(65.0, 1_024.0), 1);
        assert_eq!(judged(64.0, 1_025.0), 1);
        assert_eq!(judged(65.0, 1_025.0), 2);
        assert_eq!(FurtherRooms::of([0, 9_000], 10, 9).passed, None);
        assert_eq!(EmptyRooms::of([0, 90_000], Some(0.0), 9).passed, None);
    }

    #[test]
    fn the_plot_has_a_bar_per_stage() {
        let mut report = report();
        assert_eq!(report.svg().matches("class=\"bar\"").count(), 5);
        report.burst = Some(Burst::of([1, 2], None, (4, 9), 1));
        assert_eq!(report.svg().matches("class=\"bar\"").count(), 6);
    }
}
