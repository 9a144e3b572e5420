//! Who is closed by the server is told why, and when to come back.

use parlour_proto::CloseReason;

use crate::world::{EVENTS, FULL, Peer, World, seconds, world, world_with};

/// The notice and the close frame that a peer ends with.
fn end(world: &mut World, peer: Peer) -> (String, String) {
    let mut heard = world.heard(peer);
    let close = heard.pop().unwrap();
    assert!(close.starts_with("!close "), "{close} after {heard:?}");
    (heard.pop().unwrap_or_default(), close)
}

fn retry_after(notice: &str) -> Option<f64> {
    let (_, seconds) = notice.split_once(r#""retry_after":"#)?;
    seconds.trim_end_matches('}').parse().ok()
}

#[test]
fn a_notice_with_its_reason_stands_before_every_close_of_the_server() {
    for reason in CloseReason::ALL {
        let mut world = world(1);
        let peer = world.connect(0, FULL, Some("den"));
        world.close(peer, reason);
        world.run();
        let (notice, close) = end(&mut world, peer);
        let (why, text) = (reason.name(), reason.text());
        let head = format!(r#"{{"t":"closing","why":"{why}","message":"{text}""#);
        assert!(notice.starts_with(&head), "{notice}");
        assert_eq!(close, format!("!close {} {text}", reason.code().unwrap()));
        assert_eq!(retry_after(&notice).is_some(), reason.may_come_back());
        assert!(world.is_finished(peer));
    }
}

#[test]
fn the_clients_own_close_is_answered_without_a_notice() {
    let mut world = world(1);
    let peer = world.full(0);
    world.send_close(peer, Some(1000));
    world.run();
    assert_eq!(world.heard(peer), ["!close 1000 "]);
    assert_eq!(world.counts().requested_closes, 1);
}

#[test]
fn the_times_to_come_back_are_spread() {
    let mut world = world(2);
    let peers: Vec<_> = (0..200).map(|n| world.full(n % 2)).collect();
    world.close_all(CloseReason::GoingAway);
    world.run();
    let mut times: Vec<_> = peers
        .iter()
        .map(|peer| retry_after(&end(&mut world, *peer).0).unwrap())
        .collect();
    times.sort_by(f64::total_cmp);
    assert!(times[0] >= 0.5 && times[199] <= 5.0, "{times:?}");
    // Even times would put 50 into each quarter.
    assert!(times[70] < 3.0 && times[130] > 2.5, "{times:?}");
    times.dedup();
    assert!(times.len() > 100, "{times:?}");
    assert_eq!(world.counts().going_away_closes, 200);
}

#[test]
fn what_has_its_place_when_the_hub_goes_is_told_before_the_close() {
    for shards in [1, 2] {
        let mut world = world(shards);
        // More than one step of a pass sends to.
        let members: Vec<_> = (0..600)
            .map(|n| world.connect(n % usize::from(shards), EVENTS, Some("den")))
            .collect();
        world.run();
        world.publish_inside(1, "den", "last");
        while world.published().is_empty() {
            assert!(world.step(), "it is never answered");
        }
        world.deliver();
        world.close_all(CloseReason::GoingAway);
        world.run();
        for peer in members {
            let heard = world.heard(peer);
            assert_eq!(heard.len(), 2, "{heard:?}");
            assert!(heard[0].contains("new_message"), "{heard:?}");
        }
    }
}

#[test]
fn rooms_that_are_never_quiet_do_not_hold_up_the_close() {
    let mut world = world_with(1, |limits| limits.messages_per_second = 0);
    let members: Vec<_> = (0..600)
        .map(|_| world.connect(0, EVENTS, Some("den")))
        .collect();
    world.run();
    world.publish_inside(0, "den", "0");
    world.step();
    world.close_all(CloseReason::GoingAway);
    // Before every step of a pass there is something new.
    for token in 1..100 {
        world.publish_inside(token, "den", &token.to_string());
        world.step();
    }
    assert!(!world.is_finished(members[0]));
    world.pass_time(seconds(1));
    assert!(members.iter().all(|peer| world.is_finished(*peer)));
}

#[test]
fn silence_and_bad_frames_and_stuck_output_are_told_as_such() {
    let mut world = world_with(1, |limits| limits.slow_reader_timeout = seconds(10));
    let [silent, bad, stuck] = [(); 3].map(|()| world.connect(0, FULL, Some("den")));
    world.run();
    for peer in [silent, bad, stuck] {
        world.heard(peer);
    }
    (0..10).for_each(|_| world.say(bad, "x"));
    world.run();
    assert!(end(&mut world, bad).0.contains(r#""why":"bad_frames""#));
    world.hang_up(bad);
    world.block(stuck);
    world.say(silent, r#"{"t":"publish","room":"den","payload":"x"}"#);
    world.pass_time(seconds(10));
    world.unblock(stuck, usize::MAX);
    world.run();
    assert!(end(&mut world, stuck).0.contains(r#""why":"stuck""#));
    world.hang_up(stuck);
    world.pass_time(seconds(46));
    assert!(end(&mut world, silent).0.contains(r#""why":"silent""#));
    let counts = world.counts();
    assert_eq!(
        (
            counts.bad_frames_closes,
            counts.stuck_closes,
            counts.silent_closes
        ),
        (1, 1, 1)
    );
}

#[test]
fn the_events_dialect_has_only_its_close_frame() {
    let mut world = world(1);
    let peer = world.connect(0, EVENTS, Some("den"));
    world.close(peer, CloseReason::SignedOut);
    world.run();
    let close = "!close 1008 signed out: the session has ended";
    assert_eq!(world.heard(peer), [close]);
    assert_eq!(world.counts().signed_out, 1);
}
