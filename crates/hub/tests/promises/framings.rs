//! What a framing does with an entry, such as compressing it, is done once per shard.

use crate::speech::Counting;
use crate::world::{COUNTED, Peer, world};

#[test]
fn an_entry_is_framed_once_for_all_members_with_the_same_framing() {
    let mut world = world(1);
    let speaker = world.member(0, "den");
    let members: Vec<Peer> = (0..50)
        .map(|_| world.connect(0, COUNTED, Some("den")))
        .collect();
    world.run();
    members.iter().for_each(|member| drop(world.heard(*member)));
    Counting::take();
    world.say(speaker, "publish den a x");
    world.run();
    assert_eq!(Counting::take(), 1);
    for member in &members {
        assert_eq!(world.entries(*member), ["entry den 1 a x"], "{member:?}");
    }
}

#[test]
fn a_framing_that_nobody_in_the_room_uses_is_not_asked() {
    let mut world = world(1);
    let speaker = world.member(0, "den");
    let elsewhere = world.connect(0, COUNTED, Some("hall"));
    let gone = world.connect(0, COUNTED, Some("den"));
    world.run();
    world.hang_up(gone);
    world.run();
    Counting::take();
    world.say(speaker, "publish den a x");
    world.run();
    assert_eq!(Counting::take(), 0);
    assert!(world.entries(elsewhere).is_empty());
    assert_eq!(world.entries(speaker), ["entry den 1 a x"]);
}
