//! A member who reads slowly harms nobody else, and learns what it missed.

use parlour_proto::Limits;

use crate::world::{EVENTS, Peer, World, seconds, world_with};

/// Nobody is pinged: these tests let much time pass.
pub(crate) fn without_pings(limits: &mut Limits) {
    limits.ping_interval = seconds(100_000);
}

fn with_small_logs(limits: &mut Limits) {
    without_pings(limits);
    limits.log_entries_max = 10;
}

/// A room with a prompt speaker and somebody whose socket takes nothing from now on.
pub(crate) fn prompt_and_slow(world: &mut World) -> (Peer, Peer) {
    let (prompt, slow) = (world.member(0, "den"), world.member(0, "den"));
    world.block(slow);
    (prompt, slow)
}

pub(crate) fn speak(world: &mut World, speaker: Peer, ids: std::ops::RangeInclusive<usize>) {
    for id in ids {
        world.say(speaker, &format!("publish den m{id} x"));
        world.run();
    }
}

/// The number of an entry.
fn number(entry: &str) -> usize {
    entry.split(' ').nth(2).unwrap().parse().unwrap()
}

/// Both ends of a gap notice.
fn range(gap: &str) -> (usize, usize) {
    let (first, last) = gap
        .strip_prefix("gap den ")
        .unwrap()
        .split_once("..=")
        .unwrap();
    (first.parse().unwrap(), last.parse().unwrap())
}

/// `heard` tells of a gap that begins with `first`, and then everything up to `last`.
fn assert_gap_then_all(heard: &[String], first: usize, last: usize) {
    let (from, upto) = range(&heard[0]);
    assert_eq!(from, first);
    assert!(upto < last, "the log still has something");
    let numbers: Vec<_> = heard[1..].iter().map(|entry| number(entry)).collect();
    assert_eq!(numbers, (upto + 1..=last).collect::<Vec<_>>());
}

#[test]
fn a_member_whose_socket_takes_nothing_disturbs_nobody_and_memory_stays_bounded() {
    let bytes_max = 20_000;
    let mut world = world_with(1, |limits| {
        without_pings(limits);
        limits.log_entries_max = 50;
        limits.log_bytes_max = bytes_max;
    });
    let (prompt, _slow) = prompt_and_slow(&mut world);
    let (text, mut most) = ("x".repeat(1_000), 0);
    for n in 1..=1_000 {
        world.say(prompt, &format!("publish den m{n} {text}"));
        world.run();
        most = most.max(world.counts().log_bytes);
        assert_eq!(world.entries(prompt).len(), 1, "at {n}");
    }
    // A log and a ring, one entry over each; of the ring also what its buffer has not given back.
    let bound = 3 * bytes_max as u64 + 4_000;
    assert!(
        most <= bound,
        "{most} bytes of logs and rings, the bound is {bound}"
    );
    assert!(most > 10_000, "the counter counts");
}

#[test]
fn the_count_of_bytes_stays_true_when_logs_are_trimmed_to_make_room() {
    let mut world = world_with(1, with_small_logs);
    let speaker = world.member(0, "den");
    speak(&mut world, speaker, 1..=20);
    let full = world.counts().log_bytes;
    speak(&mut world, speaker, 21..=60);
    // The log is as full as before, so it holds as much (ids are two letters now and then three).
    assert_eq!(world.counts().log_bytes / 100, full / 100);
    world.hang_up(speaker);
    world.pass_time(seconds(61));
    assert_eq!(world.counts().log_bytes, 0);
}

#[test]
fn a_slow_reader_with_words_for_gaps_is_told_the_exact_range_and_goes_on() {
    let mut world = world_with(1, with_small_logs);
    let (prompt, slow) = prompt_and_slow(&mut world);
    speak(&mut world, prompt, 1..=100);
    world.unblock(slow, usize::MAX);
    world.run();
    assert_gap_then_all(&world.heard(slow), 1, 100);
    speak(&mut world, prompt, 101..=101);
    assert_eq!(world.heard(slow), ["entry den 101 m101 x"]);
    assert_eq!(world.counts().gaps, 1);
}

#[test]
fn a_slow_reader_who_comes_back_in_time_misses_nothing() {
    let mut world = world_with(1, with_small_logs);
    let (prompt, slow) = prompt_and_slow(&mut world);
    speak(&mut world, prompt, 1..=7);
    world.unblock(slow, usize::MAX);
    world.run();
    let numbers: Vec<_> = world
        .heard(slow)
        .iter()
        .map(|entry| number(entry))
        .collect();
    assert_eq!(numbers, (1..=7).collect::<Vec<_>>());
}

#[test]
fn a_slow_reader_without_words_for_gaps_is_closed_1008_as_lagged() {
    let mut world = world_with(1, with_small_logs);
    let prompt = world.member(0, "den");
    let slow = world.connect(0, EVENTS, Some("den"));
    world.run();
    world.block(slow);
    speak(&mut world, prompt, 1..=100);
    assert!(
        !world.shard(0).is_closing(slow.index),
        "it may still come back in time"
    );
    world.unblock(slow, usize::MAX);
    world.run();
    let told = world.heard(slow);
    assert_eq!(
        told,
        ["!close 1008 connection too slow: entries were missed"]
    );
    assert!(world.is_finished(slow));
    assert_eq!((world.counts().slow_closes, world.counts().gaps), (1, 1));
}

#[test]
fn a_half_sent_frame_is_finished_first_even_if_the_ring_has_moved_on() {
    let mut world = world_with(1, with_small_logs);
    let (prompt, slow) = prompt_and_slow(&mut world);
    world.unblock(slow, 10);
    speak(&mut world, prompt, 1..=100);
    assert_eq!(world.half_heard(slow), 10);
    // Something of its own waits too; it must not stand in the middle of the frame.
    world.ping(slow, b"own");
    world.say(slow, "leave nowhere");
    world.run();
    for _ in 0..200 {
        world.unblock(slow, 3);
        world.run();
    }
    world.unblock(slow, usize::MAX);
    world.run();
    let heard = world.heard(slow);
    assert_eq!(heard[0], "entry den 1 m1 x");
    assert_eq!(heard[1], "refused - not_in_room");
    assert_eq!(heard[2], "!pong own");
    assert_gap_then_all(&heard[3..], 2, 100);
}

/// What a slow reader was told leaves nothing out and repeats nothing.
fn assert_all_told(heard: &[String], room: &str, last: usize) {
    let mut next = 1;
    for frame in heard {
        let words: Vec<_> = frame.split([' ', '.']).collect();
        match words[..] {
            ["entry", of, number, ..] if of == room => {
                assert_eq!(number, next.to_string(), "{frame}");
                next += 1;
            }
            ["gap", of, first, .., last] if of == room => {
                assert_eq!(first, next.to_string(), "{frame}");
                next = last.strip_prefix('=').unwrap().parse::<usize>().unwrap() + 1;
            }
            _ => {}
        }
    }
    assert_eq!(next, last + 1, "{room}");
}

#[test]
fn a_reader_who_never_catches_up_is_told_of_every_entry_or_its_loss() {
    for (shards, home) in [(1, 0), (2, 0), (2, 1)] {
        let mut world = world_with(shards, with_small_logs);
        let den = crate::world::room_at(home, shards);
        let (prompt, slow) = (world.member(0, &den), world.member(0, &den));
        world.block(slow);
        for n in 1..=400 {
            world.say(prompt, &format!("publish {den} m{n} x"));
            world.run();
            world.unblock(slow, 1 + n * 7 % 13);
            world.run();
        }
        world.unblock(slow, usize::MAX);
        world.run();
        let heard = world.heard(slow);
        assert_all_told(&heard, &den, 400);
        assert!(
            world.counts().gaps > 3,
            "it was slow: {} gaps",
            world.counts().gaps
        );
        assert_eq!(world.entries(prompt).len(), 400);
    }
}

#[test]
fn a_reader_who_catches_up_in_the_middle_of_a_pass_is_not_left_waiting() {
    for delay in 0..24 {
        let mut world = world_with(1, |limits| {
            without_pings(limits);
            limits.log_entries_max = 16;
            // A replay brings one entry at a time.
            limits.private_bytes_max = 800;
        });
        let (slow, holder) = (world.member(0, "den"), world.member(0, "den"));
        let crowd: Vec<_> = (0..600)
            .map(|_| world.connect(0, crate::world::WORDS, None))
            .collect();
        crowd.iter().for_each(|peer| world.say(*peer, "join den"));
        world.run();
        world.block(slow);
        speak(&mut world, crowd[0], 1..=30);
        // The ring keeps what this one has not taken.
        world.block(holder);
        speak(&mut world, crowd[0], 31..=38);
        world.unblock(slow, usize::MAX);
        (0..delay).for_each(|_| {
            world.step();
        });
        world.say(crowd[0], "publish den m39 x");
        world.run();
        assert_all_told(&world.heard(slow), "den", 39);
    }
}

#[test]
fn entries_that_are_larger_than_a_log_come_through_one_by_one() {
    let mut world = world_with(2, |limits| {
        without_pings(limits);
        limits.log_bytes_max = 5_000;
    });
    let den = crate::world::room_at(1, 2);
    let members = [world.member(0, &den), world.member(1, &den)];
    let slow = world.member(0, &den);
    world.block(slow);
    let text = "x".repeat(30_000);
    for n in 1..=20 {
        world.say(members[0], &format!("publish {den} m{n} {text}"));
    }
    world.run();
    for member in members {
        assert_eq!(world.entries(member).len(), 20);
    }
    world.unblock(slow, usize::MAX);
    world.run();
    assert_all_told(&world.heard(slow), &den, 20);
}

#[test]
fn a_slow_reader_in_several_rooms_gets_each_rooms_entries_in_order() {
    let mut world = world_with(1, with_small_logs);
    let (prompt, slow) = (world.member(0, "den"), world.member(0, "den"));
    for peer in [prompt, slow] {
        world.say(peer, "join hall");
    }
    world.run();
    world.heard(slow);
    world.unblock(slow, 25);
    for n in 1..=40 {
        world.say(prompt, &format!("publish den d{n} x"));
        world.say(prompt, &format!("publish hall h{n} x"));
        world.run();
    }
    for _ in 0..1_000 {
        world.unblock(slow, 7);
        world.run();
    }
    let heard = world.heard(slow);
    for room in ["den", "hall"] {
        assert_all_told(&heard, room, 40);
    }
}
