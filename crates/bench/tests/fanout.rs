//! A small fan-out against the raw server: everything arrives, once and in order.

#![allow(clippy::unwrap_used)] // The helpers of a test may panic as the test may.

use std::thread;
use std::time::Duration;

use parlour_bench::baseline::{Mode, RawServer};
use parlour_bench::dialect::Dialect;
use parlour_bench::fanout::{self, FanoutOptions, ServerOptions};
use parlour_bench::generator::{Generator, Load, Phase};
use parlour_bench::ledger::Layout;
use parlour_bench::output::{Outcome, Output};
use parlour_bench::progress::Show;
use parlour_bench::target::Target;

/// A raw server on a thread that ends with the test.
fn raw(mode: Mode) -> Target {
    let mut server = RawServer::bind("127.0.0.1:0".parse().unwrap(), mode).unwrap();
    let target = Target::at(server.address().unwrap());
    thread::spawn(move || server.serve());
    target
}

fn phase(load: Load) -> Phase {
    Phase {
        load,
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(100),
    }
}

#[test]
fn a_whole_run_delivers_everything_to_everyone() {
    for (mode, dialect) in [
        (Mode::Plain, Dialect::Events),
        (Mode::Coalesced, Dialect::Events),
        (Mode::Plain, Dialect::V1),
        (Mode::Coalesced, Dialect::V1),
    ] {
        let target = raw(mode);
        let options = FanoutOptions {
            members: 20,
            rooms: 3,
            publishers: 2,
            deflate: false,
            payload: 64,
            outstanding: Some(8),
            rate: None,
            duration: Duration::from_millis(200),
            warmup: Duration::from_millis(20),
            idle: 5,
            saturation: None,
            quiet_room: None,
            quiet_rate: 100.0,
            cross: false,
            rounds: 1,
            dialect: Some(dialect),
            output: Output::piped(),
            server: ServerOptions {
                url: Some(target.to_string()),
                ..ServerOptions::default()
            },
        };
        let report = fanout::run(&options).unwrap();
        assert!(report.messages > 0);
        // Two publishers each in rooms of 7, 7 and 6 members take turns; a run may end within a round.
        let (rounds, rest) = (report.messages / 6, report.messages % 6);
        let whole = rounds * 2 * (7 + 7 + 6);
        let possible = whole + rest * 6..=whole + rest * 7;
        assert!(possible.contains(&report.deliveries), "{report}");
        if dialect == Dialect::Events {
            let whole = report.frame_bytes * report.deliveries as f64;
            assert_eq!(report.bytes_delivered as f64, whole);
        }
        assert!(report.server.is_none(), "no process was named");
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["deliveries"], report.deliveries);
    }
}

#[test]
fn one_generator_runs_many_phases() {
    let target = raw(Mode::Coalesced);
    let layout = Layout {
        members: 20,
        rooms: 1,
        publishers: 1,
        idle: 0,
    };
    let mut generator = Generator::open(&target, layout, 300, Show::nothing()).unwrap();
    for load in [
        Load::Outstanding(1),
        Load::Rate(500.0),
        Load::Outstanding(32),
    ] {
        let sample = generator.run(&phase(load), None, Show::nothing()).unwrap();
        assert_eq!(sample.deliveries, sample.messages * 20);
        assert_eq!(sample.latency.len(), sample.deliveries);
        if load == Load::Rate(500.0) {
            assert_eq!(sample.messages, 50, "an open loop sends what it should");
        }
    }
}

#[test]
fn every_publish_is_answered_once_at_a_door_that_answers() {
    let layout = Layout {
        members: 9,
        rooms: 3,
        publishers: 2,
        idle: 0,
    };
    for mode in [Mode::Plain, Mode::Coalesced] {
        for dialect in Dialect::ALL {
            let target = raw(mode).speaking(dialect);
            let mut generator = Generator::open(&target, layout, 64, Show::nothing()).unwrap();
            let load = phase(Load::Outstanding(16));
            let sample = generator.run(&load, None, Show::nothing()).unwrap();
            let answers = if dialect.answers() {
                sample.messages
            } else {
                0
            };
            assert!(sample.messages > 16);
            assert_eq!(sample.answers, answers, "{mode:?} {dialect:?}");
        }
    }
}

#[test]
fn modes_put_equal_bytes_on_the_wire() {
    let layout = Layout {
        members: 3,
        rooms: 1,
        publishers: 1,
        idle: 0,
    };
    let [plain, coalesced] = [Mode::Plain, Mode::Coalesced].map(|mode| {
        let mut generator = Generator::open(&raw(mode), layout, 64, Show::nothing()).unwrap();
        generator
            .run(&phase(Load::Outstanding(4)), None, Show::nothing())
            .unwrap()
    });
    let per_frame =
        |sample: &parlour_bench::generator::Sample| sample.bytes as f64 / sample.deliveries as f64;
    assert_eq!(per_frame(&plain), per_frame(&coalesced));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let layout = Layout {
        members: 1,
        rooms: 1,
        publishers: 1,
        idle: 0,
    };
    let nobody = Target::at("127.0.0.1:1".parse().unwrap());
    let error = Generator::open(&nobody, layout, 64, Show::nothing())
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("connecting for tickets"),
        "{error}"
    );
}
