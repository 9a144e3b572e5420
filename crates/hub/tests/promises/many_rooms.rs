//! One frame joins or leaves many rooms, and each is answered by itself.

use parlour_proto::ROOMS_PER_FRAME_MAX;

use crate::world::{FULL, Peer, World, room_at, world, world_with};

fn join(rooms: &[String]) -> String {
    format!(r#"{{"t":"join","rooms":[{}]}}"#, rooms.join(","))
}

fn leave(rooms: &[&str]) -> String {
    let rooms: Vec<_> = rooms.iter().map(|room| format!(r#""{room}""#)).collect();
    format!(r#"{{"t":"leave","rooms":[{}]}}"#, rooms.join(","))
}

fn room(name: &str) -> String {
    format!(r#"{{"room":"{name}"}}"#)
}

fn room_from(name: &str, epoch: &str, seq: u64) -> String {
    format!(r#"{{"room":"{name}","from":{{"epoch":"{epoch}","seq":{seq}}}}}"#)
}

fn publish(room: &str, id: &str) -> String {
    format!(r#"{{"t":"publish","room":"{room}","id":"{id}","payload":"x"}}"#)
}

/// The value of a field of a frame, as it stands there, without its quotes.
fn field<'a>(frame: &'a str, name: &str) -> &'a str {
    let (_, rest) = frame
        .split_once(&format!(r#""{name}":"#))
        .unwrap_or_default();
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    rest[..end].trim_matches('"')
}

/// What came of each room, in order: the frames' types, or the codes of errors.
fn about(heard: &[String], room: &str) -> Vec<String> {
    let of_room = heard.iter().filter(|frame| field(frame, "room") == room);
    of_room
        .map(|frame| match field(frame, "t") {
            "error" => field(frame, "code").to_owned(),
            t => t.to_owned(),
        })
        .collect()
}

/// A peer in these rooms, and the rooms' epochs.
fn member(world: &mut World, shard: usize, rooms: &[&str]) -> (Peer, Vec<String>) {
    let peer = world.full(shard);
    let names: Vec<_> = rooms.iter().map(|name| room(name)).collect();
    world.say(peer, &join(&names));
    world.run();
    let heard = world.heard(peer);
    let epoch = |name: &&str| {
        let joined = heard.iter().find(|frame| field(frame, "room") == *name);
        field(joined.unwrap(), "epoch").to_owned()
    };
    let epochs = rooms.iter().map(epoch).collect();
    (peer, epochs)
}

#[test]
fn each_room_of_a_join_is_answered_by_itself() {
    let mut world = world_with(2, |limits| limits.rooms_per_connection_max = 3);
    let (a, b) = (room_at(0, 2), room_at(1, 2));
    let peer = world.full(0);
    let rooms = [&a, &b, &a, "c", "d"].map(room);
    world.say(peer, &join(&rooms));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), 5, "{heard:?}");
    let mut of_a = about(&heard, &a);
    of_a.sort();
    assert_eq!(of_a, ["already_joined", "joined"]);
    assert_eq!(about(&heard, &b), ["joined"]);
    assert_eq!(about(&heard, "c"), ["joined"]);
    assert_eq!(about(&heard, "d"), ["too_many_rooms_here"]);
}

#[test]
fn each_room_of_a_leave_is_answered_by_itself_and_nothing_follows() {
    let mut world = world(2);
    let (a, b) = (room_at(0, 2), room_at(1, 2));
    let (peer, _) = member(&mut world, 0, &[&a, &b]);
    let (speaker, _) = member(&mut world, 1, &[&a, &b]);
    world.say(peer, &leave(&[&a, "c", &b]));
    for room in [&a, &b] {
        world.say(speaker, &publish(room, "m"));
    }
    world.run();
    let heard = world.heard(peer);
    assert_eq!(about(&heard, &a), ["left"]);
    assert_eq!(about(&heard, &b), ["left"]);
    assert_eq!(about(&heard, "c"), ["not_in_room"]);
    assert_eq!(heard.len(), 3);
    assert_eq!(world.heard(speaker).len(), 4, "it heard what it said");
}

#[test]
fn who_comes_back_to_many_rooms_is_complete_after_one_frame() {
    let mut world = world_with(2, |limits| limits.log_entries_max = 10);
    let names = [room_at(0, 2), room_at(1, 2), "quiet".to_owned()];
    let rooms = [&*names[0], &*names[1], &*names[2]];
    let (speaker, epochs) = member(&mut world, 1, &rooms);
    for n in 0..8 {
        world.say(speaker, &publish(rooms[0], &format!("a{n}")));
    }
    for n in 0..20 {
        world.say(speaker, &publish(rooms[1], &format!("b{n}")));
        world.run();
    }
    let peer = world.full(0);
    let back = [
        room_from(rooms[0], &epochs[0], 5),
        room_from(rooms[1], &epochs[1], 5),
        room_from(rooms[2], "0123456789abcdef", 7),
        room_from("new", &epochs[0], 0),
    ];
    world.say(peer, &join(&back));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(
        about(&heard, rooms[0]),
        ["joined", "entry", "entry", "entry"]
    );
    let of_second = about(&heard, rooms[1]);
    assert_eq!(of_second[..2], ["joined", "gap"]);
    assert_eq!(of_second[2..], ["entry"; 10]);
    assert_eq!(about(&heard, rooms[2]), ["joined", "gap"]);
    assert_eq!(about(&heard, "new"), ["joined", "gap"]);

    // By the head it knows when that is so.
    let head = |room: &str| {
        let joined = heard.iter().find(|frame| field(frame, "room") == room);
        field(joined.unwrap(), "head").parse::<u64>().unwrap()
    };
    assert_eq!(
        [head(rooms[0]), head(rooms[1]), head(rooms[2]), head("new")],
        [8, 20, 0, 0]
    );
}

#[test]
fn a_position_that_a_room_never_gave_is_refused_for_that_room_alone() {
    let mut world = world(2);
    let (a, b) = (room_at(0, 2), room_at(1, 2));
    let (speaker, epochs) = member(&mut world, 0, &[&a, &b]);
    world.say(speaker, &publish(&a, "m"));
    world.run();
    let peer = world.full(1);
    let largest = (1 << 53) - 1;
    let rooms = [
        room_from(&a, &epochs[0], 0),
        room_from(&b, &epochs[1], largest),
    ];
    world.say(peer, &join(&rooms));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(about(&heard, &a), ["joined", "entry"]);
    assert_eq!(about(&heard, &b), ["bad_position"]);
    world.say(peer, &publish(&b, "m"));
    world.run();
    assert_eq!(about(&world.heard(peer), &b), ["not_in_room"]);
    assert_eq!(world.counts().bad_position, 1);
}

#[test]
fn a_frame_with_one_bad_name_or_position_joins_nothing() {
    let mut world = world(1);
    let peer = world.full(0);
    world.say(peer, &join(&[room("den"), room("$x")]));
    world.say(peer, &join(&[room("den"), room_from("x", "12", 3)]));
    world.say(peer, &publish("den", "m"));
    world.run();
    let heard = world.heard(peer);
    let codes: Vec<_> = heard.iter().map(|frame| field(frame, "code")).collect();
    assert_eq!(codes, ["bad_room", "bad_payload", "not_in_room"]);
    assert_eq!(world.counts().rooms, 0);
}

#[test]
fn a_frame_of_as_many_rooms_as_may_be_is_answered_whole_within_the_bounds() {
    let mut world = world(2);
    let peer = world.full(0);
    let names: Vec<_> = (0..ROOMS_PER_FRAME_MAX).map(|n| format!("r{n}")).collect();
    let rooms: Vec<_> = names.iter().map(|name| room(name)).collect();
    world.say(peer, &join(&rooms));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), ROOMS_PER_FRAME_MAX);
    assert!(heard.iter().all(|frame| field(frame, "t") == "joined"));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    world.say(peer, &leave(&names));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), ROOMS_PER_FRAME_MAX);
    assert!(heard.iter().all(|frame| field(frame, "t") == "left"));
    assert_eq!(world.counts().rooms, 0);
}

#[test]
fn rooms_over_the_servers_bound_are_refused_with_a_time_to_try_again() {
    let mut world = world_with(1, |limits| limits.rooms_max = 2);
    let peer = world.connect(0, FULL, None);
    world.say(peer, &join(&["a", "b", "c"].map(room)));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(about(&heard, "c"), ["too_many_rooms"]);
    let refusal = heard.iter().find(|frame| field(frame, "room") == "c");
    let wait: f64 = field(refusal.unwrap(), "retry_after").parse().unwrap();
    assert!((0.5..=5.0).contains(&wait));
}

#[test]
fn a_refused_publish_is_named_by_room_and_id() {
    let mut world = world(2);
    let (peer, _) = member(&mut world, 0, &["den"]);
    world.say(peer, &publish("hall", "m-1"));
    world.say(
        peer,
        r#"{"t":"publish","room":"den","id":"m-2","payload":7}"#,
    );
    world.run();
    let heard = world.heard(peer);
    let told: Vec<_> = heard
        .iter()
        .map(|frame| ["code", "room", "id"].map(|name| field(frame, name)))
        .collect();
    assert_eq!(
        told,
        [
            ["not_in_room", "hall", "m-1"],
            ["bad_payload", "den", "m-2"]
        ]
    );
}
