//! Echoes of the bare loop: all come back, in a closed loop and in an open one.

#![allow(clippy::unwrap_used)] // The helpers of a test may panic as the test may.

use std::thread;
use std::time::Duration;

use parlour_bench::echo::{self, EchoOptions, RawEcho};
use parlour_bench::fanout::ServerOptions;
use parlour_bench::output::{Outcome, Output};

fn options(rate: Option<f64>, payload: usize) -> EchoOptions {
    let mut server = RawEcho::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.address().unwrap();
    thread::spawn(move || server.serve());
    EchoOptions {
        connections: 10,
        rate,
        payload,
        raw: false,
        rounds: 2,
        phase: Duration::from_millis(50),
        warmup: Duration::from_millis(10),
        seed: 1,
        output: Output::piped(),
        server: ServerOptions {
            url: Some(format!("ws://{address}/echo")),
            ..ServerOptions::default()
        },
    }
}

#[test]
fn a_closed_loop_has_every_message_back() {
    for payload in [40, 128, 65_536] {
        let report = echo::run(&options(None, payload)).unwrap();
        assert!(report.echoes >= 10 && report.raw.is_none(), "{report}");
        let curve = &report.latency_ms.curve;
        assert!(
            curve.last().unwrap()[1] >= report.latency_ms.p50,
            "{report}"
        );
        assert!(report.svg().contains("bytes") && report.failures().is_empty());
    }
}

#[test]
fn an_open_loop_sends_what_is_due_and_no_more() {
    let report = echo::run(&options(Some(1_000.0), 100)).unwrap();
    assert_eq!(report.echoes, 2 * 50, "{report}");
    assert_eq!(report.load.rate, Some(1_000.0));
}
