//! The fuzz targets over their kept seeds, so that what a fuzzer once found stays found.
//!
//! `fuzz/seeds/make.py` writes the seeds, apart from those that a fuzzer found.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../fuzz/bodies/deflate.rs"]
mod deflate;
#[path = "../../../fuzz/bodies/handshake.rs"]
mod handshake;
#[path = "../../../fuzz/bodies/receive.rs"]
mod receive;

fn seeds(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target)
}

fn run_all(target: &str, body: fn(&[u8])) {
    let mut count = 0;
    for entry in fs::read_dir(seeds(target)).expect("the seeds are checked in") {
        let path = entry.expect("a seed").path();
        println!("{}", path.display()); // shown if the body panics
        body(&fs::read(&path).expect("a seed can be read"));
        count += 1;
    }
    assert!(count >= 12, "{count} seeds of {target}: some are missing");
}

#[test]
fn receive_holds_for_every_seed() {
    run_all("receive", receive::run);
}

#[test]
fn deflate_holds_for_every_seed() {
    run_all("deflate", deflate::run);
}

#[test]
fn handshake_holds_for_every_seed() {
    run_all("handshake", handshake::run);
}
