//! Pings are answered.

use crate::world::world;

#[test]
fn a_ping_is_answered_with_its_payload_behind_what_waits() {
    let mut world = world(1);
    let peer = world.member(0, "den");
    world.say(peer, "leave nowhere");
    world.ping(peer, b"one");
    world.ping(peer, b"two");
    world.run();
    assert_eq!(
        world.heard(peer),
        ["refused - not_in_room", "!pong one", "!pong two"]
    );
}

#[test]
fn while_the_output_is_blocked_only_the_latest_ping_is_answered() {
    let mut world = world(1);
    let (speaker, peer) = (world.member(0, "den"), world.member(0, "den"));
    world.unblock(peer, 7);
    world.say(speaker, "publish den a x");
    world.run();
    (0..1_000).for_each(|n| world.ping(peer, format!("p{n}").as_bytes()));
    world.run();
    world.unblock(peer, usize::MAX);
    world.run();
    assert_eq!(world.heard(peer), ["entry den 1 a x", "!pong p999"]);
}
