//! A reader comes back with a position and is told exactly what follows.

use crate::world::{Peer, WORDS, World, position, room_at, world, world_with};

/// Publishes `count` entries, and gives the room's epoch.
fn fill(world: &mut World, room: &str, count: usize) -> (Peer, String) {
    let speaker = world.connect(0, WORDS, Some(room));
    world.run();
    let (epoch, _) = position(&world.heard(speaker)[0]);
    for n in 1..=count {
        world.say(speaker, &format!("publish {room} m{n} x"));
        world.run();
    }
    world.heard(speaker);
    (speaker, epoch)
}

fn come_back(world: &mut World, shard: usize, join: &str) -> Peer {
    let peer = world.connect(shard, WORDS, None);
    world.say(peer, join);
    world.run();
    peer
}

fn entries(room: &str, numbers: std::ops::RangeInclusive<usize>) -> Vec<String> {
    numbers
        .map(|n| format!("entry {room} {n} m{n} x"))
        .collect()
}

#[test]
fn a_join_from_a_position_replays_exactly_what_follows_and_then_goes_on() {
    for (home, shard) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let (speaker, epoch) = fill(&mut world, &den, 30);
        let peer = come_back(&mut world, shard, &format!("join {den} {epoch} 10"));
        let heard = world.heard(peer);
        assert_eq!(heard[0], format!("joined {den} 10 {epoch}"));
        assert_eq!(heard[1..], entries(&den, 11..=30));
        world.say(speaker, &format!("publish {den} m31 x"));
        world.run();
        assert_eq!(world.heard(peer), entries(&den, 31..=31));
    }
}

#[test]
fn a_long_replay_comes_whole_though_nothing_else_happens() {
    // More than one batch, so more than one read.
    for shard in [0, 1] {
        let mut world = world(2);
        let den = room_at(0, 2);
        let (_, epoch) = fill(&mut world, &den, 900);
        let peer = come_back(&mut world, shard, &format!("join {den} {epoch} 0"));
        let heard = world.heard(peer);
        assert_eq!(
            heard.len(),
            901,
            "all that is in the log, behind the joined"
        );
        assert!(heard[1..] == entries(&den, 1..=900), "in order");
    }
}

#[test]
fn a_replay_in_the_middle_of_a_conversation_leaves_nothing_out_and_repeats_nothing() {
    let mut world = world(2);
    let den = room_at(0, 2);
    let (speaker, epoch) = fill(&mut world, &den, 700);
    let peer = world.connect(1, WORDS, None);
    world.say(peer, &format!("join {den} {epoch} 3"));
    for n in 701..=740 {
        world.say(speaker, &format!("publish {den} m{n} x"));
        world.step();
    }
    world.run();
    let heard = world.heard(peer);
    assert!(
        heard[1..] == entries(&den, 4..=740),
        "{} frames",
        heard.len()
    );
}

#[test]
fn a_join_at_the_head_replays_nothing() {
    let mut world = world(1);
    let (_, epoch) = fill(&mut world, "den", 5);
    let peer = come_back(&mut world, 0, &format!("join den {epoch} 5"));
    assert_eq!(world.heard(peer), [format!("joined den 5 {epoch}")]);
}

#[test]
fn a_position_older_than_the_log_is_told_the_exact_gap() {
    let mut world = world_with(1, |limits| limits.log_entries_max = 10);
    let (_, epoch) = fill(&mut world, "den", 50);
    let peer = come_back(&mut world, 0, &format!("join den {epoch} 20"));
    let heard = world.heard(peer);
    assert_eq!(
        heard[..2],
        [
            format!("joined den 20 {epoch}"),
            "gap den 21..=40".to_owned()
        ]
    );
    assert_eq!(heard[2..], entries("den", 41..=50));
}

#[test]
fn a_position_that_was_never_given_out_is_refused_and_the_connection_stays_outside() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let (_, epoch) = fill(&mut world, &den, 5);
        for seq in [6, u64::MAX - 1, u64::MAX] {
            let peer = come_back(&mut world, 0, &format!("join {den} {epoch} {seq}"));
            assert_eq!(world.heard(peer), ["refused - bad_position"]);
            world.say(peer, &format!("publish {den} a x"));
            world.run();
            assert_eq!(world.heard(peer), ["refused a not_in_room"]);
        }
    }
}

#[test]
fn a_position_of_a_foreign_epoch_is_told_a_reset_whatever_its_number() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let (speaker, epoch) = fill(&mut world, &den, 5);
    for (foreign, seq) in [(0, 3), (7, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX, 0)] {
        let peer = come_back(&mut world, 0, &format!("join {den} {foreign} {seq}"));
        let heard = world.heard(peer);
        let reset = format!("reset {den} {seq} -> 0");
        assert_eq!(heard[..2], [format!("joined {den} 0 {epoch}"), reset]);
        assert_eq!(heard[2..], entries(&den, 1..=5));
    }
    world.say(speaker, &format!("publish {den} m6 x"));
    world.run();
    assert_eq!(world.heard(speaker).last(), entries(&den, 6..=6).last());
}

#[test]
fn a_position_in_an_empty_room_is_checked_too() {
    let mut world = world(1);
    let peer = come_back(
        &mut world,
        0,
        &format!("join den {} {}", u64::MAX, u64::MAX),
    );
    let heard = world.heard(peer);
    assert_eq!(heard[1], format!("reset den {} -> 0", u64::MAX));
}
