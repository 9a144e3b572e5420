//! Two hundred clients at once, with refusals mixed in: every answer is what its request deserves,
//! and nothing is left of them.
//!
//! Five seconds of it in a usual run; `PARLOUR_LOAD_SECONDS=60` makes it a minute.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../seed2/wire/mod.rs"]
mod wire;

mod client;
mod server;
mod tally;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use client::{Client, Resident};
use server::Watched;
use tally::Tally;
use wire::{Outcome, Request};

const CLIENTS: usize = 200;
/// Their passwords cost argon2 once each before anything begins.
const USERS: [(&str, &str); 4] = [
    ("ann", "a password of ann's"),
    ("bob", "a password of bob's"),
    ("cid", "a password of cid's"),
    ("dot", "a password of dot's"),
];
/// As far as they would be in the way of 200 clients behind one address. Who waits for a password's
/// turn is told to come back soon.
const FLAGS: &[&str] = &[
    "--logins-per-minute",
    "0",
    "--failed-logins-per-minute",
    "0",
    "--password-wait",
    "1s",
];
/// Private memory may be so much more after the load than after the warm-up: the allocator keeps
/// about one working area of argon2 (19 MiB). It was 15 MiB more after 19,000 visits and as much
/// after 29,000.
const MEMORY_BYTES_MAX: u64 = 24 << 20;

fn seconds() -> u64 {
    let seconds = std::env::var("PARLOUR_LOAD_SECONDS");
    seconds.map_or(5, |text| {
        text.parse().expect("PARLOUR_LOAD_SECONDS is a number")
    })
}

#[test]
fn two_hundred_clients_and_their_refusals_get_right_answers_and_leave_nothing() {
    let server = Watched::start(FLAGS, &USERS);
    let residents = Arc::new(USERS.map(|user| move_in(&server, user).unwrap()));

    // All kinds of rounds are among them.
    run(&server, &residents, Until::Rounds(2));
    server.wait_until_left_alone(None);
    let warm = server.measure();

    let tally = run(
        &server,
        &residents,
        Until::Time(Duration::from_secs(seconds())),
    );
    let at_its_end = server.measure();
    println!("{tally}");
    println!("after the warm-up:    {warm}\nat the load's end:    {at_its_end}");
    assert!(tally.wrong.is_empty(), "wrong answers: {:#?}", tally.wrong);

    server.wait_until_left_alone(Some(&warm));
    let after = server.measure();
    println!("when all is given back: {after}");
    let grown = after.private_bytes.saturating_sub(warm.private_bytes);
    assert!(grown <= MEMORY_BYTES_MAX, "grown by {grown} bytes");
}

/// A user who is signed in for the whole of the test.
fn move_in(server: &Watched, (name, password): (&'static str, &'static str)) -> Outcome<Resident> {
    let answer = server.way().ask(&Request::login(name, password))?;
    let session = answer.expect(200, "a login")?.field("session")?;
    Ok(Resident {
        name,
        password,
        session,
    })
}

#[derive(Clone, Copy)]
enum Until {
    Rounds(usize),
    Time(Duration),
}

/// Lets all clients do their rounds at the same time.
fn run(server: &Watched, residents: &Arc<[Resident; USERS.len()]>, until: Until) -> Tally {
    let started = Instant::now();
    let is_over = move |rounds: usize| match until {
        Until::Rounds(all) => rounds >= all,
        Until::Time(time) => started.elapsed() >= time,
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (way, residents) = (server.way(), Arc::clone(residents));
            let thread = thread::Builder::new().stack_size(512 * 1024);
            let client = move || {
                let mut client = Client::new(number, way, &residents[number % USERS.len()]);
                let mut rounds = 0;
                while !is_over(rounds) && client.tally.wrong.is_empty() {
                    client.round(number + rounds);
                    rounds += 1;
                }
                client.tally
            };
            thread.spawn(client).unwrap()
        })
        .collect();
    let mut tally = Tally::default();
    for client in clients {
        tally.add(client.join().unwrap());
    }
    tally.time = started.elapsed();
    tally
}
