//! A connection may send so many frames, and the next is refused with the time to wait.

use std::time::Duration;

use parlour_hub::{Answer, WireIndex};

use crate::world::{ECHO, EVENTS, FULL, Peer, RAW, WORDS, World, seconds, world_with};

const PUBLISH: &str = r#"{"t":"publish","room":"den","id":"m","payload":"x"}"#;

fn limited(per_second: u32, burst: u32) -> World {
    world_with(2, |limits| {
        limits.messages_per_second = per_second;
        limits.message_burst = burst;
    })
}

fn member(world: &mut World, wire: WireIndex) -> Peer {
    let peer = world.connect(0, wire, Some("den"));
    world.run();
    world.heard(peer);
    peer
}

fn refusals(heard: &[String]) -> usize {
    let refused = heard.iter().filter(|frame| frame.contains("rate_limited"));
    refused.count()
}

#[test]
fn over_the_burst_a_frame_is_refused_by_name_with_room_id_and_time_and_thrown_away() {
    let mut world = limited(10, 3);
    let (peer, other) = (member(&mut world, FULL), member(&mut world, WORDS));
    (0..4).for_each(|_| world.say(peer, PUBLISH));
    world.run();
    let heard = world.heard(peer);
    let refusal = r#"{"t":"error","code":"rate_limited","message":"too many messages; slow down","room":"den","id":"m","retry_after":0.10}"#;
    assert_eq!(refusals(&heard), 1);
    assert!(heard.iter().any(|frame| frame == refusal), "{heard:?}");
    assert_eq!(world.entries(other).len(), 3);
    assert_eq!(world.counts().rate_limited, 1);
    assert!(!world.shard(0).is_closing(peer.index));
}

#[test]
fn after_the_told_time_the_same_command_passes() {
    let mut world = limited(10, 3);
    let peer = member(&mut world, FULL);
    (0..4).for_each(|_| world.say(peer, PUBLISH));
    world.pass_time(Duration::from_millis(100));
    world.say(peer, PUBLISH);
    world.say(peer, PUBLISH);
    world.run();
    assert_eq!(refusals(&world.heard(peer)), 2);
    world.pass_time(seconds(1));
    (0..4).for_each(|_| world.say(peer, PUBLISH));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(refusals(&heard), 1, "no more than the burst: {heard:?}");
}

#[test]
fn the_default_is_100_a_second_with_a_burst_of_500() {
    let limits = parlour_proto::Limits::default();
    let mut world = limited(limits.messages_per_second, limits.message_burst);
    let peer = member(&mut world, EVENTS);
    let frame = r#"{"type":"send_message","payload":{"message":"x"}}"#;
    for (sent, passed) in [(560, 500), (160, 100)] {
        for _ in 0..sent {
            // A publisher who waits for its answers is not what is tested here.
            while !world.try_say(peer, frame) {
                world.run();
            }
        }
        world.run();
        let heard = world.heard(peer);
        let errors = r#"{"type":"error","payload":{"code":"rate_limited","#;
        let refused = heard.iter().filter(|frame| frame.starts_with(errors));
        assert_eq!((refused.count(), heard.len()), (sent - passed, sent));
        world.pass_time(seconds(1));
    }
}

#[test]
fn a_join_counts_one_more_for_every_16_rooms() {
    let mut world = limited(1, 10);
    let peer = member(&mut world, FULL);
    let rooms: Vec<_> = (0..64).map(|n| format!(r#"{{"room":"r{n}"}}"#)).collect();
    world.say(
        peer,
        &format!(r#"{{"t":"join","rooms":[{}]}}"#, rooms.join(",")),
    );
    (0..6).for_each(|_| world.say(peer, r#"{"t":"ping"}"#));
    world.run();
    let heard = world.heard(peer);
    let pongs = heard.iter().filter(|frame| frame.contains("pong"));
    assert_eq!((pongs.count(), refusals(&heard)), (5, 1));
}

#[test]
fn each_room_in_which_a_join_asks_who_is_there_counts_one_more() {
    let mut world = limited(1, 10);
    let peer = member(&mut world, FULL);
    let rooms: Vec<_> = (0..4)
        .map(|n| format!(r#"{{"room":"r{n}","presence":{}}}"#, n < 3))
        .collect();
    world.say(
        peer,
        &format!(r#"{{"t":"join","rooms":[{}]}}"#, rooms.join(",")),
    );
    (0..7).for_each(|_| world.say(peer, r#"{"t":"ping"}"#));
    world.run();
    let heard = world.heard(peer);
    let pongs = heard.iter().filter(|frame| frame.contains("pong"));
    assert_eq!((pongs.count(), refusals(&heard)), (6, 1));
}

#[test]
fn frames_over_the_rate_are_no_bad_frames_and_bad_frames_count() {
    let mut world = limited(1, 5);
    let peer = member(&mut world, FULL);
    (0..30).for_each(|_| world.say(peer, "nonsense"));
    world.run();
    let heard = world.heard(peer);
    assert_eq!((heard.len(), refusals(&heard)), (30, 25));
    assert!(!world.shard(0).is_closing(peer.index));
}

#[test]
fn connections_do_not_share_a_rate_and_zero_is_no_limit() {
    let mut world = limited(1, 2);
    let (one, two) = (member(&mut world, FULL), member(&mut world, FULL));
    for peer in [one, two] {
        (0..2).for_each(|_| world.say(peer, r#"{"t":"ping"}"#));
    }
    world.run();
    assert_eq!(world.counts().rate_limited, 0);
    let mut world = limited(0, 2);
    let peer = member(&mut world, FULL);
    (0..5_000).for_each(|_| world.say(peer, r#"{"t":"ping"}"#));
    world.run();
    assert_eq!(world.counts().rate_limited, 0);
}

#[test]
fn a_large_frame_over_the_rate_is_thrown_away_unread() {
    let mut world = limited(1, 2);
    let peer = member(&mut world, FULL);
    (0..2).for_each(|_| world.say(peer, PUBLISH));
    world.run();
    world.heard(peer);
    let text = |bytes| {
        let begin = r#"{"t":"publish","room":"den","id":"m","payload":""#;
        format!("{begin}{}\"}}", "x".repeat(bytes - begin.len() - 2))
    };
    world.say(peer, &text(1_024));
    world.say(peer, &text(1_025));
    world.run();
    let heard = world.heard(peer);
    assert_eq!(refusals(&heard), 2);
    let about = r#""room":"den","id":"m","#;
    assert!(heard[0].contains(about), "{heard:?}");
    assert!(!heard[1].contains(about), "{heard:?}");
    assert!(heard[1].contains(r#""retry_after":1.00"#), "{heard:?}");
    world.pass_time(seconds(1));
    world.say(peer, &text(1_025));
    world.run();
    assert!(world.heard(peer)[0].starts_with(r#"{"t":"ack""#));
}

#[test]
fn who_goes_on_over_the_rate_is_not_read_until_it_may_send_again() {
    for (per_second, burst) in [(1, 3), (7, 1), (1_000, 5)] {
        let mut world = limited(per_second, burst);
        let peer = member(&mut world, FULL);
        let mut sent = 0;
        while world.try_say(peer, PUBLISH) {
            sent += 1;
        }
        assert_eq!(sent, burst + 64);
        world.run();
        assert_eq!(refusals(&world.heard(peer)), 64);
        assert_eq!(world.resumed(0), [0; 0]);
        let turns = world.turns();
        world.pass_time(Duration::from_millis(1_500));
        assert!(world.turns() - turns < 20, "nobody waits in a loop");
        assert_eq!(world.resumed(0), [peer.index]);
        world.say(peer, PUBLISH);
        world.run();
        assert!(world.heard(peer)[0].starts_with(r#"{"t":"ack""#));
    }
}

#[test]
fn a_costly_join_that_is_never_had_is_not_read_for_nothing() {
    let mut world = limited(1, 20);
    let peer = member(&mut world, FULL);
    (0..10).for_each(|_| world.say(peer, PUBLISH));
    world.run();
    world.heard(peer);
    let rooms: Vec<_> = (0..160).map(|n| format!("\"r{n}\"")).collect();
    let leave = format!(r#"{{"t":"leave","rooms":[{}]}}"#, rooms.join(","));
    assert!(leave.len() > 1_024);
    let mut sent = 0;
    while world.try_say(peer, &leave) {
        sent += 1;
    }
    assert_eq!(sent, 64, "then it is not read");
    world.run();
    let heard = world.heard(peer);
    // Each of the first ten took what was left; the others were not read, and say when one may pass.
    let unread = heard
        .iter()
        .filter(|frame| frame.contains(r#""retry_after":1.00"#));
    assert_eq!((refusals(&heard), unread.count()), (64, 54));
}

#[test]
fn who_is_over_the_rate_now_and_then_is_read_on() {
    let mut world = limited(1, 1);
    let peer = member(&mut world, FULL);
    for _ in 0..4 {
        (0..64).for_each(|_| world.say(peer, PUBLISH));
        world.pass_time(seconds(1));
    }
    world.say(peer, PUBLISH);
    world.run();
    assert_eq!(world.resumed(0), [0; 0]);
}

#[test]
fn a_blocked_peer_who_goes_on_over_the_rate_is_read_again_too() {
    let mut world = limited(1, 3);
    let peer = member(&mut world, FULL);
    world.block(peer);
    while world.try_say(peer, PUBLISH) {}
    world.pass_time(seconds(2));
    assert_eq!(world.resumed(0), [peer.index]);
}

#[test]
fn echo_has_no_rate() {
    let mut world = limited(1, 1);
    let peer = world.connect(0, ECHO, None);
    (0..100).for_each(|_| world.say(peer, "x"));
    world.run();
    assert_eq!(world.heard(peer), ["x"; 100]);
}

#[test]
fn control_frames_cost_nothing() {
    let mut world = limited(1, 1);
    let peer = member(&mut world, FULL);
    (0..50).for_each(|_| world.ping(peer, b"x"));
    world.say(peer, PUBLISH);
    world.run();
    assert_eq!(refusals(&world.heard(peer)), 0);
}

#[test]
fn a_dialect_without_words_for_it_is_not_read_until_its_rate_is_there_again_and_loses_nothing() {
    let mut world = world_with(1, |limits| {
        limits.messages_per_second = 1;
        limits.message_burst = 3;
    });
    let peer = world.connect(0, RAW, None);
    let mut said = 0;
    for _ in 0..10 {
        while world.try_say(peer, "x") {
            said += 1;
            assert_eq!(world.asked(0).len(), 1, "nothing is thrown away");
            world.answer(peer, Answer::Done);
        }
        world.pass_time(seconds(1));
    }
    assert!((12..=14).contains(&said), "{said} in ten seconds");
    assert_eq!(world.counts().rate_limited, 0);
}
