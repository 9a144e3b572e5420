//! Being in rooms.

use crate::world::{WORDS, room_at, world, world_with};

#[test]
fn a_connection_may_be_in_so_many_rooms_and_the_next_is_refused_by_name() {
    let mut world = world_with(2, |limits| limits.rooms_per_connection_max = 2);
    let peer = world.connect(0, WORDS, None);
    for room in ["a", "b", "c"] {
        world.say(peer, &format!("join {room}"));
    }
    world.run();
    let mut heard = world.heard(peer);
    heard.sort();
    assert_eq!(
        heard.pop().as_deref(),
        Some("refused - too_many_rooms_here")
    );
    assert_eq!(heard.len(), 2, "{heard:?}");
    world.say(peer, "leave a");
    world.say(peer, "join c");
    world.run();
    assert!(world.heard(peer)[1].starts_with("joined c "));
}

#[test]
fn the_hub_may_have_so_many_rooms_and_the_next_is_refused_by_name() {
    let mut world = world_with(1, |limits| limits.rooms_max = 2);
    let members = [world.member(0, "a"), world.member(0, "b")];
    let peer = world.connect(0, WORDS, Some("c"));
    world.run();
    assert_eq!(world.heard(peer), ["refused - too_many_rooms"]);
    assert!(!world.shard(0).is_closing(peer.index));
    world.say(peer, "publish c m x");
    world.run();
    assert_eq!(world.heard(peer), ["refused m not_in_room"]);
    world.say(peer, "join a");
    world.run();
    assert!(
        world.heard(peer)[0].starts_with("joined a "),
        "rooms that are there stay open"
    );
    world.hang_up(members[1]);
    for _ in 0..4 {
        world.pass_time(crate::world::seconds(15));
        world.stir(peer);
        world.run();
    }
    world.heard(peer);
    world.say(peer, "join c");
    world.run();
    assert!(
        world.heard(peer)[0].starts_with("joined c "),
        "a forgotten room makes place"
    );
}

#[test]
fn who_has_left_hears_nothing_more_and_cannot_publish() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let (stays, leaves) = (world.member(0, &den), world.member(0, &den));
    world.say(leaves, &format!("leave {den}"));
    world.say(leaves, &format!("leave {den}"));
    world.say(leaves, &format!("publish {den} a x"));
    world.say(stays, &format!("publish {den} b x"));
    world.run();
    assert_eq!(
        world.heard(leaves),
        [
            &format!("left {den}"),
            "refused - not_in_room",
            "refused a not_in_room"
        ]
    );
    assert_eq!(world.entries(stays), [format!("entry {den} 1 b x")]);
}

#[test]
fn a_publish_without_a_room_goes_to_the_one_room_or_is_refused_not_in_room() {
    let mut world = world(1);
    let peer = world.connect(0, WORDS, None);
    world.say(peer, "say a x");
    world.say(peer, "enter den");
    world.say(peer, "say b x");
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard[0], "refused a not_in_room");
    assert_eq!(heard[2..], ["ack den 1 b", "entry den 1 b x"]);
}

#[test]
fn a_member_of_several_rooms_hears_each_in_its_order() {
    let mut world = world(3);
    let rooms = [room_at(0, 3), room_at(1, 3), room_at(2, 3)];
    let (speaker, listener) = (world.connect(0, WORDS, None), world.connect(1, WORDS, None));
    for peer in [speaker, listener] {
        rooms
            .iter()
            .for_each(|room| world.say(peer, &format!("join {room}")));
    }
    world.run();
    for n in 0..20 {
        rooms
            .iter()
            .for_each(|room| world.say(speaker, &format!("publish {room} m{n} x")));
        world.step();
    }
    world.run();
    let heard = world.entries(listener);
    assert_eq!(heard.len(), 60);
    for room in &rooms {
        let start = format!("entry {room} ");
        let of_room: Vec<_> = heard
            .iter()
            .filter(|entry| entry.starts_with(&start))
            .collect();
        let said: Vec<_> = (0..20)
            .map(|n| format!("entry {room} {} m{n} x", n + 1))
            .collect();
        assert_eq!(of_room, said.iter().collect::<Vec<_>>());
    }
}

#[test]
fn entering_a_room_leaves_every_other_room_also_if_one_is_in_it_already() {
    let mut world = world(1);
    let (speaker, peer) = (world.member(0, "a"), world.member(0, "a"));
    for command in ["join b", "join c"] {
        world.say(speaker, command);
        world.say(peer, command);
    }
    world.say(peer, "enter b");
    world.run();
    world.heard(peer);
    for room in ["a", "b", "c"] {
        world.say(speaker, &format!("publish {room} m x"));
    }
    world.run();
    assert_eq!(world.heard(peer), ["entry b 1 m x"]);
}

#[test]
fn leaving_and_coming_back_at_once_is_heard_from_there_on() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let peer = world.member(0, &den);
    world.say(peer, &format!("publish {den} a x"));
    world.run();
    world.heard(peer);
    world.say(peer, &format!("leave {den}"));
    world.step();
    world.say(peer, &format!("join {den}"));
    world.say(peer, &format!("publish {den} b x"));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard[0], format!("left {den}"));
    assert!(
        heard[1].starts_with(&format!("joined {den} 1 ")),
        "{heard:?}"
    );
    assert_eq!(
        heard[2..],
        [format!("ack {den} 2 b"), format!("entry {den} 2 b x")]
    );
}

#[test]
fn joining_twice_is_refused_and_is_being_in_the_room_once() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let peer = world.connect(0, WORDS, Some(&den));
    world.say(peer, &format!("join {den}"));
    world.run();
    world.say(peer, &format!("join {den}"));
    world.say(peer, &format!("publish {den} a x"));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), 5, "{heard:?}");
    let refusals = heard
        .iter()
        .filter(|frame| *frame == "refused - already_joined");
    assert_eq!(refusals.count(), 2, "{heard:?}");
    assert_eq!(heard[4], format!("entry {den} 1 a x"));
}

#[test]
fn leaving_a_room_before_its_home_has_answered_leaves_nothing_behind() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let speaker = world.member(1, &den);
    let peer = world.connect(0, WORDS, None);
    for _ in 0..3 {
        world.say(peer, &format!("join {den}"));
        world.say(peer, &format!("leave {den}"));
        world.say(peer, &format!("join {den}"));
        world.step();
        world.say(peer, &format!("leave {den}"));
        world.step();
    }
    world.say(peer, &format!("join {den}"));
    world.run();
    world.heard(peer);
    world.say(speaker, &format!("publish {den} a x"));
    world.run();
    assert_eq!(world.heard(peer), [format!("entry {den} 1 a x")]);
    world.hang_up(peer);
    world.hang_up(speaker);
    world.pass_time(crate::world::seconds(61));
    assert_eq!(world.counts().rooms, 0);
}

#[test]
fn who_leaves_before_the_answer_to_its_join_is_answered_once_and_may_join_again() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let peer = world.full(0);
        let join = format!(r#"{{"t":"join","rooms":[{{"room":"{den}"}}]}}"#);
        let leave = format!(r#"{{"t":"leave","rooms":["{den}"]}}"#);
        let left = format!(r#"{{"t":"left","room":"{den}"}}"#);
        world.say(peer, &join);
        world.say(peer, &leave);
        world.run();
        assert_eq!(world.heard(peer), [left.as_str()]);
        for frame in [&join, &leave, &join] {
            world.say(peer, frame);
        }
        world.run();
        let heard = world.heard(peer);
        assert_eq!((heard.len(), &heard[0]), (2, &left));
        assert!(heard[1].starts_with(r#"{"t":"joined""#));
    }
}
