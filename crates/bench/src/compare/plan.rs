//! What is compared: servers, cells, ratios and gates.

use std::ffi::OsString;
use std::time::Duration;

use serde::Serialize;

use crate::dialect::Dialect;
use crate::generator::Load;
use crate::ledger::Layout;

/// One of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contender {
    /// Parlour through its real door: distinct users, heartbeats, limits, positions.
    Parlour,
    /// The loop of `send()`, one per message and member.
    Raw,
    /// The same with all that waits in one `send()` per member. Also the plain epoll shard: a
    /// whole pass per turn, without cursors.
    RawCoalesced,
    /// axum, a task per connection, a broadcast channel per room, JSON made by each connection.
    Conventional,
    /// The same with JSON that is made once.
    Preencoded,
}

impl Contender {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parlour => "Parlour",
            Self::Raw => "raw send loop",
            Self::RawCoalesced => "raw, coalesced",
            Self::Conventional => "axum + broadcast",
            Self::Preencoded => "axum, encoded once",
        }
    }

    /// The words behind the program's own that start it; `None` for Parlour.
    #[must_use]
    pub fn command(self) -> Option<[&'static str; 3]> {
        match self {
            Self::Parlour => None,
            Self::Raw => Some(["raw-server", "--mode", "plain"]),
            Self::RawCoalesced => Some(["raw-server", "--mode", "coalesced"]),
            Self::Conventional => Some(["conventional-server", "--mode", "each"]),
            Self::Preencoded => Some(["conventional-server", "--mode", "once"]),
        }
    }

    fn is_conventional(self) -> bool {
        matches!(self, Self::Conventional | Self::Preencoded)
    }
}

/// What Parlour is started with: its limits count, and are higher than the load.
#[must_use]
pub fn parlour_options(more: &[OsString]) -> Vec<OsString> {
    const LIMITS: [&str; 4] = [
        "--messages-per-second",
        "1000000",
        "--message-burst",
        "1000000",
    ];
    let is_theirs = |name: &str| {
        more.iter()
            .any(|word| word.to_string_lossy().starts_with(name))
    };
    LIMITS
        .chunks(2)
        .filter(|pair| !is_theirs(pair[0]))
        .flatten()
        .map(OsString::from)
        .chain(more.iter().cloned())
        .collect()
}

/// A cell: a layout and a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum, Serialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A room of 1,000, one message at a time.
    #[value(name = "k1_1000")]
    #[serde(rename = "k1_1000")]
    One,
    /// A room of 1,000, 32 messages in flight.
    #[value(name = "w32_1000")]
    #[serde(rename = "w32_1000")]
    Many,
    /// A room of 1,000, 64 messages in flight.
    #[value(name = "burst64_1000")]
    #[serde(rename = "burst64_1000")]
    Burst64,
    /// A room of 1,000, 128 messages in flight.
    #[value(name = "burst128_1000")]
    #[serde(rename = "burst128_1000")]
    Burst128,
    /// A room of 10,000, one message at a time.
    #[value(name = "k1_10000")]
    #[serde(rename = "k1_10000")]
    OneLarge,
    /// A room of 10,000 asked for 100 messages per second, which is 1,000,000 deliveries.
    #[value(name = "overload_10000")]
    #[serde(rename = "overload_10000")]
    Overload,
    /// 1,000 rooms of 10, one message at a time in all.
    #[value(name = "k1_1000x10")]
    #[serde(rename = "k1_1000x10")]
    OneOfManyRooms,
    /// Memory of an idle connection.
    #[value(name = "idle")]
    #[serde(rename = "idle")]
    Idle,
}

/// Cells that share their connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Room,
    LargeRoom,
    ManyRooms,
}

impl Shape {
    const ALL: [Self; 3] = [Self::Room, Self::LargeRoom, Self::ManyRooms];

    fn layout(self, shrink: usize) -> Layout {
        let (members, rooms) = match self {
            Self::Room => (1_000 / shrink, 1),
            Self::LargeRoom => (10_000 / shrink, 1),
            Self::ManyRooms => (10_000 / shrink, 1_000 / shrink),
        };
        Layout {
            members,
            rooms,
            publishers: 1,
            idle: 0,
        }
    }
}

impl Work {
    const LOADS: [Self; 7] = [
        Self::One,
        Self::Many,
        Self::Burst64,
        Self::Burst128,
        Self::OneLarge,
        Self::Overload,
        Self::OneOfManyRooms,
    ];

    /// Its name in `--only` and in the names of ratios.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "k1_1000",
            Self::Many => "w32_1000",
            Self::Burst64 => "burst64_1000",
            Self::Burst128 => "burst128_1000",
            Self::OneLarge => "k1_10000",
            Self::Overload => "overload_10000",
            Self::OneOfManyRooms => "k1_1000x10",
            Self::Idle => "idle",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::One => "room of 1,000, one message at a time",
            Self::Many => "room of 1,000, 32 messages in flight",
            Self::Burst64 => "room of 1,000, 64 messages in flight",
            Self::Burst128 => "room of 1,000, 128 messages in flight",
            Self::OneLarge => "room of 10,000, one message at a time",
            Self::Overload => "room of 10,000, asked for 1,000,000 deliveries per second",
            Self::OneOfManyRooms => "1,000 rooms of 10, one message at a time",
            Self::Idle => "idle connections",
        }
    }

    fn shape(self) -> Option<Shape> {
        match self {
            Self::One | Self::Many | Self::Burst64 | Self::Burst128 => Some(Shape::Room),
            Self::OneLarge | Self::Overload => Some(Shape::LargeRoom),
            Self::OneOfManyRooms => Some(Shape::ManyRooms),
            Self::Idle => None,
        }
    }

    /// How messages are published.
    #[must_use]
    pub fn load(self) -> Load {
        match self {
            Self::One | Self::OneLarge | Self::OneOfManyRooms | Self::Idle => Load::Outstanding(1),
            Self::Many => Load::Outstanding(32),
            Self::Burst64 => Load::Outstanding(64),
            Self::Burst128 => Load::Outstanding(128),
            Self::Overload => Load::Rate(100.0),
        }
    }

    /// Whether nothing can be coalesced, so that K must be the same for all.
    #[must_use]
    pub fn one_at_a_time(self) -> bool {
        self.load() == Load::Outstanding(1)
    }

    /// How long it is warmed up and measured, where a usual cell has `warm_up` and `phase`.
    #[must_use]
    pub fn times(self, warm_up: Duration, phase: Duration) -> (Duration, Duration) {
        match self {
            // One message takes up to 0.1 s here.
            Self::OneLarge => (2 * warm_up, 2 * phase),
            // The queue that makes the latency has to build up first.
            Self::Overload => (10 * warm_up, (10 * phase).max(OVERLOAD_PHASE)),
            _ => (warm_up, phase),
        }
    }
}

/// Shortest phase of overload.
const OVERLOAD_PHASE: Duration = Duration::from_secs(4);

/// What a ratio is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The server's CPU time per delivery.
    Cpu,
    /// The time until 99 of 100 deliveries.
    P99,
}

/// What Parlour's figure is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// That of another server in the same cell and round.
    Other(Contender),
    /// Its own in another cell of the same round.
    Own(Work),
}

/// When a ratio passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gate {
    /// Its median is at most this.
    Median(f64),
    /// Its lower quartile is at most this: it fails when three rounds of four were dearer. For
    /// two figures that should be equal, of which the median is above the other every second time.
    LowerQuartile(f64),
}

/// A ratio that is told.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// Its name, without the dialect's prefix.
    pub name: &'static str,
    /// Parlour's cell.
    pub work: Work,
    /// Of what.
    pub figure: Figure,
    /// Over what.
    pub over: Over,
    /// When it passes; `None` if it is only told.
    pub gate: Option<Gate>,
}

const fn ratio(name: &'static str, work: Work, over: Contender, gate: Option<Gate>) -> Ratio {
    Ratio {
        name,
        work,
        figure: Figure::Cpu,
        over: Over::Other(over),
        gate,
    }
}

const fn own(name: &'static str, work: Work) -> Ratio {
    Ratio {
        name,
        work,
        figure: Figure::Cpu,
        over: Over::Own(Work::Many),
        gate: Some(Gate::LowerQuartile(1.0)),
    }
}

const SINGLE: Option<Gate> = Some(Gate::Median(1.15));

/// All ratios, in the order in which they are told.
pub const RATIOS: [Ratio; 14] = [
    ratio("raw_k1_1000", Work::One, Contender::Raw, SINGLE),
    ratio("raw_k1_10000", Work::OneLarge, Contender::Raw, SINGLE),
    ratio(
        "raw_k1_1000x10",
        Work::OneOfManyRooms,
        Contender::Raw,
        SINGLE,
    ),
    ratio(
        "raw_w32_1000",
        Work::Many,
        Contender::RawCoalesced,
        Some(Gate::Median(1.25)),
    ),
    ratio(
        "raw_burst64_1000",
        Work::Burst64,
        Contender::RawCoalesced,
        None,
    ),
    ratio(
        "raw_burst128_1000",
        Work::Burst128,
        Contender::RawCoalesced,
        None,
    ),
    own("burst64_over_w32_1000", Work::Burst64),
    own("burst128_over_w32_1000", Work::Burst128),
    Ratio {
        name: "overload_p99_over_plain_shard",
        work: Work::Overload,
        figure: Figure::P99,
        over: Over::Other(Contender::RawCoalesced),
        gate: Some(Gate::Median(0.65)),
    },
    ratio(
        "overload_cpu_over_plain_shard",
        Work::Overload,
        Contender::RawCoalesced,
        None,
    ),
    ratio(
        "conventional_k1_1000",
        Work::One,
        Contender::Conventional,
        None,
    ),
    ratio(
        "conventional_w32_1000",
        Work::Many,
        Contender::Conventional,
        None,
    ),
    ratio("preencoded_k1_1000", Work::One, Contender::Preencoded, None),
    ratio(
        "preencoded_w32_1000",
        Work::Many,
        Contender::Preencoded,
        None,
    ),
];

/// Highest number of bytes of private memory per idle connection that passes.
pub const IDLE_LIMIT: f64 = 1_024.0;
/// What that figure is called.
pub const IDLE_NAME: &str = "idle_bytes_per_connection";

/// The name of a figure at a door.
#[must_use]
pub fn full_name(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Events => name.to_owned(),
        Dialect::V1 => format!("v1_{name}"),
    }
}

/// Servers that are up at once, with the cells that are measured on their connections.
#[derive(Debug, Clone)]
pub struct Group {
    /// What is spoken.
    pub dialect: Dialect,
    /// The connections of each server.
    pub layout: Layout,
    /// The servers.
    pub contenders: Vec<Contender>,
    /// The cells and whom each one visits.
    pub cells: Vec<(Work, Vec<Contender>)>,
}

impl Group {
    /// The groups that `only` asks for (all, if it is empty).
    #[must_use]
    pub fn all(dialect: Dialect, only: &[Work], conventional: bool, shrink: usize) -> Vec<Self> {
        let is_chosen = |work: &Work| only.is_empty() || only.contains(work);
        let groups = Shape::ALL.into_iter().map(|shape| {
            let cells: Vec<(Work, Vec<Contender>)> = Work::LOADS
                .into_iter()
                .filter(|work| work.shape() == Some(shape) && is_chosen(work))
                .map(|work| (work, contenders(work, conventional)))
                .collect();
            let mut all: Vec<Contender> = cells.iter().flat_map(|cell| cell.1.clone()).collect();
            all.sort_unstable();
            all.dedup();
            Self {
                dialect,
                layout: shape.layout(shrink),
                contenders: all,
                cells,
            }
        });
        groups.filter(|group| !group.cells.is_empty()).collect()
    }
}

/// Whom the ratios of a cell need.
fn contenders(work: Work, conventional: bool) -> Vec<Contender> {
    let others = RATIOS.iter().filter(|ratio| ratio.work == work);
    let mut all: Vec<Contender> = others
        .filter_map(|ratio| match ratio.over {
            Over::Other(other) if conventional || !other.is_conventional() => Some(other),
            _ => None,
        })
        .chain([Contender::Parlour])
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_cell_is_in_one_group_and_every_ratio_has_its_servers() {
        let groups = Group::all(Dialect::V1, &[], true, 1);
        let cells: Vec<Work> = (groups.iter())
            .flat_map(|group| group.cells.iter().map(|cell| cell.0))
            .collect();
        assert_eq!(cells, Work::LOADS);
        for ratio in &RATIOS {
            let group = groups
                .iter()
                .find(|group| group.cells.iter().any(|cell| cell.0 == ratio.work));
            let group = group.unwrap();
            match ratio.over {
                Over::Other(other) => {
                    let cell = group.cells.iter().find(|cell| cell.0 == ratio.work);
                    assert!(cell.unwrap().1.contains(&other), "{}", ratio.name);
                }
                Over::Own(work) => assert!(group.cells.iter().any(|cell| cell.0 == work)),
            }
        }
        for group in groups {
            assert_eq!(group.layout.check().ok(), Some(()));
        }
    }

    #[test]
    fn without_a_second_stack_there_are_no_conventional_servers() {
        let groups = Group::all(Dialect::Events, &[Work::One], false, 1);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].contenders, [Contender::Parlour, Contender::Raw]);
        assert!(Group::all(Dialect::Events, &[Work::Idle], true, 1).is_empty());
    }

    #[test]
    fn a_cell_has_one_name() {
        for work in Work::value_variants() {
            let of_option = work.to_possible_value().unwrap();
            assert_eq!(of_option.get_name(), work.name());
            assert_eq!(serde_json::to_value(work).unwrap(), work.name());
        }
    }

    #[test]
    fn the_limits_stay_on_unless_they_are_chosen() {
        let words = |more: &[&str]| {
            let more: Vec<OsString> = more.iter().map(OsString::from).collect();
            let all = parlour_options(&more);
            let all: Vec<String> = all
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            all.join(" ")
        };
        assert_eq!(
            words(&[]),
            "--messages-per-second 1000000 --message-burst 1000000"
        );
        assert_eq!(
            words(&["--messages-per-second=5"]),
            "--message-burst 1000000 --messages-per-second=5"
        );
    }
}
