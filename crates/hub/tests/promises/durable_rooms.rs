//! A durable room goes on where it was, whatever happened to the process.

use parlour_hub::{QuestionToken, Since};
use parlour_proto::{CloseReason, Limits, RoomName};

use crate::disk::{Disk, Fault};
use crate::world::{Peer, WORDS, World, position, room_at, seconds};

fn world(disk: &Disk) -> World<Disk> {
    World::new(2, |_| {}, |_| disk.clone())
}

fn fill(world: &mut World<Disk>, room: &str, numbers: std::ops::RangeInclusive<usize>) -> Peer {
    let speaker = world.connect(0, WORDS, Some(room));
    world.run();
    for n in numbers {
        world.say(speaker, &format!("publish {room} m{n} x"));
        world.run();
    }
    world.heard(speaker);
    speaker
}

fn entries(room: &str, numbers: std::ops::RangeInclusive<usize>) -> Vec<String> {
    numbers
        .map(|n| format!("entry {room} {n} m{n} x"))
        .collect()
}

#[test]
fn it_goes_on_in_its_epoch_with_the_next_number_and_a_reader_comes_back_to_all_of_it() {
    for home in [0, 1] {
        let (disk, den) = (Disk::default(), room_at(home, 2));
        let mut before = world(&disk);
        fill(&mut before, &den, 1..=9);
        drop(before);
        let mut after = world(&disk);
        let speaker = fill(&mut after, &den, 10..=12);
        let reader = after.connect(1, WORDS, None);
        after.say(reader, &format!("join {den} {} 3", den.len()));
        after.run();
        let heard = after.heard(reader);
        assert_eq!(heard[0], format!("joined {den} 3 {}", den.len()));
        assert_eq!(heard[1..], entries(&den, 4..=12));
        after.say(speaker, &format!("publish {den} m13 x"));
        after.run();
        assert_eq!(after.heard(reader), entries(&den, 13..=13));
    }
}

#[test]
fn what_is_asked_while_it_is_looked_up_waits_and_keeps_its_order() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut before = world(&disk);
    fill(&mut before, &den, 1..=3);
    drop(before);
    let mut world = world(&disk);
    disk.hold();
    let reader = world.connect(0, WORDS, None);
    world.say(reader, &format!("join {den} {} 1", den.len()));
    let speaker = world.connect(1, WORDS, Some(&den));
    world.say(speaker, &format!("publish {den} m4 x"));
    world.publish_inside(7, &den, "m5");
    world.run();
    assert!(world.heard(reader).is_empty() && world.heard(speaker).is_empty());
    assert!(world.published().is_empty());
    disk.go();
    world.poll_stores();
    world.run();
    let heard = world.heard(reader);
    assert_eq!(heard[1..3], entries(&den, 2..=3));
    assert_eq!(heard.len(), 5, "{heard:?}");
    assert_eq!(world.published().len(), 1);
    assert_eq!(disk.opens(), 2, "once for each world");
}

#[test]
fn who_leaves_before_it_is_looked_up_leaves_nothing_behind() {
    let disk = Disk::default();
    let den = room_at(1, 2);
    let mut world = world(&disk);
    disk.hold();
    for _ in 0..5_000 {
        let peer = world.connect(0, WORDS, Some(&den));
        world.run();
        world.hang_up(peer);
        world.run();
    }
    disk.go();
    world.poll_stores();
    world.run();
    let peer = fill(&mut world, &den, 1..=1);
    world.say(peer, &format!("publish {den} m2 x"));
    world.run();
    assert_eq!(world.entries(peer).len(), 1, "credit came back");
}

#[test]
fn a_room_that_cannot_be_looked_up_is_refused_by_name_and_looked_up_again() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut world = world(&disk);
    disk.fail(Some(Fault::Open));
    let peer = world.connect(0, WORDS, None);
    world.say(peer, &format!("join {den}"));
    world.publish_inside(1, &den, "m");
    world.run();
    assert_eq!(world.heard(peer), ["refused - store_failed"]);
    assert!(world.published()[0].1.is_err());
    disk.fail(None);
    world.say(peer, &format!("join {den}"));
    world.run();
    assert_eq!(position(&world.heard(peer)[0]).1, 0);
}

#[test]
fn a_full_disk_refuses_by_name_and_the_room_goes_on_by_itself() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    let speaker = fill(&mut world, &den, 1..=2);
    disk.fail(Some(Fault::Full));
    world.say(speaker, &format!("publish {den} m3 x"));
    world.run();
    assert_eq!(world.heard(speaker), ["refused m3 disk_full"]);
    disk.fail(None);
    world.say(speaker, &format!("publish {den} m3 x"));
    world.run();
    assert_eq!(world.entries(speaker), entries(&den, 3..=3));
}

#[test]
fn after_a_sync_of_unknown_outcome_nothing_is_numbered_and_what_was_final_can_be_read() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    let speaker = fill(&mut world, &den, 1..=2);
    disk.fail(Some(Fault::Sync));
    world.say(speaker, &format!("publish {den} m3 x"));
    world.run();
    assert_eq!(world.heard(speaker), ["refused m3 outcome_unknown"]);
    disk.fail(None);
    world.say(speaker, &format!("publish {den} m3 x"));
    world.run();
    assert_eq!(world.heard(speaker), ["refused m3 store_failed"]);
    let reader = world.connect(1, WORDS, None);
    world.say(reader, &format!("join {den} {} 0", den.len()));
    world.run();
    assert_eq!(world.heard(reader)[1..], entries(&den, 1..=2));
}

#[test]
fn it_is_forgotten_without_members_and_comes_back_as_it_was() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    let speaker = fill(&mut world, &den, 1..=3);
    world.hang_up(speaker);
    world.run();
    world.pass_time(seconds(70));
    assert_eq!(world.counts().rooms, 0);
    fill(&mut world, &den, 4..=4);
    assert_eq!(disk.opens(), 2);
    let reader = world.connect(1, WORDS, None);
    world.say(reader, &format!("join {den} {} 0", den.len()));
    world.run();
    assert_eq!(world.heard(reader)[1..], entries(&den, 1..=4));
}

#[test]
fn what_the_operator_has_trimmed_is_a_gap() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    fill(&mut world, &den, 1..=9);
    disk.trim(&den, 6);
    world.poll_stores();
    world.run();
    let reader = world.connect(1, WORDS, None);
    world.say(reader, &format!("join {den} {} 2", den.len()));
    world.run();
    let heard = world.heard(reader);
    assert_eq!(heard[1], format!("gap {den} 3..=5"));
    assert_eq!(heard[2..], entries(&den, 6..=9));
}

#[test]
fn a_position_of_another_epoch_and_one_in_the_future_are_told_as_before() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    fill(&mut world, &den, 1..=2);
    let reader = world.connect(0, WORDS, None);
    world.say(reader, &format!("join {den} {} 3", den.len()));
    world.run();
    assert_eq!(world.heard(reader), ["refused - bad_position"]);
    world.say(reader, &format!("join {den} 99 7"));
    world.run();
    let heard = world.heard(reader);
    assert_eq!(heard[1], format!("reset {den} 7 -> 0"));
    assert_eq!(heard[2..], entries(&den, 1..=2));
}

#[test]
fn a_newcomer_is_let_in_where_the_room_is_also_if_it_must_be_looked_up() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut before = world(&disk);
    fill(&mut before, &den, 1..=3);
    drop(before);
    let mut world = world(&disk);
    disk.hold();
    let room = RoomName::new(&den).unwrap();
    let shard = world.shard(0);
    shard.since(QuestionToken(4), &room);
    assert!(shard.take_sinces().is_empty(), "it is looked up");
    world.poll_stores();
    world.run();
    disk.go();
    world.poll_stores();
    world.run();
    let sinces = world.shard(0).take_sinces();
    let [(QuestionToken(4), Since::Position(at))] = sinces[..] else {
        panic!("{sinces:?}");
    };
    assert_eq!(at.seq.0, 3);
}

#[test]
fn publishes_that_wait_for_the_log_are_bounded_and_go_on_when_it_is_there() {
    let disk = Disk::default();
    let change = |limits: &mut Limits| limits.log_entries_max = 8;
    let mut world = World::new(1, change, |_| disk.clone());
    disk.hold();
    let peer = world.connect(0, WORDS, Some("den"));
    world.run();
    assert!(world.heard(peer).is_empty());
    for n in 0..40 {
        world.publish_inside(n, "den", &n.to_string());
    }
    world.run();
    disk.go();
    world.poll_stores();
    world.run();
    assert_eq!(world.published().len(), 40);
    assert_eq!(world.entries(peer).len(), 40);
    world.close(peer, CloseReason::GoingAway);
}
