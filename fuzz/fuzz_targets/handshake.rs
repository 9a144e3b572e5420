#![no_main]

#[path = "../bodies/handshake.rs"]
mod handshake;

libfuzzer_sys::fuzz_target!(|data: &[u8]| handshake::run(data));
