//! The first frame says who a client is and what holds for it.

use parlour_proto::CloseReason;

use crate::world::{ECHO, EVENTS, FULL, world, world_with};

#[test]
fn hello_is_the_first_frame_and_tells_name_and_limits() {
    let mut world = world_with(1, |limits| {
        limits.message_bytes_max = 512;
        limits.rooms_per_connection_max = 7;
        limits.messages_per_second = 3;
        limits.message_burst = 4;
        limits.presence_members_max = 5;
        limits.ids_per_room_max = 6;
    });
    let peer = world.connect(0, FULL, Some("den"));
    world.run();
    let heard = world.heard(peer);
    let limits = r#"{"message_bytes":512,"rooms":7,"messages_per_second":3,"burst":4,"presence_members":5,"ids":6}"#;
    let hello = format!(
        r#"{{"t":"hello","version":"{}","user":"guest-1","guest":true,"limits":{limits}}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(heard[0], hello);
    assert!(heard[1].starts_with(r#"{"t":"joined","room":"den","#));
    assert_eq!(heard.len(), 2);
}

#[test]
fn hello_comes_first_also_when_the_server_is_going_away() {
    let mut world = world(1);
    world.close_all(CloseReason::GoingAway);
    let peer = world.connect(0, FULL, Some("den"));
    world.run();
    let heard = world.heard(peer);
    assert!(heard[0].starts_with(r#"{"t":"hello""#), "{heard:?}");
    assert!(heard[1].starts_with(r#"{"t":"closing","why":"going_away""#));
    assert_eq!(heard[2..], ["!close 1001 the server is going away"]);
}

#[test]
fn dialects_without_words_for_it_say_nothing() {
    let mut world = world(1);
    let peers = [EVENTS, ECHO].map(|wire| world.connect(0, wire, None));
    world.run();
    for peer in peers {
        assert_eq!(world.heard(peer), [""; 0]);
    }
}

#[test]
fn a_ping_in_the_words_of_the_dialect_is_answered_with_its_id() {
    let mut world = world(1);
    let peer = world.full(0);
    world.say(peer, r#"{"t":"ping","id":"7"}"#);
    world.say(peer, r#"{"t":"ping"}"#);
    world.run();
    assert_eq!(
        world.heard(peer),
        [r#"{"t":"pong","id":"7"}"#, r#"{"t":"pong"}"#]
    );
}
