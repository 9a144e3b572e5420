//! Seed 2's flow, whole, by a client that was written from the rows of docs/seeds.md alone: over plain
//! HTTP and over TLS, with the seed's own numbers set by flags.
//!
//! Where a row E decides otherwise than the seed, that is what is tested.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

mod entering;
mod events;
mod heart;
mod login;
mod sizes;
mod stop;

use wire::House;

const ANN: (&str, &str) = ("ann", "correct horse battery staple");
const BOB: (&str, &str) = ("bob", "a second long password");

/// The seed's numbers, with shorter times.
const FLAGS: &[&str] = &[
    "--max-message-bytes",
    "512",
    "--ping-interval",
    "1s",
    "--pong-timeout",
    "2s",
    "--ticket-ttl",
    "5s",
];

/// Does it over plain HTTP and over TLS, each with a server of its own.
fn both_ways(test: impl Fn(House)) {
    for tls in [&[][..], &["--tls", "self-signed"]] {
        let flags = [FLAGS, tls].concat();
        test(House::open(&flags, &[ANN, BOB]).unwrap());
    }
}
