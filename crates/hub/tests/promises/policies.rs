//! An application with a policy is asked before anybody joins or publishes, and for nothing else.

use parlour_hub::{Answer, Asks, What};
use parlour_proto::{Command, Join, Refusal};

use crate::world::{EVENTS, FEED, FULL, Peer, World, world, world_asking, world_with};

const ALL: Asks = Asks {
    joins: true,
    publishes: true,
};

fn full(world: &mut World) -> Peer {
    let peer = world.connect(0, FULL, None);
    world.run();
    world.heard(peer);
    peer
}

/// Joins these rooms with the policy's blessing.
fn join(world: &mut World, peer: Peer, rooms: &str) {
    world.say(peer, &format!(r#"{{"t":"join","rooms":[{rooms}]}}"#));
    world.asked(0);
    world.answer(peer, Answer::Done);
    world.run();
    world.heard(peer);
}

fn publish(room: &str, text: &str) -> String {
    format!(r#"{{"t":"publish","room":"{room}","id":"7","payload":"{text}"}}"#)
}

#[test]
fn without_a_policy_nobody_is_asked() {
    let mut world = world(1);
    let peer = world.full(0);
    world.say(peer, r#"{"t":"join","rooms":[{"room":"den"}]}"#);
    world.say(peer, &publish("den", "hi"));
    assert!(world.asked(0).is_empty());
}

#[test]
fn what_the_policy_allows_is_carried_out_and_pings_and_leaves_are_not_asked_for() {
    let mut world = world_asking(1, ALL);
    let peer = full(&mut world);
    world.say(peer, r#"{"t":"join","rooms":[{"room":"den"}]}"#);
    let asked = world.asked(0);
    assert!(matches!(&asked[..], [What::Join(rooms)] if rooms[0].room.as_str() == "den"));
    world.answer(peer, Answer::Done);
    world.run();
    assert!(world.heard(peer)[0].contains("joined"));
    world.say(peer, &publish("den", "hi"));
    let asked = world.asked(0);
    let [What::Publish { room, draft }] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!((room.as_str(), &draft.from[..]), ("den", "guest-1"));
    assert_eq!(draft.payload, "\"hi\"");
    world.run();
    assert!(world.heard(peer).is_empty(), "nothing before the answer");
    world.answer(peer, Answer::Done);
    world.run();
    assert_eq!(world.heard(peer).len(), 2, "its ack and its entry");
    world.say(peer, r#"{"t":"ping"}"#);
    world.say(peer, r#"{"t":"leave","rooms":["den"]}"#);
    assert!(world.asked(0).is_empty());
}

#[test]
fn what_the_policy_refuses_is_refused_room_by_room_and_with_its_id() {
    let mut world = world_asking(1, ALL);
    let peer = full(&mut world);
    let two = r#"{"t":"join","rooms":[{"room":"den"},{"room":"attic"}]}"#;
    world.say(peer, two);
    world.answer(peer, Answer::Refused(Refusal::NotAllowed));
    world.run();
    let heard = world.heard(peer);
    for (frame, room) in heard.iter().zip(["den", "attic"]) {
        assert!(frame.contains(r#""code":"not_allowed""#) && frame.contains(room));
    }
    assert_eq!(heard.len(), 2);

    world.say(peer, two);
    let Some(What::Join(mut rooms)) = world.asked(0).pop() else {
        panic!("no question");
    };
    rooms.pop();
    world.answer(peer, Answer::Go(Command::Join { rooms }));
    world.run();
    let heard = world.heard(peer).concat();
    assert!(heard.contains(r#"{"t":"joined","room":"den""#), "{heard}");
    assert!(heard.contains(r#""room":"attic""#) && heard.contains("not_allowed"));

    world.say(peer, &publish("den", "hi"));
    world.answer(peer, Answer::Refused(Refusal::NotAllowed));
    world.run();
    let heard = world.heard(peer);
    assert!(heard[0].contains("not_allowed") && heard[0].contains(r#""room":"den","id":"7""#));
    assert_eq!(heard.len(), 1);
}

#[test]
fn a_publish_to_a_room_that_one_is_not_in_is_refused_without_a_question() {
    let mut world = world_asking(1, ALL);
    let peer = full(&mut world);
    world.say(peer, &publish("den", "hi"));
    assert!(world.asked(0).is_empty());
    world.run();
    assert!(world.heard(peer)[0].contains("not_in_room"));
}

#[test]
fn who_was_taken_out_of_the_room_while_the_policy_thought_does_not_publish() {
    let mut world = world_asking(1, ALL);
    let peer = full(&mut world);
    join(&mut world, peer, r#"{"room":"den"}"#);
    world.say(peer, &publish("den", "hi"));
    let rooms = vec![parlour_proto::RoomName::new("den").unwrap()];
    world.command(peer, Command::Leave { rooms });
    world.answer(peer, Answer::Done);
    world.run();
    let heard = world.heard(peer).concat();
    assert!(
        heard.contains("left") && heard.contains("not_in_room"),
        "{heard}"
    );
}

#[test]
fn the_first_room_and_a_change_of_rooms_are_asked_for_too() {
    let mut world = world_asking(1, ALL);
    let peer = world.connect(0, EVENTS, Some("den"));
    assert!(matches!(&world.asked(0)[..], [What::Join(_)]));
    assert!(!world.try_say(peer, "{}"), "not read before");
    world.answer(peer, Answer::Done);
    world.run();
    world.say(peer, r#"{"type":"change_room","payload":{"name":"attic"}}"#);
    assert!(matches!(&world.asked(0)[..], [What::Enter(room)] if room.as_str() == "attic"));
    world.answer(peer, Answer::Refused(Refusal::NotAllowed));
    world.run();
    assert!(world.heard(peer)[0].contains("not_allowed"));
    // It is where it was.
    world.say(
        peer,
        r#"{"type":"send_message","payload":{"message":"hi"}}"#,
    );
    let asked = world.asked(0);
    assert!(matches!(&asked[..], [What::Publish { room, .. }] if room.as_str() == "den"));
}

#[test]
fn who_cannot_be_told_that_it_may_not_be_in_its_room_is_closed() {
    let mut world = world_asking(1, ALL);
    let peer = world.connect(0, FEED, Some("den"));
    world.answer(peer, Answer::Refused(Refusal::NotAllowed));
    world.run();
    assert!(world.is_finished(peer));
    let some = world.connect(0, FEED, Some("den"));
    let rooms = Vec::<Join>::new();
    world.answer(some, Answer::Go(Command::Join { rooms }));
    world.run();
    assert!(world.is_finished(some));
}

#[test]
fn a_subscriber_whose_room_cannot_be_had_is_not_left_listening_to_nothing() {
    let mut world = world_with(1, |limits| limits.rooms_max = 1);
    world.member(0, "general");
    let peer = world.connect(0, FEED, Some("den"));
    world.run();
    assert!(world.is_finished(peer));
    // Who can be told of it stays, and may go elsewhere.
    let events = world.connect(0, EVENTS, Some("den"));
    world.run();
    assert!(world.heard(events)[0].contains("too_many_rooms"));
    assert!(!world.is_finished(events));
}
