//! What a check is run against, and the two halves of every proof.

use std::time::Duration;

use rustix::process::Signal;

use crate::double::{Double, Fault};
use crate::wire::{House, Outcome, Way, require};

/// How the server under test is started; the real one and its doubles understand the same flags.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup {
    pub(crate) flags: &'static [&'static str],
    /// Names and passwords.
    pub(crate) users: &'static [(&'static str, &'static str)],
}

/// A running server: the real one, or a double.
pub(crate) enum Target {
    Real(Box<House>),
    Double(Double),
}

/// How a server ended that was asked to stop.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Exit status.
    pub(crate) status: Option<i32>,
    /// Whether it failed on the way, whatever its status.
    pub(crate) panicked: bool,
}

/// The passwords are unlike anything that could stand in a log or file by chance.
pub(crate) const ANN: (&str, &str) = ("ann", "correct horse battery staple");
pub(crate) const BOB: (&str, &str) = ("bob", "bob-says-a-second-long-password");

impl Target {
    pub(crate) fn real(setup: &Setup) -> Outcome<Self> {
        let house = House::open(setup.flags, setup.users)?;
        Ok(Self::Real(Box::new(house)))
    }

    pub(crate) fn way(&self) -> Way {
        match self {
            Self::Real(house) => house.way.clone(),
            Self::Double(double) => double.way(),
        }
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        match self {
            Self::Real(house) => house.log(),
            Self::Double(double) => double.log(),
        }
    }

    /// The contents of all files that it keeps.
    pub(crate) fn kept(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Real(house) => files_below(&house.data()),
            Self::Double(double) => vec![double.kept()],
        }
    }

    /// Begins a stop.
    pub(crate) fn begin_stop(&self) -> Outcome<()> {
        match self {
            Self::Real(house) => house.signal(Signal::TERM),
            Self::Double(double) => {
                double.begin_stop();
                Ok(())
            }
        }
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> Outcome<Ended> {
        match self {
            Self::Real(house) => {
                let status = house.wait()?.code();
                let panicked = house.log().contains("panicked");
                Ok(Ended { status, panicked })
            }
            Self::Double(double) => double.ended(),
        }
    }

    /// That it serves newcomers.
    pub(crate) fn require_alive(&self) -> Outcome<()> {
        let way = self.way();
        let mut newcomer = way
            .enter_as_guest("newcomer", "elsewhere")
            .map_err(|error| format!("the server does not serve newcomers any more: {error}"))?;
        newcomer.say("alive")?;
        newcomer.expect_heard("alive").map(drop)
    }
}

fn files_below(directory: &std::path::Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path()),
            Ok(kind) if kind.is_file() => std::fs::read(entry.path()).into_iter().collect(),
            _ => Vec::new(),
        })
        .collect()
}

/// One promise, as a client can see it.
pub(crate) type Check = fn(&mut Target) -> Outcome<()>;

/// Shows that the check holds for the real server and can tell: it passes against a double, and
/// fails against the same double with each of these faults.
pub(crate) fn prove(setup: &Setup, check: Check, faults: &[Fault]) {
    assert!(!faults.is_empty(), "a check that cannot fail shows nothing");
    for fault in faults {
        match run_double(setup, check, Some(*fault)) {
            Ok(()) => panic!("the check does not see {fault:?}"),
            Err(how) => println!("{fault:?} is seen: {how}"),
        }
    }
    run_double(setup, check, None).unwrap_or_else(|error| panic!("the faultless double: {error}"));
    let mut real = Target::real(setup).unwrap_or_else(|error| panic!("{error}"));
    check(&mut real).unwrap_or_else(|error| panic!("the real server: {error}"));
}

/// A double with a fault is waited for less long: that nothing comes may be its fault.
const SHORT_PATIENCE: Duration = Duration::from_millis(1_500);
const DOUBLES_PATIENCE: Duration = Duration::from_secs(20);

fn run_double(setup: &Setup, check: Check, fault: Option<Fault>) -> Outcome<()> {
    let patience = fault.map_or(DOUBLES_PATIENCE, |_| SHORT_PATIENCE);
    let double = Double::start(setup, fault, patience)?;
    check(&mut Target::Double(double))
}

/// That it ended in order.
pub(crate) fn require_orderly(ended: &Ended) -> Outcome<()> {
    require(ended.status == Some(0) && !ended.panicked, || {
        format!("it ended badly: {ended:?}")
    })
}
