//! Knowing who is in a room costs bounded steps, whatever the room's size and whoever asks how often.

use parlour_proto::PRESENCE_MEMBERS_MAX;

use crate::world::{FULL, Peer, WORDS, World, room_at, seconds, world, world_with};

const MEMBERS: usize = 3_000;

/// A room with a crowd that asks nothing, and one who is not in it yet.
fn crowd(shards: u16) -> (World, String, Peer) {
    let mut world = world(shards);
    let den = room_at(shards - 1, shards);
    for n in 0..MEMBERS {
        world.connect(n % usize::from(shards), WORDS, Some(&den));
    }
    world.run();
    let peer = world.full(0);
    (world, den, peer)
}

fn join(world: &mut World, peer: Peer, room: &str) {
    let frame = format!(r#"{{"t":"join","rooms":[{{"room":"{room}","presence":true}}]}}"#);
    world.say(peer, &frame);
}

fn leave(world: &mut World, peer: Peer, room: &str) {
    world.say(peer, &format!(r#"{{"t":"leave","rooms":["{room}"]}}"#));
}

/// Comes to rest. What each turn counted, reported, noted at the home and freed is bounded, and the
/// sum of it is given back.
fn run_in_bounded_turns(world: &mut World, shards: u16) -> u64 {
    let begin = world.counts().presence_steps;
    let most = 4 * PRESENCE_MEMBERS_MAX as u64 * u64::from(shards);
    loop {
        let before = world.counts().presence_steps;
        let moved = world.step();
        let steps = world.counts().presence_steps - before;
        assert!(steps <= most, "{steps} steps in one turn");
        if !moved {
            return world.counts().presence_steps - begin;
        }
    }
}

fn told(world: &mut World, peer: Peer) -> Vec<String> {
    let mut heard = world.heard(peer);
    heard.retain(|frame| frame.starts_with(r#"{"t":"presence"#));
    heard
}

#[test]
fn a_large_room_is_counted_reported_and_forgotten_in_bounded_turns() {
    for shards in [1, 2] {
        let (mut world, den, peer) = crowd(shards);
        join(&mut world, peer, &den);
        let steps = run_in_bounded_turns(&mut world, shards);
        assert!(steps > MEMBERS as u64, "all are counted");
        let count = format!(
            r#"{{"t":"presence","room":"{den}","count":{}}}"#,
            MEMBERS + 1
        );
        assert_eq!(told(&mut world, peer), [count], "nothing before all are");
        leave(&mut world, peer, &den);
        let steps = run_in_bounded_turns(&mut world, shards);
        assert!(steps < 20, "the last who asks leaves: {steps}");
        let kept = parlour_proto::Limits::default().presence_kept;
        world.pass_time_to(world.now_at() + kept);
        let steps = run_in_bounded_turns(&mut world, shards);
        assert!(steps > MEMBERS as u64, "what was counted is freed: {steps}");
    }
}

#[test]
fn who_asks_and_leaves_again_and_again_does_not_make_everybody_be_counted() {
    for shards in [1, 2] {
        let (mut world, den, peer) = crowd(shards);
        join(&mut world, peer, &den);
        world.run();
        told(&mut world, peer);
        let before = world.counts().presence_steps;
        for _ in 0..50 {
            leave(&mut world, peer, &den);
            run_in_bounded_turns(&mut world, shards);
            join(&mut world, peer, &den);
            run_in_bounded_turns(&mut world, shards);
            assert_eq!(told(&mut world, peer).len(), 1, "a snapshot at once");
        }
        let steps = world.counts().presence_steps - before;
        assert!(steps < 50 * 20, "{steps} steps for 50 comings and goings");
    }
}

#[test]
fn who_comes_and_goes_while_a_room_is_counted_counts_once() {
    let (mut world, den, peer) = crowd(1);
    let mut guests: Vec<_> = (0..200)
        .map(|n| world.connect_as(0, FULL, &format!("g{n}"), Some(&den)))
        .collect();
    world.run();
    join(&mut world, peer, &den);
    while world.step() {
        if let Some(guest) = guests.pop() {
            world.hang_up(guest);
            world.connect_as(0, FULL, &format!("h{}", guest.index), Some(&den));
        }
    }
    world.pass_time(seconds(3));
    let count = format!(
        r#"{{"t":"presence","room":"{den}","count":{}}}"#,
        MEMBERS + 201
    );
    assert_eq!(told(&mut world, peer).pop(), Some(count));
}

#[test]
fn no_more_names_than_the_bound_are_told_when_the_last_who_was_told_is_gone() {
    let mut world = world_with(3, |limits| limits.presence_members_max = 10);
    let den = room_at(2, 3);
    let first = world.connect_as(1, FULL, "first", None);
    join(&mut world, first, &den);
    world.connect_as(0, WORDS, "quiet", Some(&den));
    let guests: Vec<_> = (0..20)
        .map(|n| world.connect_as(2, WORDS, &format!("g{n}"), Some(&den)))
        .collect();
    world.pass_time(seconds(3));
    world.connect_as(2, WORDS, "more", Some(&den));
    world.run();
    guests[..16].iter().for_each(|guest| world.hang_up(*guest));
    world.run();
    let late = world.connect_as(0, FULL, "late", None);
    join(&mut world, late, &den);
    world.hang_up(first);
    world.pass_time(seconds(3));
    let frames = told(&mut world, late);
    assert!(!frames.is_empty());
    for frame in frames {
        let names = frame.matches("guest-").count();
        assert!(names <= 10, "{names} names: {frame}");
    }
}

#[test]
fn who_comes_while_a_change_is_shown_is_not_told_of_it_again() {
    let mut world = world(1);
    let crowd: Vec<_> = (0..450)
        .map(|n| {
            let peer = world.connect_as(0, FULL, &format!("g{n}"), None);
            join(&mut world, peer, "den");
            peer
        })
        .collect();
    world.pass_time(seconds(3));
    for peer in &crowd {
        world.heard(*peer);
    }
    world.connect_as(0, FULL, "late", Some("den"));
    // Some of them are shown the change, some are not yet; each of these comes in both parts.
    world.step();
    let again = [&crowd[..5], &crowd[445..]].concat();
    for peer in &again {
        leave(&mut world, *peer, "den");
        join(&mut world, *peer, "den");
    }
    // Another connection gets the place of one that was to be shown it.
    world.hang_up(crowd[440]);
    let new = world.connect_as(0, FULL, "new", None);
    assert_eq!(new.index, crowd[440].index);
    join(&mut world, new, "den");
    world.run();
    for peer in again.iter().chain([&new]) {
        let heard = world.heard(*peer);
        let joined = heard
            .iter()
            .rposition(|frame| frame.contains(r#""joined""#));
        let after = &heard[joined.unwrap() + 1..];
        assert_eq!(after.len(), 1, "a snapshot alone: {after:?}");
        assert!(after[0].contains("guest-late"), "the newest state");
    }
}
