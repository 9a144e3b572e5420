#![no_main]

#[path = "../bodies/receive.rs"]
mod receive;

libfuzzer_sys::fuzz_target!(|data: &[u8]| receive::run(data));
