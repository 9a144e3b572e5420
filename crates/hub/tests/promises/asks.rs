//! The application is asked in order, one question per connection at a time, and its answers reach
//! whom they are for and nobody else.

use parlour_hub::{Answer, Attach, NotTold, OwnedTold, What};
use parlour_proto::{CloseReason, Command, FrameKind, Refusal, RoomName, UserName};

use crate::world::{ECHO, EVENTS, PLAIN, Peer, RAW, ROUTED, World, seconds, world, world_with};

const WAVE: &str = r#"{"type":"wave","payload":{"hand":1}}"#;
const ERROR: &str = r#"{"type":"error","payload":{"code":"#;

/// One whose opening was answered, in the room `den`.
fn routed(world: &mut World, shard: usize) -> Peer {
    let peer = world.connect(shard, ROUTED, Some("den"));
    assert!(matches!(world.asked(shard)[..], [What::Opened { .. }]));
    world.answer(peer, Answer::Done);
    world.run();
    peer
}

fn message(text: &str) -> String {
    format!(r#"{{"type":"send_message","payload":{{"message":"{text}"}}}}"#)
}

fn told(text: &str) -> OwnedTold {
    OwnedTold {
        kind: "waved".into(),
        payload: format!("\"{text}\"").into(),
        frame: FrameKind::Text,
    }
}

#[test]
fn a_handled_connection_is_not_read_and_in_no_room_before_its_opening_is_answered() {
    let mut world = world(1);
    let peer = world.connect(0, ROUTED, Some("den"));
    world.run();
    assert!(!world.try_say(peer, WAVE));
    let ann = world.member(0, "den");
    world.say(ann, "publish den 1 early");
    world.run();
    assert!(matches!(world.asked(0)[..], [What::Opened { .. }]));
    world.answer(peer, Answer::Done);
    world.run();
    assert_eq!(world.resumed(0), [peer.index]);
    world.say(ann, "publish den 2 late");
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("late"));
}

#[test]
fn questions_of_one_connection_are_asked_one_at_a_time_and_in_order() {
    let mut world = world(1);
    let peer = routed(&mut world, 0);
    for hand in 0..3 {
        let wave = format!(r#"{{"type":"wave","payload":{hand}}}"#);
        world.say(peer, &wave);
        assert!(!world.try_say(peer, WAVE), "the next is not read");
        let asked = world.asked(0);
        let [
            What::Ask {
                kind,
                payload,
                frame: FrameKind::Text,
                room: Some(room),
            },
        ] = &asked[..]
        else {
            panic!("{asked:?}");
        };
        assert_eq!((&kind[..], room.as_str()), ("wave", "den"));
        assert_eq!(*payload, hand.to_string());
        world.run();
        world.answer(peer, Answer::Done);
        assert_eq!(world.resumed(0), [] as [u32; 0], "a turn says so");
        world.run();
        assert_eq!(world.resumed(0), [peer.index]);
    }
    assert_eq!(world.heard(peer), [] as [&str; 0]);
}

#[test]
fn answers_are_carried_out_or_told() {
    let mut world = world(1);
    let peer = routed(&mut world, 0);
    let ask = |world: &mut World, answer| {
        world.say(peer, WAVE);
        world.answer(peer, answer);
        world.run();
        world.heard(peer)
    };
    let refused = ask(&mut world, Answer::Refused(Refusal::NotAllowed));
    assert!(refused[0].starts_with(&format!("{ERROR}\"not_allowed\"")));
    let failed = Answer::Failed {
        code: "no_hands".into(),
        message: "you have no hands".into(),
    };
    let failed = ask(&mut world, failed);
    let expected = format!(r#"{ERROR}"no_hands","message":"you have no hands"}}}}"#);
    assert_eq!(failed, [expected]);
    let publish = Command::Publish {
        room: None,
        id: None,
        since: None,
        kind: parlour_proto::EntryKind::named("waved"),
        payload: "1".into(),
    };
    let shown = ask(&mut world, Answer::Go(publish));
    assert_eq!(shown, [r#"{"type":"waved","payload":1}"#]);
    // An error of the application's is no bad frame.
    for _ in 0..20 {
        ask(&mut world, Answer::Refused(Refusal::NotAllowed));
    }
    assert!(!world.is_finished(peer));
}

#[test]
fn who_is_led_out_of_its_last_room_stays_although_it_has_no_words_for_a_refusal() {
    let mut world = world(1);
    let peer = world.connect(0, RAW, Some("den"));
    world.run();
    world.say(peer, "I want to go");
    let rooms = vec![RoomName::new("den").unwrap()];
    world.answer(peer, Answer::Go(Command::Leave { rooms }));
    world.run();
    assert_eq!(world.heard(peer), [] as [&str; 0]);
    assert!(!world.is_finished(peer));
}

#[test]
fn an_answer_that_comes_too_late_or_twice_does_nothing() {
    let mut world = world(1);
    let gone = routed(&mut world, 0);
    world.say(gone, WAVE);
    let late = world.id(gone);
    world.hang_up(gone);
    let next = world.connect(0, ROUTED, None);
    assert_eq!(next.index, gone.index, "it has the other's place");
    world.run();
    world.asked(0);
    let failed = || Answer::Failed {
        code: "x".into(),
        message: String::new(),
    };
    world.shard(0).answer(late, failed());
    world.run();
    assert!(!world.try_say(next, WAVE), "its own is not answered");
    world.answer(next, Answer::Done);
    world.answer(next, failed());
    world.run();
    assert_eq!(world.heard(next), [] as [&str; 0]);

    world.say(next, WAVE);
    world.close(next, CloseReason::GoingAway);
    world.answer(next, failed());
    world.run();
    assert_eq!(world.heard(next).len(), 1, "its close");
}

#[test]
fn an_end_is_told_once_whatever_it_was() {
    let mut world = world(1);
    let closed = |world: &mut World| match world.asked(0)[..] {
        [What::Closed(reason)] => reason,
        ref other => panic!("{other:?}"),
    };
    let left = routed(&mut world, 0);
    world.send_close(left, Some(3_000));
    world.run();
    assert_eq!(closed(&mut world), CloseReason::Requested(Some(3_000)));
    world.hang_up(left);
    assert!(world.asked(0).is_empty());

    let cut = routed(&mut world, 0);
    world.say(cut, WAVE);
    world.asked(0);
    world.hang_up(cut);
    assert_eq!(closed(&mut world), CloseReason::Requested(None));

    let thrown_out = routed(&mut world, 0);
    world.close(thrown_out, CloseReason::Application(3_001));
    world.close(thrown_out, CloseReason::Application(3_002));
    world.run();
    assert_eq!(closed(&mut world), CloseReason::Application(3_001));

    let turned_away = world.connect(0, ROUTED, None);
    world.asked(0);
    world.answer(turned_away, Answer::Refused(Refusal::NotAllowed));
    world.run();
    assert!(world.is_finished(turned_away));
    assert_eq!(closed(&mut world), CloseReason::NotAllowed);

    let not_handled = world.connect(0, EVENTS, Some("den"));
    world.run();
    world.hang_up(not_handled);
    assert!(world.asked(0).is_empty());
}

#[test]
fn who_waits_for_an_answer_is_not_closed_for_a_silence_that_is_not_its_own() {
    let mut world = world(1);
    let peer = routed(&mut world, 0);
    world.say(peer, WAVE);
    assert!(!world.try_say(peer, WAVE));
    world.pass_time(seconds(1_000));
    assert!(!world.is_finished(peer));
    world.answer(peer, Answer::Done);
    world.run();
    world.say(peer, WAVE);
}

#[test]
fn a_frame_over_the_rate_is_not_asked_for() {
    let mut world = world_with(1, |limits| {
        limits.messages_per_second = 1;
        limits.message_burst = 2;
    });
    let peer = routed(&mut world, 0);
    for _ in 0..2 {
        world.say(peer, WAVE);
        assert_eq!(world.asked(0).len(), 1);
        world.answer(peer, Answer::Done);
    }
    world.say(peer, WAVE);
    assert!(world.asked(0).is_empty());
    world.run();
    assert!(world.heard(peer)[0].contains("rate_limited"));
}

#[test]
fn what_the_application_tells_comes_or_is_refused_by_name() {
    let mut world = world_with(1, |limits| limits.private_bytes_max = 1_000);
    let peer = routed(&mut world, 0);
    assert_eq!(world.tell(peer, &told("hi")), Ok(()));
    world.run();
    assert_eq!(world.heard(peer), [r#"{"type":"waved","payload":"hi"}"#]);

    world.block(peer);
    let tell = told(&"x".repeat(400));
    let until_full = (0..10).map(|_| world.tell(peer, &tell));
    let until_full: Vec<_> = until_full.take_while(Result::is_ok).collect();
    assert_eq!(until_full.len(), 3);
    assert_eq!(world.tell(peer, &tell), Err(NotTold::Full));

    let echo = world.connect(0, ECHO, None);
    assert_eq!(world.tell(echo, &tell), Err(NotTold::NoWords));
    world.close(peer, CloseReason::GoingAway);
    assert_eq!(world.tell(peer, &tell), Err(NotTold::Gone));
    world.hang_up(echo);
    assert_eq!(world.tell(echo, &tell), Err(NotTold::Gone));
}

#[test]
fn a_command_on_behalf_of_a_connection_costs_it_no_rate_and_waits_for_no_answer() {
    let mut world = world_with(1, |limits| {
        limits.messages_per_second = 1;
        limits.message_burst = 1;
    });
    let peer = world.connect(0, ROUTED, None);
    world.run();
    for name in ["a", "b", "c"] {
        let room = RoomName::new(name).unwrap();
        world.command(
            peer,
            Command::Join {
                rooms: vec![parlour_proto::Join::next(room)],
            },
        );
    }
    world.run();
    let bob = world.member(0, "b");
    world.say(bob, "publish b 1 hi");
    world.run();
    assert_eq!(world.heard(peer).len(), 1);
    let rooms = vec![RoomName::new("b").unwrap()];
    world.command(peer, Command::Leave { rooms });
    world.pass_time(seconds(1));
    world.say(bob, "publish b 2 again");
    world.run();
    assert_eq!(world.heard(peer), [] as [&str; 0]);
}

#[test]
fn one_that_waits_for_its_answer_holds_up_nobody_else() {
    let mut world = world(1);
    let slow = routed(&mut world, 0);
    world.say(slow, WAVE);
    let quick = routed_beside(&mut world);
    world.say(quick, &message("hello"));
    world.run();
    assert_eq!(world.heard(quick).len(), 1);
    assert_eq!(world.heard(slow).len(), 1, "it is told what others say");
}

fn routed_beside(world: &mut World) -> Peer {
    let peer = world.connect(0, ROUTED, Some("den"));
    world.asked(0);
    world.answer(peer, Answer::Done);
    world.run();
    peer
}

#[test]
fn a_local_connection_is_not_pinged_and_may_read_as_slowly_as_it_likes() {
    let mut world = world(1);
    let who = UserName::guest("me").unwrap();
    let peer = world.attach(
        0,
        Attach {
            is_local: true,
            room: Some(RoomName::new("den").unwrap()),
            ..Attach::new(PLAIN, who)
        },
    );
    world.run();
    world.heard(peer);
    world.pass_time(seconds(100_000));
    assert_eq!(world.heard(peer), [] as [&str; 0], "no ping");
    world.block(peer);
    let ann = world.member(0, "den");
    world.say(ann, "publish den 1 hi");
    world.pass_time(seconds(100_000));
    assert!(!world.was_cut(peer) && !world.is_finished(peer));
    world.unblock(peer, usize::MAX);
    world.run();
    assert!(world.heard(peer).iter().any(|frame| frame.contains("hi")));
}
