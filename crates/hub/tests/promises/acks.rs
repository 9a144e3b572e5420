//! A publisher learns what became of what it published.

use crate::stores::LateStore;
use crate::world::{World, room_at, world};

#[test]
fn the_ack_comes_before_the_entry_on_the_senders_connection() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let (speaker, listener) = (world.member(0, &den), world.member(1, &den));
        world.say(speaker, &format!("publish {den} a hello"));
        world.run();
        let entry = format!("entry {den} 1 a hello");
        assert_eq!(
            world.heard(speaker),
            [format!("ack {den} 1 a"), entry.clone()]
        );
        assert_eq!(world.heard(listener), [entry], "others get no ack");
    }
}

#[test]
fn an_ack_and_its_entry_come_in_one_send() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let (speaker, listener) = (world.member(0, &den), world.member(0, &den));
        let before = world.counts().sends;
        world.say(speaker, &format!("publish {den} a hello"));
        world.run();
        assert_eq!(
            (world.heard(speaker).len(), world.heard(listener).len()),
            (2, 1)
        );
        assert_eq!(world.counts().sends - before, 2);
    }
}

#[test]
fn what_follows_from_a_publish_takes_one_turn() {
    let mut world = world(1);
    let members: Vec<_> = (0..3).map(|_| world.member(0, "den")).collect();
    world.say(members[0], "publish den a hello");
    assert!(world.step());
    assert!(!world.step(), "another turn for nothing");
    for member in members {
        assert_eq!(world.entries(member).len(), 1);
    }
}

#[test]
fn what_is_long_is_not_copied_to_come_in_one_send() {
    let mut world = world(1);
    let speaker = world.member(0, "den");
    let before = world.counts().sends;
    world.say(speaker, &format!("publish den a {}", "x".repeat(3_000)));
    world.run();
    assert_eq!(
        (world.heard(speaker).len(), world.counts().sends - before),
        (2, 2)
    );
}

#[test]
fn the_ack_comes_before_the_entry_also_when_the_sender_was_blocked() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let speaker = world.member(0, &den);
    world.say(speaker, &format!("publish {den} a hello"));
    world.block(speaker);
    world.run();
    world.say(speaker, &format!("publish {den} b hello"));
    world.run();
    world.unblock(speaker, 30);
    world.run();
    world.unblock(speaker, usize::MAX);
    world.run();
    let heard = world.heard(speaker);
    let place = |what: &str| {
        heard
            .iter()
            .position(|frame| frame.starts_with(what))
            .unwrap()
    };
    for (seq, id) in [(1, 'a'), (2, 'b')] {
        let (ack, entry) = (
            format!("ack {den} {seq} {id}"),
            format!("entry {den} {seq} {id}"),
        );
        assert!(place(&ack) < place(&entry), "{heard:?}");
    }
    assert_eq!(heard.len(), 4, "{heard:?}");
}

#[test]
fn what_the_store_refuses_is_told_not_stored_seen_by_nobody_and_its_number_given_again() {
    let stores = [LateStore::default(), LateStore::default()];
    let mut world = World::new(2, |_| {}, |id| stores[usize::from(id)].clone());
    let (den, store) = (room_at(1, 2), &stores[1]);
    let (speaker, listener) = (world.member(0, &den), world.member(1, &den));
    for id in ["a", "b", "c"] {
        world.say(speaker, &format!("publish {den} {id} x"));
    }
    world.run();
    assert_eq!(store.waiting(), [1, 2, 3]);
    store.commit(1);
    store.refuse();
    world.poll_stores();
    assert_eq!(
        world.heard(speaker),
        [
            format!("ack {den} 1 a"),
            "refused b not_stored".to_owned(),
            "refused c not_stored".to_owned(),
            format!("entry {den} 1 a x"),
        ]
    );
    assert_eq!(world.heard(listener), [format!("entry {den} 1 a x")]);

    world.say(speaker, &format!("publish {den} b again"));
    world.run();
    assert_eq!(store.waiting(), [2], "the number is given again");
    store.commit(1);
    world.poll_stores();
    assert_eq!(world.heard(listener), [format!("entry {den} 2 b again")]);
}

#[test]
fn what_is_published_after_a_refusal_gets_the_number_that_was_refused() {
    let store = LateStore::default();
    let mut world = World::new(1, |_| {}, |_| store.clone());
    let speaker = world.member(0, "den");
    world.say(speaker, "publish den a x");
    world.run();
    store.refuse();
    world.say(speaker, "publish den b x");
    world.run();
    assert_eq!(world.heard(speaker)[0], "refused a not_stored");
    assert_eq!(store.waiting(), [1]);
    store.commit(1);
    world.poll_stores();
    assert_eq!(world.heard(speaker), ["ack den 1 b", "entry den 1 b x"]);
}

#[test]
fn publishers_on_two_shards_each_get_their_own_answers() {
    let mut world = world(2);
    let speakers = [world.member(0, "den"), world.member(1, "den")];
    for n in 0..10 {
        for (who, speaker) in speakers.iter().enumerate() {
            world.say(*speaker, &format!("publish den {who}-{n} x"));
        }
    }
    world.run();
    for (who, speaker) in speakers.iter().enumerate() {
        let mut acks = world.heard(*speaker);
        acks.retain(|frame| frame.starts_with("ack "));
        let ids: Vec<_> = acks
            .iter()
            .map(|ack| ack.split(' ').nth(3).unwrap())
            .collect();
        let said: Vec<_> = (0..10).map(|n| format!("{who}-{n}")).collect();
        assert_eq!(ids, said);
    }
}
