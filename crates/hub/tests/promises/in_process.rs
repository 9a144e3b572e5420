//! The application that the hub is a part of publishes without a connection.

use parlour_proto::Refusal;

use crate::stores::LateStore;
use crate::world::{WORDS, World, position, room_at, seconds, world, world_with};

#[test]
fn what_the_application_publishes_is_numbered_with_all_else_and_heard_by_all() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let members = [world.member(0, &den), world.member(1, &den)];
        world.say(members[0], &format!("publish {den} a x"));
        world.run();
        world.publish_inside(7, &den, "b");
        world.run();
        assert_eq!(world.published(), [(7, Ok(2))]);
        let all = [
            format!("entry {den} 1 a x"),
            format!("entry {den} 2 b \"x\""),
        ];
        for member in members {
            assert_eq!(world.entries(member), all);
        }
    }
}

#[test]
fn a_room_that_nobody_is_in_keeps_what_is_published_for_who_comes_within_a_minute() {
    let mut world = world(2);
    let den = room_at(1, 2);
    (0..3).for_each(|n| world.publish_inside(n, &den, "m"));
    world.run();
    assert_eq!(world.published(), [(0, Ok(1)), (1, Ok(2)), (2, Ok(3))]);
    let peer = world.connect(0, WORDS, Some(&den));
    world.run();
    let (epoch, seq) = position(&world.heard(peer)[0]);
    assert_eq!(seq, 3);
    world.say(peer, &format!("leave {den}"));
    world.say(peer, &format!("join {den} {epoch} 1"));
    world.run();
    assert_eq!(world.entries(peer).len(), 2);
    world.hang_up(peer);
    world.pass_time(seconds(61));
    assert_eq!(world.counts().rooms, 0);
}

#[test]
fn nothing_is_answered_before_the_store_has_it_and_a_refusal_is_told() {
    let stores = [LateStore::default()];
    let mut world = World::new(1, |_| {}, |_| stores[0].clone());
    (1..=3).for_each(|n| world.publish_inside(n, "den", "m"));
    world.run();
    assert_eq!(world.published(), []);
    stores[0].commit(1);
    world.poll_stores();
    assert_eq!(world.published(), [(1, Ok(1))]);
    stores[0].refuse();
    world.poll_stores();
    let refused = Err(Refusal::NotStored);
    assert_eq!(world.published(), [(2, refused), (3, refused)]);
}

#[test]
fn a_room_too_many_is_refused_by_name() {
    let mut world = world_with(1, |limits| limits.rooms_max = 1);
    world.publish_inside(1, "a", "m");
    world.publish_inside(2, "b", "m");
    world.run();
    let refused = Err(Refusal::TooManyRooms);
    assert_eq!(world.published(), [(1, Ok(1)), (2, refused)]);
}

#[test]
fn what_has_no_place_in_the_log_waits_and_is_answered_later() {
    let stores = [LateStore::default()];
    let mut world = World::new(
        1,
        |limits| limits.log_entries_max = 8,
        |_| stores[0].clone(),
    );
    (1..=20).for_each(|n| world.publish_inside(n, "den", "m"));
    world.run();
    while !stores[0].waiting().is_empty() {
        stores[0].commit(1);
        world.poll_stores();
    }
    let all: Vec<_> = (1..=20).map(|n| (n, Ok(n))).collect();
    assert_eq!(world.published(), all);
}
