//! Who publishes is told in bounded time what is known, also while the store does not say what it has.

use std::time::Duration;

use parlour_proto::{Limits, Refusal};

use crate::disk::{Disk, Fault};
use crate::slow_reader::without_pings;
use crate::world::{FULL, Peer, WORDS, World, room_at, seconds};

/// Without repeats, as words say all under what id they like.
fn world(disk: &Disk) -> World<Disk> {
    World::new(2, without_pings, |_| disk.clone())
}

fn knowing_ids(disk: &Disk) -> World<Disk> {
    let change = |limits: &mut Limits| {
        without_pings(limits);
        limits.ids_per_room_max = 100;
    };
    World::new(2, change, |_| disk.clone())
}

fn member(world: &mut World<Disk>, shard: usize, room: &str) -> Peer {
    let peer = world.connect(shard, WORDS, Some(room));
    world.run();
    world.heard(peer);
    peer
}

fn go(disk: &Disk, world: &mut World<Disk>) {
    disk.go();
    world.poll_stores();
    world.run();
}

const NEARLY: Duration = Duration::from_millis(4_999);
const A_MOMENT: Duration = Duration::from_millis(1);

#[test]
fn after_5_seconds_the_outcome_is_unknown_and_what_was_stored_is_shown_in_its_place() {
    for home in [0, 1] {
        let (disk, den) = (Disk::default(), room_at(home, 2));
        let mut world = world(&disk);
        let (ann, bob) = (member(&mut world, 0, &den), member(&mut world, 1, &den));
        disk.hold();
        world.say(ann, &format!("publish {den} a x"));
        world.pass_time(seconds(2));
        world.say(ann, &format!("publish {den} b x"));
        world.pass_time(NEARLY - seconds(2));
        assert!(world.heard(ann).is_empty());
        world.pass_time(A_MOMENT);
        assert_eq!(world.heard(ann), ["refused a outcome_unknown"]);
        world.pass_time(seconds(2));
        assert_eq!(world.heard(ann), ["refused b outcome_unknown"]);
        world.pass_time(seconds(30));
        assert!(world.heard(ann).is_empty(), "once");
        world.say(bob, &format!("publish {den} c x"));
        go(&disk, &mut world);
        let entries = ["a", "b", "c"].into_iter().zip(1..);
        let entries: Vec<_> = entries
            .map(|(id, seq)| format!("entry {den} {seq} {id} x"))
            .collect();
        assert_eq!(world.heard(ann), entries, "and no ack behind the answer");
        let (acks, of_bob): (Vec<_>, _) = {
            let heard = world.heard(bob).into_iter();
            heard.partition(|frame| frame.starts_with("ack "))
        };
        assert_eq!(acks, [format!("ack {den} 3 c")]);
        assert_eq!(of_bob, entries);
        world.pass_time(seconds(5));
        assert!(world.heard(ann).is_empty() && world.heard(bob).is_empty());
    }
}

#[test]
fn what_was_refused_after_that_is_seen_by_nobody_and_its_number_is_given_again() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut world = world(&disk);
    let (ann, bob) = (member(&mut world, 0, &den), member(&mut world, 1, &den));
    disk.hold();
    world.say(ann, &format!("publish {den} a x"));
    world.pass_time(seconds(6));
    assert_eq!(world.heard(ann), ["refused a outcome_unknown"]);
    disk.fail(Some(Fault::Full));
    go(&disk, &mut world);
    disk.fail(None);
    assert!(world.heard(ann).is_empty(), "it has its answer");
    world.say(bob, &format!("publish {den} b x"));
    world.run();
    assert_eq!(world.heard(ann), [format!("entry {den} 1 b x")]);
    // The next one in doubt is told of like the first.
    disk.hold();
    world.say(ann, &format!("publish {den} c x"));
    world.pass_time(seconds(6));
    assert_eq!(world.heard(ann), ["refused c outcome_unknown"]);
}

/// What is heard of an id: the code or the number.
fn told(world: &mut World<Disk>, peer: Peer) -> Vec<String> {
    let heard = world.heard(peer);
    let frames = heard
        .iter()
        .map(|frame| -> serde_json::Value { serde_json::from_str(frame).unwrap() });
    let told = frames.map(|frame| match frame["t"].as_str().unwrap() {
        "error" => frame["code"].as_str().unwrap().to_owned(),
        t => format!("{t} {}", frame["seq"]),
    });
    told.collect()
}

#[test]
fn who_sends_it_again_is_answered_the_same_and_later_what_became_of_it() {
    for is_stored in [true, false] {
        let (disk, den) = (Disk::default(), room_at(1, 2));
        let mut world = knowing_ids(&disk);
        let peers = [0, 0, 1].map(|shard| {
            let peer = world.connect_as(shard, FULL, "ann", Some(&den));
            world.run();
            world.heard(peer);
            peer
        });
        let publish = format!(r#"{{"t":"publish","room":"{den}","id":"a","payload":"x"}}"#);
        disk.hold();
        world.say(peers[0], &publish);
        world.pass_time(seconds(3));
        // It waits with the first, and has its answer with it.
        world.say(peers[1], &publish);
        world.pass_time(seconds(2));
        assert_eq!(told(&mut world, peers[0]), ["outcome_unknown"]);
        assert_eq!(told(&mut world, peers[1]), ["outcome_unknown"]);
        world.say(peers[2], &publish);
        world.run();
        assert_eq!(told(&mut world, peers[2]), ["outcome_unknown"], "at once");
        disk.fail((!is_stored).then_some(Fault::Full));
        go(&disk, &mut world);
        disk.fail(None);
        let entries: &[&str] = if is_stored { &["entry 1"] } else { &[] };
        for peer in peers {
            assert_eq!(told(&mut world, peer), entries);
        }
        world.say(peers[0], &publish);
        world.run();
        let last: &[&str] = if is_stored {
            &["ack 1"]
        } else {
            &["ack 1", "entry 1"]
        };
        assert_eq!(told(&mut world, peers[0]), last);
    }
}

#[test]
fn the_application_is_answered_too_and_once() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut world = world(&disk);
    member(&mut world, 0, &den);
    disk.hold();
    world.publish_inside(7, &den, "a");
    world.pass_time(seconds(5));
    assert_eq!(world.published(), [(7, Err(Refusal::OutcomeUnknown))]);
    go(&disk, &mut world);
    assert!(world.published().is_empty());
}

#[test]
fn a_store_that_stops_then_answers_nobody_a_second_time() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    let ann = member(&mut world, 0, &den);
    disk.hold();
    world.say(ann, &format!("publish {den} a x"));
    world.pass_time(seconds(5));
    world.say(ann, &format!("publish {den} b x"));
    world.run();
    assert_eq!(world.heard(ann), ["refused a outcome_unknown"]);
    disk.fail(Some(Fault::Sync));
    go(&disk, &mut world);
    assert_eq!(world.heard(ann), ["refused b outcome_unknown"]);
}

#[test]
fn what_is_in_doubt_keeps_its_credit_and_gives_it_back_once() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut world = world(&disk);
    let ann = member(&mut world, 0, &den);
    let mut first = 1;
    for round in 0..200 {
        disk.hold();
        for n in 0..64 {
            world.say(ann, &format!("publish {den} r{round}n{n} x"));
        }
        world.pass_time(seconds(6));
        assert_eq!(world.heard(ann).len(), 64, "answered in round {round}");
        go(&disk, &mut world);
        let entries = world.entries(ann);
        assert_eq!(entries.len(), 64);
        assert!(entries[0].starts_with(&format!("entry {den} {first} ")));
        first += 64;
    }
}

#[test]
fn a_store_that_answers_in_time_is_not_doubted_and_a_quiet_room_wakes_nobody() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut world = world(&disk);
    let ann = member(&mut world, 0, &den);
    for n in 0..40 {
        disk.hold();
        world.say(ann, &format!("publish {den} m{n} x"));
        world.pass_time(NEARLY);
        go(&disk, &mut world);
        assert_eq!(world.heard(ann)[0], format!("ack {den} {} m{n}", n + 1));
    }
    world.pass_time(seconds(5));
    let quiet = world.turns();
    world.pass_time(seconds(3_600));
    assert_eq!(world.turns(), quiet);
}
