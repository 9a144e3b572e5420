//! Frames that mean nothing are refused by name; ten in a row are enough.

use crate::world::{EVENTS, WORDS, world};

#[test]
fn ten_bad_frames_in_a_row_close_1008() {
    let mut world = world(1);
    let peer = world.connect(0, WORDS, None);
    for _ in 0..12 {
        // What comes behind the tenth is thrown away.
        world.say(peer, "nonsense");
    }
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), 11, "{heard:?}");
    assert!(
        heard[..10]
            .iter()
            .all(|frame| frame == "refused - unknown_type")
    );
    assert_eq!(heard[10], "!close 1008 ten bad frames in a row");
    assert!(world.is_finished(peer));
}

#[test]
fn nine_bad_frames_and_a_good_one_do_not() {
    let mut world = world(1);
    let peer = world.member(0, "den");
    for round in 0..5 {
        (0..9).for_each(|_| world.say(peer, "nonsense"));
        world.say(peer, &format!("publish den m{round} x"));
        world.run();
    }
    assert!(!world.shard(0).is_closing(peer.index));
    assert_eq!(world.entries(peer).len(), 5);
    assert_eq!(world.counts().refusals, 45);
}

#[test]
fn a_refusal_that_is_not_the_frames_fault_keeps_the_connection() {
    let mut world = world(1);
    let peer = world.connect(0, WORDS, None);
    for _ in 0..30 {
        world.say(peer, "publish den a x");
        world.say(peer, "leave den");
    }
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), 60);
    assert_eq!(
        heard[..2],
        ["refused a not_in_room", "refused - not_in_room"]
    );
    assert!(!world.shard(0).is_closing(peer.index));
}

#[test]
fn the_events_dialect_answers_each_bad_frame_with_its_name() {
    let mut world = world(1);
    let peer = world.connect(0, EVENTS, Some("den"));
    for frame in [
        "{",
        r#"{"type":"dance"}"#,
        r#"{"type":"send_message"}"#,
        r#"{"type":"change_room","payload":{"name":"$x"}}"#,
    ] {
        world.say(peer, frame);
    }
    world.run();
    let heard = world.heard(peer);
    let codes = ["bad_json", "unknown_type", "bad_payload", "bad_room"];
    assert_eq!(heard.len(), codes.len());
    for (frame, code) in heard.iter().zip(codes) {
        assert!(frame.contains(&format!(r#""code":"{code}""#)), "{frame}");
    }
}
