//! What is published again is not published again.

use parlour_proto::Limits;

use crate::disk::{Disk, Fault};
use crate::world::{FULL, Peer, WORDS, World, room_at};

const KNOWN: usize = 5;

fn world(disk: &Disk) -> World<Disk> {
    let change = |limits: &mut Limits| limits.ids_per_room_max = KNOWN;
    World::new(2, change, |_| disk.clone())
}

/// Somebody of this name, in the room.
fn user(world: &mut World<Disk>, name: &str, room: &str) -> Peer {
    let peer = world.connect_as(0, FULL, name, Some(room));
    world.run();
    world.heard(peer);
    peer
}

/// What the first frame in answer to a publish is: its `t`, and its number or its code.
fn publish(world: &mut World<Disk>, peer: Peer, room: &str, rest: &str) -> String {
    world.say(
        peer,
        &format!(r#"{{"t":"publish","room":"{room}",{rest}}}"#),
    );
    world.run();
    let heard = world.heard(peer);
    let frame: serde_json::Value = serde_json::from_str(&heard[0]).unwrap();
    match frame["t"].as_str().unwrap() {
        "ack" => frame["seq"].to_string(),
        _ => frame["code"].as_str().unwrap().to_owned(),
    }
}

fn say(id: &str, text: &str) -> String {
    format!(r#""id":"{id}","payload":"{text}""#)
}

fn since(room: &str, seq: usize, id: &str, text: &str) -> String {
    let epoch = format!("{:016x}", room.len());
    format!(
        r#""since":{{"epoch":"{epoch}","seq":{seq}}},{}"#,
        say(id, text)
    )
}

#[test]
fn the_same_id_gets_the_first_answer_over_another_connection_and_after_a_restart() {
    for home in [0, 1] {
        let (disk, den) = (Disk::default(), room_at(home, 2));
        let mut before = world(&disk);
        let ann = user(&mut before, "ann", &den);
        let listener = before.connect(1, WORDS, Some(&den));
        before.run();
        assert_eq!(publish(&mut before, ann, &den, &say("a", "hi")), "1");
        assert_eq!(publish(&mut before, ann, &den, &say("a", "hi")), "1");
        before.hang_up(ann);
        let ann = user(&mut before, "ann", &den);
        assert_eq!(publish(&mut before, ann, &den, &say("a", "hi")), "1");
        assert_eq!(before.entries(listener).len(), 1, "published once");
        assert_eq!(before.counts().repeats, 2);
        drop(before);
        let mut after = world(&disk);
        let ann = user(&mut after, "ann", &den);
        assert_eq!(publish(&mut after, ann, &den, &say("a", "hi")), "1");
        assert_eq!(publish(&mut after, ann, &den, &say("b", "hi")), "2");
    }
}

#[test]
fn an_id_belongs_to_its_user_its_room_and_its_content() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    let (ann, bob) = (user(&mut world, "ann", &den), user(&mut world, "bob", &den));
    assert_eq!(publish(&mut world, ann, &den, &say("a", "hi")), "1");
    world.heard(bob);
    assert_eq!(publish(&mut world, bob, &den, &say("a", "hi")), "2");
    world.heard(ann);
    assert_eq!(publish(&mut world, ann, &den, &say("a", "ho")), "id_reused");
    let other = r#""id":"a","type":"note","payload":"hi""#;
    assert_eq!(publish(&mut world, ann, &den, other), "id_reused");
    let hall = room_at(1, 2);
    world.say(
        ann,
        &format!(r#"{{"t":"join","rooms":[{{"room":"{hall}"}}]}}"#),
    );
    world.run();
    world.heard(ann);
    assert_eq!(publish(&mut world, ann, &hall, &say("a", "hi")), "1");
}

#[test]
fn one_that_is_not_final_yet_is_waited_for() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let mut world = world(&disk);
    let (ann, again) = (user(&mut world, "ann", &den), user(&mut world, "ann", &den));
    disk.hold();
    for peer in [ann, again] {
        let rest = say("a", "hi");
        world.say(peer, &format!(r#"{{"t":"publish","room":"{den}",{rest}}}"#));
        world.run();
        assert!(world.heard(peer).is_empty(), "nothing is final");
    }
    disk.go();
    world.poll_stores();
    world.run();
    for peer in [ann, again] {
        let heard = world.heard(peer);
        assert_eq!(heard.len(), 2, "an ack and one entry: {heard:?}");
        assert!(heard[0].contains(r#""seq":1"#));
    }
}

#[test]
fn one_that_was_refused_was_not_published_and_may_come_again() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    let ann = user(&mut world, "ann", &den);
    disk.fail(Some(Fault::Full));
    assert_eq!(publish(&mut world, ann, &den, &say("a", "hi")), "disk_full");
    disk.fail(None);
    assert_eq!(publish(&mut world, ann, &den, &say("a", "hi")), "1");
    assert_eq!(publish(&mut world, ann, &den, &say("a", "hi")), "1");
}

#[test]
fn what_may_have_come_too_long_ago_is_refused_and_never_published_twice() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut world = world(&disk);
    let ann = user(&mut world, "ann", &den);
    assert_eq!(publish(&mut world, ann, &den, &say("a", "hi")), "1");
    for n in 2..=KNOWN + 1 {
        let id = format!("m{n}");
        assert_eq!(
            publish(&mut world, ann, &den, &say(&id, "x")),
            n.to_string()
        );
    }
    // The first is forgotten, and the server says that it does not know.
    assert_eq!(
        publish(&mut world, ann, &den, &since(&den, 0, "a", "hi")),
        "id_forgotten"
    );
    // Known from here on: it was not published, so it is now.
    assert_eq!(
        publish(&mut world, ann, &den, &since(&den, 1, "z", "hi")),
        "7"
    );
    assert_eq!(
        publish(&mut world, ann, &den, &since(&den, 6, "z", "hi")),
        "7"
    );
    let foreign = format!(
        r#""since":{{"epoch":"{:016x}","seq":6}},{}"#,
        99,
        say("y", "hi")
    );
    assert_eq!(publish(&mut world, ann, &den, &foreign), "id_forgotten");
    let bad = format!(r#""since":{{"epoch":"x","seq":6}},{}"#, say("y", "hi"));
    assert_eq!(publish(&mut world, ann, &den, &bad), "bad_payload");
}

#[test]
fn ids_that_stood_before_a_restart_are_known_as_far_back_as_the_bound() {
    let (disk, den) = (Disk::default(), room_at(0, 2));
    let mut before = world(&disk);
    let ann = user(&mut before, "ann", &den);
    for n in 1..=9 {
        let id = format!("m{n}");
        assert_eq!(
            publish(&mut before, ann, &den, &say(&id, "x")),
            n.to_string()
        );
    }
    drop(before);
    let mut after = world(&disk);
    let ann = user(&mut after, "ann", &den);
    assert_eq!(
        publish(&mut after, ann, &den, &since(&den, 4, "m5", "x")),
        "5"
    );
    assert_eq!(
        publish(&mut after, ann, &den, &since(&den, 3, "m4", "x")),
        "id_forgotten"
    );
}
