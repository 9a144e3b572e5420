//! The options of a memory measurement that cannot work.

use parlour_bench::fanout::ServerOptions;
use parlour_bench::memory::{self, MemoryOptions};

#[test]
fn memory_needs_a_process_and_two_halves() {
    let server = ServerOptions {
        url: Some("ws://127.0.0.1:1/ws".into()),
        ..Default::default()
    };
    let options = MemoryOptions {
        connections: 10,
        hold: std::time::Duration::ZERO,
        json: true,
        server,
    };
    let error = memory::run(&options).unwrap_err().to_string();
    assert!(error.contains("--pid"), "{error}");
    let error = memory::run(&MemoryOptions {
        connections: 1,
        ..options
    })
    .unwrap_err()
    .to_string();
    assert!(error.contains("--connections"), "{error}");
}
