//! The server, and what can be measured of it from outside.

use std::fmt;
use std::time::Instant;

use serde_json::Value;

use crate::MEMORY_BYTES_MAX;
use crate::wire::{House, PATIENCE, Request, Way};

pub(crate) struct Watched {
    house: House,
}

/// What a process holds.
pub(crate) struct Measured {
    pub(crate) descriptors: usize,
    pub(crate) private_bytes: u64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = self.private_bytes as f64 / f64::from(1 << 20);
        write!(
            f,
            "{} descriptors, {mebibytes:.1} MiB private",
            self.descriptors
        )
    }
}

impl Measured {
    fn is_no_more_than(&self, then: &Self) -> bool {
        self.descriptors <= then.descriptors
            && self.private_bytes <= then.private_bytes + MEMORY_BYTES_MAX
    }
}

impl Watched {
    pub(crate) fn start(flags: &[&str], users: &[(&str, &str)]) -> Self {
        let house = House::open(flags, users).unwrap();
        Self { house }
    }

    pub(crate) fn way(&self) -> Way {
        self.house.way.clone()
    }

    /// Waits until nobody is connected, no ticket is out, and it holds no more than it did then.
    pub(crate) fn wait_until_left_alone(&self, then: Option<&Measured>) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let counts = self.counts();
            let (connections, tickets) = (
                number(&counts, "connections").expect("a count of connections"),
                number(&counts["tickets"], "outstanding")
                    .or_else(|| number(&counts, "outstanding"))
                    .expect("a count of tickets"),
            );
            let now = self.measure();
            let is_left_alone = then.is_none_or(|then| now.is_no_more_than(then));
            if connections == 0 && tickets == 0 && is_left_alone {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{connections} connections, {tickets} tickets, {now} are left"
            );
            std::thread::yield_now();
        }
    }

    pub(crate) fn measure(&self) -> Measured {
        Measured {
            descriptors: self.descriptors(),
            private_bytes: self.private_bytes(),
        }
    }

    fn counts(&self) -> Value {
        let answer = self.way().ask(&Request::get("/debug?format=json"));
        let answer = answer.unwrap().expect(200, "/debug").unwrap();
        answer.json().unwrap()
    }

    /// Those of the question itself are not among them: it has been answered and closed.
    fn descriptors(&self) -> usize {
        std::fs::read_dir(self.process("fd")).unwrap().count()
    }

    fn private_bytes(&self) -> u64 {
        let rollup = std::fs::read_to_string(self.process("smaps_rollup")).unwrap();
        let private = rollup.lines().filter(|line| line.starts_with("Private_"));
        let kibibytes = private.map(|line| {
            let number = line.split_whitespace().nth(1).unwrap();
            number.parse::<u64>().unwrap()
        });
        kibibytes.sum::<u64>() * 1024
    }

    fn process(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.house.pid().as_raw_nonzero())
    }
}

/// The number of that name, wherever in the object it stands.
fn number(value: &Value, name: &str) -> Option<u64> {
    let object = value.as_object()?;
    let own = object.get(name).and_then(Value::as_u64);
    own.or_else(|| object.values().find_map(|inner| number(inner, name)))
}
