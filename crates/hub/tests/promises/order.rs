//! One order for all.

use crate::world::{EVENTS, WORDS, room_at, world};

#[test]
fn two_publishers_on_two_shards_and_all_members_see_one_order_the_senders_too() {
    let mut world = world(3);
    let den = room_at(2, 3);
    let members: Vec<_> = (0..6).map(|n| world.member(n % 3, &den)).collect();
    for n in 0..50 {
        world.say(members[0], &format!("publish {den} a{n} x"));
        if n % 3 == 0 {
            world.step();
        }
        world.say(members[1], &format!("publish {den} b{n} x"));
        if n % 7 == 0 {
            world.run();
        }
    }
    world.run();
    let first = world.entries(members[0]);
    assert_eq!(first.len(), 100);
    for (n, entry) in first.iter().enumerate() {
        let start = format!("entry {den} {} ", n + 1);
        assert!(entry.starts_with(&start), "{entry} is number {}", n + 1);
    }
    for member in &members[1..] {
        assert_eq!(world.entries(*member), first);
    }
}

#[test]
fn what_one_publisher_says_stays_in_the_order_in_which_it_was_said() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let (speaker, listener) = (world.member(0, &den), world.member(1, &den));
    (0..40).for_each(|n| world.say(speaker, &format!("publish {den} m{n} x")));
    world.run();
    let heard = world.entries(listener);
    let said: Vec<_> = (0..40)
        .map(|n| format!("entry {den} {} m{n} x", n + 1))
        .collect();
    assert_eq!(heard, said);
}

#[test]
fn a_newcomer_is_replayed_nothing() {
    let mut world = world(2);
    let den = room_at(0, 2);
    let old = world.member(0, &den);
    world.say(old, &format!("publish {den} a before"));
    world.run();
    for shard in [0, 1] {
        let new = world.member(shard, &den);
        assert_eq!(world.heard(new), [""; 0]);
        world.say(old, &format!("publish {den} b after"));
        world.run();
        let heard = world.heard(new);
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].ends_with(" b after"), "{heard:?}");
    }
}

#[test]
fn a_message_right_after_change_room_goes_to_the_new_room_and_the_sender_hears_it() {
    for home in [0, 1] {
        let mut world = world(2);
        let (old, new) = (room_at(1 - home, 2), format!("{}-new", room_at(home, 2)));
        let (in_old, in_new) = (world.member(1, &old), world.member(1, &new));
        let mover = world.connect(0, EVENTS, Some(&old));
        world.run();
        let change = format!(r#"{{"type":"change_room","payload":{{"name":"{new}"}}}}"#);
        world.say(mover, &change);
        world.say(
            mover,
            r#"{"type":"send_message","payload":{"message":"hi"}}"#,
        );
        world.run();
        assert_eq!(world.heard(in_old), [""; 0]);
        assert_eq!(world.entries(in_new).len(), 1);
        let heard = world.heard(mover);
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].starts_with(r#"{"type":"new_message","payload":{"message":"hi","#));
    }
}

#[test]
fn a_message_is_stamped_with_the_time_at_which_its_room_numbers_it() {
    // The room's home has slept since its last turn.
    let mut world = world(2);
    let den = room_at(1, 2);
    let speaker = world.connect(0, EVENTS, Some(&den));
    let _ = world.connect(1, WORDS, None);
    world.pass_time(std::time::Duration::from_millis(7_500));
    world.say(
        speaker,
        r#"{"type":"send_message","payload":{"message":"hi"}}"#,
    );
    world.run();
    let heard = world.heard(speaker);
    assert!(
        heard[0].contains(r#""sent":"1970-01-01T00:00:07.500000000Z""#),
        "{heard:?}"
    );
}
