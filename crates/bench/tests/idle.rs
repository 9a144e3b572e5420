//! The options of a memory measurement that cannot work.

use parlour_bench::dialect::Dialect;
use parlour_bench::durable::Numbers;
use parlour_bench::fanout::ServerOptions;
use parlour_bench::idle::{self, IdleOptions};
use parlour_bench::output::Output;

#[test]
fn memory_needs_a_process() {
    let options = IdleOptions {
        connections: Numbers(vec![10]),
        dialect: Dialect::V1,
        burst: None,
        rooms: None,
        empty_rooms: None,
        hold: std::time::Duration::ZERO,
        output: Output::piped(),
        server: ServerOptions {
            url: Some("ws://127.0.0.1:1/ws".into()),
            ..Default::default()
        },
    };
    let error = idle::run(&options).unwrap_err().to_string();
    assert!(error.contains("--pid"), "{error}");
}
