//! The fuzz target of the decoders over its kept seeds, so that what a fuzzer once found stays found.
//!
//! `fuzz/seeds/make.py` writes the seeds, apart from those that a fuzzer found.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/bodies/decode.rs"]
mod decode;

#[test]
fn decode_holds_for_every_seed_and_all_its_beginnings() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/decode");
    let mut count = 0;
    for entry in fs::read_dir(seeds).expect("the seeds are checked in") {
        let path = entry.expect("a seed").path();
        println!("{}", path.display()); // shown if the body panics
        let seed = fs::read(&path).expect("a seed can be read");
        for end in (0..=seed.len()).rev().take(400) {
            decode::run(&seed[..end]);
        }
        count += 1;
    }
    assert!(count >= 20, "{count} seeds: some are missing");
}
