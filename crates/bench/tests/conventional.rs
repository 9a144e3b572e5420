//! The conventional servers do the same work as the raw loop: every delivery, every answer, the same bytes.

#![cfg(feature = "conventional")]
#![allow(clippy::unwrap_used)] // The helpers of a test may panic as the test may.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use parlour_bench::baseline::{Mode, RawServer};
use parlour_bench::conventional::{self, Encoding};
use parlour_bench::dialect::Dialect;
use parlour_bench::generator::{Generator, Load, Phase, Sample};
use parlour_bench::ledger::Layout;
use parlour_bench::progress::Show;
use parlour_bench::target::Target;

const LAYOUT: Layout = Layout {
    members: 12,
    rooms: 2,
    publishers: 1,
    idle: 3,
};

fn conventional(mode: Encoding) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::at(listener.local_addr().unwrap());
    thread::spawn(move || conventional::serve(listener, mode));
    target
}

fn raw() -> Target {
    let mut server = RawServer::bind("127.0.0.1:0".parse().unwrap(), Mode::Plain).unwrap();
    let target = Target::at(server.address().unwrap());
    thread::spawn(move || server.serve());
    target
}

fn sample(target: Target, dialect: Dialect) -> Sample {
    let target = target.speaking(dialect);
    let mut generator = Generator::open(&target, LAYOUT, 128, Show::nothing()).unwrap();
    let phase = Phase {
        load: Load::Rate(100.0),
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(80),
    };
    generator.run(&phase, None, Show::nothing()).unwrap()
}

#[test]
fn it_does_the_work_of_the_raw_loop() {
    for dialect in Dialect::ALL {
        let raw = sample(raw(), dialect);
        assert_eq!((raw.messages, raw.deliveries), (8, 8 * 6));
        for mode in [Encoding::Each, Encoding::Once] {
            let other = sample(conventional(mode), dialect);
            let work = |it: &Sample| (it.messages, it.deliveries, it.answers, it.bytes);
            assert_eq!(work(&other), work(&raw), "{mode:?} {dialect:?}");
        }
    }
}

#[test]
fn it_keeps_up_with_many_messages_in_flight() {
    for mode in [Encoding::Each, Encoding::Once] {
        let target = conventional(mode);
        let mut generator = Generator::open(&target, LAYOUT, 128, Show::nothing()).unwrap();
        let phase = Phase {
            load: Load::Outstanding(128),
            warm_up: Duration::ZERO,
            duration: Duration::from_millis(100),
        };
        let sample = generator.run(&phase, None, Show::nothing()).unwrap();
        assert!(sample.messages > 128);
        assert_eq!(sample.deliveries, sample.messages * 6);
    }
}
