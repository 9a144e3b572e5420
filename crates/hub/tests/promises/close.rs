//! How connections end.

use parlour_proto::CloseReason;

use crate::world::{EVENTS, WORDS, seconds, world};

#[test]
fn a_peers_close_is_answered_with_the_same_code_and_then_the_socket_is_finished() {
    for (code, answer) in [
        (Some(1000), "!close 1000 "),
        (Some(4321), "!close 4321 "),
        (None, "!close - "),
    ] {
        let mut world = world(1);
        let peer = world.member(0, "den");
        world.send_close(peer, code);
        world.run();
        assert_eq!(world.heard(peer), [answer]);
        assert!(world.is_finished(peer));
        assert!(!world.was_cut(peer));
        assert_eq!(world.shard(0).connections(), 1);
        world.hang_up(peer);
        assert_eq!(world.shard(0).connections(), 0);
    }
}

#[test]
fn a_socket_is_not_finished_before_its_close_frame_is_written() {
    let mut world = world(1);
    let peer = world.member(0, "den");
    world.block(peer);
    world.send_close(peer, Some(1000));
    world.run();
    assert!(!world.is_finished(peer));
    world.unblock(peer, 5);
    world.run();
    assert!(!world.is_finished(peer));
    world.unblock(peer, usize::MAX);
    world.run();
    assert_eq!(world.heard(peer), ["!close 1000 "]);
    assert!(world.is_finished(peer));
}

#[test]
fn a_breach_of_the_protocol_is_closed_behind_what_was_under_way() {
    let mut world = world(1);
    let peer = world.member(0, "den");
    world.say(peer, "leave nowhere");
    world.close(peer, CloseReason::Protocol);
    world.run();
    let close = "!close 1002 the peer broke the WebSocket protocol";
    assert_eq!(world.heard(peer), ["refused - not_in_room", close]);
    assert!(world.is_finished(peer));
}

#[test]
fn a_peer_that_does_not_go_is_cut_after_the_closes_time() {
    let mut world = world(1);
    let peer = world.member(0, "den");
    world.close(peer, CloseReason::Protocol);
    world.pass_time(seconds(4));
    assert!(!world.was_cut(peer));
    world.pass_time(seconds(2));
    assert!(world.was_cut(peer));
    assert_eq!(world.shard(0).connections(), 0);
}

#[test]
fn going_away_is_told_to_all_and_to_those_who_come_later() {
    let mut world = world(2);
    let mut peers: Vec<_> = (0..10).map(|n| world.member(n % 2, "den")).collect();
    world.close_all(CloseReason::GoingAway);
    peers.push(world.connect(0, WORDS, Some("den")));
    peers.push(world.connect(1, EVENTS, Some("hall")));
    world.run();
    for peer in peers {
        assert_eq!(world.heard(peer), ["!close 1001 the server is going away"]);
        assert!(world.is_finished(peer));
        world.hang_up(peer);
    }
    assert_eq!(world.counts().connections, 0);
}

#[test]
fn nothing_follows_a_close_frame() {
    let mut world = world(1);
    let (speaker, peer) = (world.member(0, "den"), world.member(0, "den"));
    // Its ack, its entry and a pong are on the way when the close comes.
    world.say(peer, "publish den a x");
    world.ping(peer, b"p");
    world.block(peer);
    world.run();
    world.ping(peer, b"q");
    world.send_close(peer, Some(1001));
    world.say(speaker, "publish den b x");
    world.ping(peer, b"r");
    world.say(peer, "publish den c x");
    world.run();
    world.unblock(peer, usize::MAX);
    world.run();
    world.say(speaker, "publish den d x");
    world.pass_time(seconds(1));
    let heard = world.heard(peer);
    assert_eq!(
        heard.last().map(String::as_str),
        Some("!close 1001 "),
        "{heard:?}"
    );
    let closes = heard
        .iter()
        .filter(|frame| frame.starts_with("!close"))
        .count();
    assert_eq!(closes, 1, "{heard:?}");
    assert!(
        !world
            .entries(speaker)
            .iter()
            .any(|entry| entry.contains(" c "))
    );
}

#[test]
fn a_close_waits_for_the_rest_of_a_half_sent_frame() {
    let mut world = world(1);
    let (speaker, peer) = (world.member(0, "den"), world.member(0, "den"));
    world.unblock(peer, 9);
    world.say(speaker, "publish den a hello");
    world.say(speaker, "publish den b never");
    world.run();
    world.close(peer, CloseReason::GoingAway);
    world.unblock(peer, usize::MAX);
    world.run();
    let close = "!close 1001 the server is going away";
    assert_eq!(world.heard(peer), ["entry den 1 a hello", close]);
}

#[test]
fn a_late_answer_for_a_connection_that_is_gone_does_not_reach_the_next_one_at_its_index() {
    let mut world = world(2);
    let den = crate::world::room_at(1, 2);
    let old = world.member(0, &den);
    world.say(old, &format!("publish {den} a x"));
    world.step();
    world.hang_up(old);
    let new = world.connect(0, WORDS, None);
    assert_eq!(new.index, old.index);
    world.run();
    assert_eq!(world.heard(new), [""; 0]);
}

#[test]
fn a_late_replay_does_not_reach_the_next_one_at_its_index() {
    let mut world = world(2);
    let den = crate::world::room_at(1, 2);
    let speaker = world.connect(1, WORDS, Some(&den));
    world.run();
    let (epoch, _) = crate::world::position(&world.heard(speaker)[0]);
    (0..20).for_each(|_| world.say(speaker, &format!("publish {den} a x")));
    world.run();
    let _view_stays = world.member(0, &den);
    for steps in 0..4 {
        let old = world.connect(0, WORDS, None);
        world.say(old, &format!("join {den} {epoch} 0"));
        for _ in 0..steps {
            world.step();
        }
        world.hang_up(old);
        let new = world.connect(0, WORDS, Some(&den));
        assert_eq!(new.index, old.index);
        world.run();
        let heard = world.heard(new);
        assert_eq!(
            heard,
            [format!("joined {den} 20 {epoch}")],
            "after {steps} steps"
        );
        world.hang_up(new);
    }
}
