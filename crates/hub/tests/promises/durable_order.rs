//! Nothing is fanned out or acknowledged before it is durable.

use crate::stores::LateStore;
use crate::world::{World, room_at};

fn world() -> (World<LateStore>, String, LateStore) {
    let stores = [LateStore::default(), LateStore::default()];
    let world = World::new(2, |_| {}, |id| stores[usize::from(id)].clone());
    (world, room_at(0, 2), stores[0].clone())
}

#[test]
fn nothing_is_fanned_out_or_acknowledged_before_its_commit() {
    let (mut world, den, store) = world();
    let members = [world.member(0, &den), world.member(1, &den)];
    for id in ["a", "b"] {
        world.say(members[1], &format!("publish {den} {id} x"));
    }
    world.run();
    assert_eq!(store.waiting(), [1, 2]);
    for member in members {
        assert_eq!(world.heard(member), [""; 0]);
    }
    store.commit(1);
    world.poll_stores();
    assert_eq!(world.heard(members[0]), [format!("entry {den} 1 a x")]);
    let own = [format!("ack {den} 1 a"), format!("entry {den} 1 a x")];
    assert_eq!(world.heard(members[1]), own, "b is not durable yet");
    store.commit(1);
    world.poll_stores();
    assert_eq!(world.heard(members[0]), [format!("entry {den} 2 b x")]);
}

#[test]
fn a_newcomer_is_not_shown_a_number_that_is_not_durable() {
    let (mut world, den, store) = world();
    let speaker = world.member(0, &den);
    world.say(speaker, &format!("publish {den} a x"));
    world.run();
    let newcomer = world.connect(1, crate::world::WORDS, Some(&den));
    world.run();
    assert!(world.heard(newcomer)[0].starts_with(&format!("joined {den} 0 ")));
    store.commit(1);
    world.poll_stores();
    assert_eq!(world.heard(newcomer), [format!("entry {den} 1 a x")]);
}
