#![no_main]

#[path = "../bodies/deflate.rs"]
mod deflate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| deflate::run(data));
