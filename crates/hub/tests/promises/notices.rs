//! Comings and goings at a dialect that announces them: told once, in order with what is said, to
//! all who are there, and kept for nobody.

use parlour_hub::{Answer, Since, What};
use parlour_proto::{ClientId, CloseReason, Epoch, Position, Refusal, Seq};

use crate::disk::{Disk, Fault};
use crate::stores::LateStore;
use crate::world::{
    EVENTS, FEED, FULL, NAMED_PLAIN, PLAIN, Peer, WORDS, World, room_at, seconds, world, world_with,
};

fn notice(who: &str, what: &str) -> String {
    let id = ClientId::of_name(who);
    format!(
        r#"{{"type":"notification","id":"{id}","nickname":"{who}","message":"{who} has {what}"}}"#
    )
}

fn message(who: &str, text: &str) -> String {
    let id = ClientId::of_name(who);
    format!(r#"{{"type":"message","id":"{id}","nickname":"{who}","message":"{text}"}}"#)
}

fn plain(world: &mut World, shard: usize, who: &str, room: &str) -> Peer {
    let peer = world.connect_as(shard, PLAIN, who, Some(room));
    world.run();
    peer
}

#[test]
fn who_comes_is_announced_to_all_and_to_himself_before_what_he_says() {
    let mut world = world(3);
    let den = room_at(2, 3);
    let kim = plain(&mut world, 0, "kim", &den);
    let lea = world.connect_as(1, PLAIN, "lea", Some(&den));
    world.say(lea, "hello");
    world.run();
    let of_lea = [notice("lea", "connected"), message("lea", "hello")];
    assert_eq!(world.heard(lea), of_lea);
    let mut expected = vec![notice("kim", "connected")];
    expected.extend(of_lea);
    assert_eq!(world.heard(kim), expected);
}

#[test]
fn who_goes_is_announced_once_behind_his_last_message_however_he_goes() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let ann = plain(&mut world, 1, "ann", &den);
    for way in 0..4 {
        let kim = plain(&mut world, 0, "kim", &den);
        world.heard(ann);
        world.say(kim, "bye");
        match way {
            0 => world.send_close(kim, Some(1_000)),
            1 => world.hang_up(kim),
            2 => world.close(kim, CloseReason::Silent),
            _ => world.vanish(kim),
        }
        world.run();
        if way == 3 {
            world.say(ann, "is there anybody");
            world.run();
            world.hang_up(kim);
            world.run();
        }
        let mut heard = world.heard(ann);
        heard.retain(|frame| !frame.contains("anybody"));
        let expected = [message("kim", "bye"), notice("kim", "disconnected")];
        assert_eq!(heard, expected, "way {way}");
        if way != 1 && way != 3 {
            world.hang_up(kim);
            world.run();
            assert!(world.heard(ann).is_empty(), "once, way {way}");
        }
    }
}

#[test]
fn a_notice_has_no_number_and_is_seen_by_no_other_door_and_by_nobody_who_comes_later() {
    let mut world = world(1);
    let ann = world.full(0);
    world.say(ann, r#"{"t":"join","rooms":[{"room":"den"}]}"#);
    let events = world.connect(0, EVENTS, Some("den"));
    let feed = world.connect(0, FEED, Some("den"));
    world.run();
    world.heard(ann);
    let kim = plain(&mut world, 0, "kim", "den");
    world.say(kim, "one");
    world.hang_up(kim);
    world.run();
    let lea = plain(&mut world, 0, "lea", "den");
    assert_eq!(world.heard(lea), [notice("lea", "connected")]);
    assert_eq!(world.heard(events).len(), 1);
    assert_eq!(world.heard(feed), [r#"{"name":"guest-kim","msg":"one"}"#]);
    let heard = world.heard(ann);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains(r#""seq":1"#));
    let late = world.full(0);
    let position = heard[0].split(r#""epoch":""#).nth(1).unwrap();
    let join = format!(
        r#"{{"t":"join","rooms":[{{"room":"den","from":{{"epoch":"{}","seq":0}}}}]}}"#,
        &position[..16]
    );
    world.say(late, &join);
    world.run();
    assert_eq!(world.heard(late).len(), 2, "joined, and the one entry");
}

#[test]
fn a_notice_waits_for_the_store_with_what_was_said_before_it() {
    let store = LateStore::default();
    let mut world = World::new(1, |_| {}, |_| store.clone());
    let ann = world.connect_as(0, PLAIN, "ann", Some("den"));
    let kim = world.connect_as(0, PLAIN, "kim", Some("den"));
    world.run();
    world.heard(ann);
    world.say(kim, "bye");
    world.hang_up(kim);
    world.run();
    assert!(world.heard(ann).is_empty());
    store.commit(1);
    world.poll_stores();
    let expected = [message("kim", "bye"), notice("kim", "disconnected")];
    assert_eq!(world.heard(ann), expected);
}

#[test]
fn a_blocked_reader_is_told_in_order_what_the_ring_still_has() {
    let mut world = world(1);
    let ann = plain(&mut world, 0, "ann", "den");
    let kim = plain(&mut world, 0, "kim", "den");
    world.heard(ann);
    world.unblock(ann, 30);
    world.say(kim, "one");
    world.run();
    let lea = plain(&mut world, 0, "lea", "den");
    world.say(lea, "two");
    world.hang_up(lea);
    world.say(kim, "three");
    world.run();
    assert_eq!(world.half_heard(ann), 30);
    for _ in 0..100 {
        world.unblock(ann, 7);
    }
    world.unblock(ann, usize::MAX);
    world.run();
    let expected = [
        message("kim", "one"),
        notice("lea", "connected"),
        message("lea", "two"),
        notice("lea", "disconnected"),
        message("kim", "three"),
    ];
    assert_eq!(world.heard(ann), expected);
}

#[test]
fn notices_alone_keep_to_the_bounds_of_a_ring() {
    let mut world = world_with(1, |limits| limits.log_bytes_max = 1 << 20);
    let stuck = plain(&mut world, 0, "stuck", "den");
    world.block(stuck);
    for _ in 0..10_000 {
        let kim = plain(&mut world, 0, "kim", "den");
        world.hang_up(kim);
    }
    world.run();
    assert!(
        world.counts().log_bytes < 3 << 20,
        "{}",
        world.counts().log_bytes
    );
    world.unblock(stuck, usize::MAX);
    world.run();
    world.heard(stuck);
    let lea = plain(&mut world, 0, "lea", "den");
    world.say(lea, "hello");
    world.run();
    let expected = [notice("lea", "connected"), message("lea", "hello")];
    assert_eq!(world.heard(stuck), expected);
}

#[test]
fn a_notice_does_not_get_between_the_halves_of_a_frame_of_a_readers_own() {
    let mut world = world_with(1, |limits| limits.log_entries_max = 8);
    let ann = plain(&mut world, 0, "ann", "den");
    let kim = plain(&mut world, 0, "kim", "den");
    world.heard(ann);
    world.unblock(ann, 10);
    world.say(ann, "/nick kim");
    world.answer(ann, Answer::Refused(Refusal::NameTaken));
    world.run();
    assert_eq!(world.half_heard(ann), 10);
    plain(&mut world, 0, "lea", "den");
    for n in 0..20 {
        world.say(kim, &n.to_string());
        world.run();
    }
    world.unblock(ann, usize::MAX);
    world.run();
    let heard = world.heard(ann);
    assert!(heard[0].contains("somebody has that name"), "{heard:?}");
    // Without words for what it missed it is closed as lagged, or else it has all.
    assert!(heard.len() == 2 || heard.len() == 21, "{heard:?}");
}

#[test]
fn at_the_end_of_the_hub_nobody_is_told_that_all_are_going() {
    let mut world = world(1);
    let ann = world.connect_as(0, FULL, "ann", None);
    let peers: Vec<_> = (0..5)
        .map(|n| plain(&mut world, 0, &n.to_string(), "den"))
        .collect();
    for peer in &peers {
        world.heard(*peer);
    }
    world.close_all(CloseReason::GoingAway);
    world.run();
    for peer in peers {
        assert_eq!(world.heard(peer).len(), 1, "its close");
    }
    world.heard(ann);
}

#[test]
fn who_reads_hears_every_notice_also_those_that_come_during_a_pass() {
    let mut world = world_with(1, |limits| limits.log_bytes_max = 16 * 1024);
    let name = |n: usize| format!("m{n}");
    let all: Vec<Peer> = (0..600)
        .map(|n| world.connect_as(0, PLAIN, &name(n), Some("den")))
        .collect();
    world.run();
    all.iter().for_each(|peer| drop(world.heard(*peer)));
    for burst in 0..4 {
        for n in 0..200 {
            world.connect_as(0, PLAIN, &format!("n{burst}-{n}"), Some("den"));
        }
        world.step();
    }
    world.run();
    let heard: Vec<usize> = all.iter().map(|peer| world.heard(*peer).len()).collect();
    let short = heard.iter().filter(|heard| **heard != 800).count();
    assert_eq!(
        short,
        0,
        "of 600 members that read all the time, so many missed notices; the least heard {:?}",
        heard.iter().min()
    );
}

/// A world of two shards with a room that was spoken in and is not in memory.
fn asleep() -> (Disk, World<Disk>, String) {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut before = World::new(2, |_| {}, |_| disk.clone());
    let speaker = before.connect(0, WORDS, Some(&den));
    before.run();
    before.say(speaker, &format!("publish {den} m1 old"));
    before.run();
    drop(before);
    let world = World::new(2, |_| {}, |_| disk.clone());
    disk.hold();
    (disk, world, den)
}

fn wake_up(disk: &Disk, world: &mut World<Disk>) {
    disk.go();
    world.poll_stores();
    world.run();
}

#[test]
fn who_comes_while_the_room_is_looked_up_is_announced_when_it_is_there() {
    let (disk, mut world, den) = asleep();
    let ann = world.connect_as(0, PLAIN, "ann", Some(&den));
    world.run();
    assert!(world.heard(ann).is_empty());
    wake_up(&disk, &mut world);
    assert_eq!(world.heard(ann), [notice("ann", "connected")]);
}

#[test]
fn who_was_let_in_since_then_is_in_the_room_when_it_has_been_looked_up_again() {
    let (disk, mut world, den) = asleep();
    let epoch = Epoch(den.len() as u64);
    let since = Since::Position(Position { epoch, seq: Seq(0) });
    let kim = world.connect_since(0, PLAIN, &den, since);
    world.run();
    wake_up(&disk, &mut world);
    let heard = world.heard(kim);
    assert_eq!(
        heard.len(),
        2,
        "his coming, and what was said since: {heard:?}"
    );
    assert!(heard[0].contains("connected"), "{heard:?}");
    assert!(heard[1].contains("old"), "{heard:?}");
}

#[test]
fn who_comes_speaks_and_goes_while_the_room_is_looked_up_is_announced_around_what_he_says() {
    let (disk, mut world, den) = asleep();
    let ann = world.connect_as(1, PLAIN, "ann", Some(&den));
    let kim = world.connect_as(0, PLAIN, "kim", Some(&den));
    world.run();
    world.say(kim, "bye");
    world.hang_up(kim);
    world.run();
    // His shard does not follow the room any more; that alone must not let anything go.
    wake_up(&disk, &mut world);
    let expected = [
        notice("ann", "connected"),
        notice("kim", "connected"),
        message("kim", "bye"),
        notice("kim", "disconnected"),
    ];
    assert_eq!(world.heard(ann), expected);
}

#[test]
fn comings_and_goings_at_a_room_that_is_looked_up_give_their_credit_back() {
    for fails in [false, true] {
        let (disk, mut world, den) = asleep();
        for n in 0..1_000 {
            let kim = world.connect_as(0, PLAIN, &n.to_string(), Some(&den));
            world.run();
            world.hang_up(kim);
            world.run();
        }
        disk.fail(fails.then_some(Fault::Open));
        wake_up(&disk, &mut world);
        disk.fail(None);
        for n in 0..2_000 {
            let kim = world.connect_as(0, PLAIN, &n.to_string(), Some(&den));
            world.run();
            world.hang_up(kim);
            world.run();
        }
        let ann = world.connect_as(0, PLAIN, "ann", Some(&den));
        world.run();
        assert_eq!(world.heard(ann), [notice("ann", "connected")]);
    }
}

/// Rounds of a world until `ann` is told that `kim` has gone, and the round after which the application
/// was told of his end. It takes that between rounds, as a driver does.
fn told_to_application_and_to(world: &mut World, ann: Peer, kim: &str) -> (usize, usize) {
    let (mut ended, mut heard) = (None, None);
    for round in 0.. {
        world.step();
        let has_gone = |frame: &String| *frame == notice(kim, "disconnected");
        if world.heard(ann).iter().any(has_gone) {
            heard.get_or_insert(round);
        }
        let is_end = |what: &What| matches!(what, What::Closed(_));
        if world.asked(0).iter().any(is_end) {
            ended.get_or_insert(round);
        }
        if let (Some(ended), Some(heard)) = (ended, heard) {
            return (ended, heard);
        }
        assert!(round < 50, "ended {ended:?}, heard {heard:?}");
    }
    unreachable!("every round is looked at");
}

#[test]
fn who_is_closed_in_a_turn_has_given_back_what_he_holds_before_others_are_told() {
    for (home, shards) in [(0, 1), (0, 2), (1, 2)] {
        let mut world = world(shards);
        let den = room_at(home, shards);
        let ann = world.connect_as(usize::from(home), PLAIN, "ann", Some(&den));
        let kim = world.connect_as(0, NAMED_PLAIN, "kim", Some(&den));
        world.run();
        assert!(matches!(world.asked(0)[..], [What::Opened { .. }]));
        world.answer(kim, Answer::Done);
        world.run();
        world.heard(ann);
        // He is silent for too long, and she is not.
        world.pass_time(seconds(25));
        world.stir(ann);
        world.pass_time(seconds(19));
        let silent = world.now_at() + seconds(1);
        world.pass_time_to(silent);
        let (ended, heard) = told_to_application_and_to(&mut world, ann, "kim");
        assert!(
            ended < heard,
            "of {shards}: told after round {ended} to the application, in {heard} to her"
        );
    }
}
