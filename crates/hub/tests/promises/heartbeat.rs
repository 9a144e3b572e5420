//! Silence is noticed, life is too, and a shard with nothing due sleeps.

use std::time::Duration;

use crate::world::{WORDS, seconds, world};

const SILENT: &str = "!close 1008 no sign of life";

#[test]
fn silence_is_pinged_after_25_seconds_and_closed_1008_after_20_more() {
    let mut world = world(1);
    let peer = world.member(0, "den");
    world.pass_time(Duration::from_millis(24_999));
    assert_eq!(world.heard(peer), [""; 0]);
    world.pass_time(Duration::from_millis(1));
    assert_eq!(world.heard(peer), ["!ping"]);
    world.pass_time(Duration::from_millis(19_999));
    assert_eq!(world.heard(peer), [""; 0]);
    world.pass_time(Duration::from_millis(1));
    assert_eq!(world.heard(peer), [SILENT]);
    assert!(world.is_finished(peer));
    assert_eq!(world.counts().silent_closes, 1);
}

#[test]
fn an_idle_connection_wakes_its_shard_at_its_ping_and_not_before() {
    let mut world = world(1);
    let peer = world.connect(0, WORDS, None);
    world.run();
    assert_eq!(world.next_deadline(), Some(seconds(25)));
    let turns = world.turns();
    world.pass_time(Duration::from_millis(24_999));
    assert_eq!(world.turns(), turns);
    world.pass_time(Duration::from_millis(1));
    assert_eq!(world.heard(peer), ["!ping"]);
    assert_eq!(world.next_deadline(), Some(seconds(45)));
    world.hang_up(peer);
    world.run();
    world.pass_time(seconds(60));
    assert_eq!(
        world.next_deadline(),
        None,
        "an empty shard sleeps for good"
    );
}

#[test]
fn any_byte_is_life_from_the_moment_it_comes() {
    let mut world = world(1);
    let peer = world.member(0, "den");
    // The shard has slept since the beginning; the byte wakes it.
    world.pass_time(seconds(20));
    world.stir(peer);
    world.run();
    world.pass_time(Duration::from_millis(24_999));
    assert_eq!(
        world.heard(peer),
        [""; 0],
        "silent for less than 25 seconds"
    );
    world.pass_time(Duration::from_millis(1));
    assert_eq!(world.heard(peer), ["!ping"]);
    world.pass_time(seconds(19));
    world.stir(peer);
    world.pass_time(Duration::from_millis(24_999));
    assert_eq!(world.heard(peer), [""; 0], "it has answered");
    world.pass_time(Duration::from_millis(1));
    assert_eq!(world.heard(peer), ["!ping"]);
    world.pass_time(seconds(20));
    assert_eq!(world.heard(peer), [SILENT]);
}

#[test]
fn progress_of_queued_output_is_life() {
    let mut world = world(1);
    let (speaker, reader) = (world.member(0, "den"), world.member(0, "den"));
    world.block(reader);
    world.say(speaker, &format!("publish den a {}", "x".repeat(100)));
    world.run();
    world.hang_up(speaker);
    // It never sends a byte, but it reads: one byte every 40 seconds.
    for _ in 0..20 {
        world.pass_time(seconds(40));
        world.unblock(reader, 1);
        world.run();
    }
    assert!(!world.shard(0).is_closing(reader.index));
    world.unblock(reader, usize::MAX);
    world.run();
    assert_eq!(world.entries(reader).len(), 1);
    world.pass_time(Duration::from_millis(24_999));
    assert_eq!(world.heard(reader), [""; 0]);
    world.pass_time(Duration::from_millis(1));
    assert_eq!(world.heard(reader), ["!ping"]);
}
