//! Who asks is told who is in the room, and what changes, and nothing is counted for nobody.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::world::{EVENTS, FULL, Peer, WORDS, World, room_at, seconds, world, world_with};

const SECOND: Duration = seconds_of(1);

const fn seconds_of(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a watcher knows, from all that it was told.
#[derive(Debug, Default, PartialEq)]
struct Known {
    count: usize,
    users: Option<BTreeSet<String>>,
}

impl Known {
    fn of(count: usize, users: &[&str]) -> Self {
        let users = users.iter().map(|user| format!("guest-{user}"));
        Self {
            count,
            users: Some(users.collect()),
        }
    }

    fn hear(&mut self, frame: &str) {
        let count = frame.split_once(r#""count":"#).unwrap().1;
        let end = count.find([',', '}']).unwrap();
        self.count = count[..end].parse().unwrap();
        if frame.starts_with(r#"{"t":"presence","#) {
            self.users = names(frame, "users");
            return;
        }
        let users = self.users.as_mut().expect("a snapshot came before");
        users.extend(names(frame, "came").unwrap());
        let went = names(frame, "went").unwrap();
        users.retain(|user| !went.contains(user));
    }
}

/// The list in this field of a frame, if it is there.
fn names(frame: &str, field: &str) -> Option<BTreeSet<String>> {
    let (_, list) = frame.split_once(&format!(r#""{field}":["#))?;
    let names = list.split(']').next().unwrap().split(',');
    let names = names.map(|name| name.trim_matches('"').to_owned());
    Some(names.filter(|name| !name.is_empty()).collect())
}

fn join(world: &mut World, peer: Peer, room: &str, presence: bool) {
    let frame = format!(r#"{{"t":"join","rooms":[{{"room":"{room}","presence":{presence}}}]}}"#);
    world.say(peer, &frame);
}

/// A guest of this name in a room, who has heard all that there is to hear at once.
fn watcher(world: &mut World, shard: usize, guest: &str, room: &str) -> Peer {
    let peer = world.connect_as(shard, FULL, guest, None);
    join(world, peer, room, true);
    world.run();
    peer
}

fn guest(world: &mut World, shard: usize, guest: &str, room: &str) -> Peer {
    let peer = world.connect_as(shard, FULL, guest, Some(room));
    world.run();
    peer
}

/// The frames about presence that came since the last look.
fn told(world: &mut World, peer: Peer) -> Vec<String> {
    let mut heard = world.heard(peer);
    heard.retain(|frame| frame.starts_with(r#"{"t":"presence"#));
    heard
}

fn learn(world: &mut World, peer: Peer, known: &mut Known) -> usize {
    let frames = told(world, peer);
    frames.iter().for_each(|frame| known.hear(frame));
    frames.len()
}

#[test]
fn a_snapshot_follows_the_join_and_tells_all_users_of_all_shards_and_dialects() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        world.connect_as(0, EVENTS, "ann", Some(&den));
        world.connect_as(1, WORDS, "bob", Some(&den));
        guest(&mut world, 1, "cid", &den);
        let peer = watcher(&mut world, 0, "kim", &den);
        let heard = world.heard(peer);
        assert!(heard[1].starts_with(r#"{"t":"joined""#));
        let snapshot = format!(
            r#"{{"t":"presence","room":"{den}","count":4,"users":["guest-ann","guest-bob","guest-cid","guest-kim"]}}"#
        );
        assert_eq!(heard[2..], [snapshot]);
    }
}

#[test]
fn who_did_not_ask_is_told_nothing() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let quiet = guest(&mut world, 0, "ann", &den);
    watcher(&mut world, 0, "bob", &den);
    guest(&mut world, 1, "cid", &den);
    world.pass_time(seconds(3));
    assert!(told(&mut world, quiet).is_empty());
}

#[test]
fn changes_are_told_at_most_once_a_second_and_several_in_one_frame() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let peer = watcher(&mut world, 0, "kim", &den);
    let other = watcher(&mut world, 1, "pat", &den);
    let mut known = Known::default();
    world.pass_time(SECOND);
    learn(&mut world, peer, &mut known);
    told(&mut world, other);
    let guests: Vec<_> = ["ann", "bob", "cid", "dan"]
        .map(|name| {
            let peer = guest(&mut world, 0, name, &den);
            world.pass_time(Duration::from_millis(200));
            peer
        })
        .into();
    world.hang_up(guests[1]);
    world.pass_time(seconds(2));
    let frames = told(&mut world, peer);
    frames.iter().for_each(|frame| known.hear(frame));
    assert!(frames.len() <= 3, "in less than three seconds: {frames:?}");
    assert!(
        frames
            .iter()
            .all(|frame| frame.starts_with(r#"{"t":"presence_change""#))
    );
    assert_eq!(known, Known::of(5, &["ann", "cid", "dan", "kim", "pat"]));
    assert_eq!(
        told(&mut world, other),
        frames,
        "all watchers are told the same"
    );
}

#[test]
fn who_comes_and_goes_within_a_second_is_not_told() {
    let mut world = world(2);
    let den = room_at(0, 2);
    let peer = watcher(&mut world, 1, "kim", &den);
    world.pass_time(SECOND);
    world.run();
    told(&mut world, peer);
    // The first change is told at once, and after it a second passes.
    guest(&mut world, 0, "ann", &den);
    world.run();
    assert_eq!(told(&mut world, peer).len(), 1);
    let brief = guest(&mut world, 0, "bob", &den);
    world.hang_up(brief);
    world.pass_time(seconds(5));
    assert_eq!(told(&mut world, peer), [""; 0]);
}

#[test]
fn a_watcher_on_another_shard_misses_nothing_of_the_second_in_which_it_comes() {
    let mut world = world(3);
    let den = room_at(0, 3);
    let mut known = Known::default();
    watcher(&mut world, 1, "kim", &den);
    world.pass_time(seconds(2));
    // Told at once; the next is told after a second.
    let ann = guest(&mut world, 1, "ann", &den);
    let bob = guest(&mut world, 1, "bob", &den);
    let pat = watcher(&mut world, 2, "pat", &den);
    learn(&mut world, pat, &mut known);
    world.hang_up(ann);
    world.hang_up(bob);
    world.pass_time(seconds(2));
    learn(&mut world, pat, &mut known);
    assert_eq!(known, Known::of(2, &["kim", "pat"]));
}

#[test]
fn a_user_counts_once_however_many_connections_he_has() {
    let mut world = world(2);
    let den = room_at(0, 2);
    let peer = watcher(&mut world, 0, "kim", &den);
    let mut known = Known::default();
    let connections: Vec<_> = (0..6)
        .map(|n| guest(&mut world, n % 2, "ann", &den))
        .collect();
    world.pass_time(seconds(2));
    learn(&mut world, peer, &mut known);
    assert_eq!(known, Known::of(2, &["ann", "kim"]));
    for connection in &connections[..5] {
        world.hang_up(*connection);
        world.pass_time(seconds(2));
        assert_eq!(told(&mut world, peer), [""; 0], "one is still here");
    }
    world.hang_up(connections[5]);
    world.pass_time(seconds(2));
    learn(&mut world, peer, &mut known);
    assert_eq!(known, Known::of(1, &["kim"]));
}

#[test]
fn a_late_watcher_gets_a_snapshot_at_once_and_then_the_same_changes() {
    let mut world = world(2);
    let den = room_at(0, 2);
    watcher(&mut world, 1, "kim", &den);
    world.pass_time(seconds(5));
    for shard in [0, 1] {
        let name = format!("late{shard}");
        let peer = watcher(&mut world, shard, &name, &den);
        let mut known = Known::default();
        assert!(learn(&mut world, peer, &mut known) >= 1);
        assert!(known.users.as_ref().unwrap().contains("guest-kim"));
        world.pass_time(seconds(2));
        learn(&mut world, peer, &mut known);
        assert!(known.users.unwrap().contains(&format!("guest-{name}")));
    }
}

#[test]
fn above_the_bound_only_the_number_is_told_and_names_again_when_it_is_well_below() {
    let mut world = world_with(2, |limits| limits.presence_members_max = 10);
    let den = room_at(1, 2);
    let peer = watcher(&mut world, 0, "kim", &den);
    let mut guests: Vec<_> = (0..9)
        .map(|n| guest(&mut world, n % 2, &format!("g{n}"), &den))
        .collect();
    world.pass_time(seconds(2));
    let mut known = Known::default();
    learn(&mut world, peer, &mut known);
    assert_eq!(
        (known.count, known.users.as_ref().map(BTreeSet::len)),
        (10, Some(10))
    );
    guests.push(guest(&mut world, 0, "one-more", &den));
    world.pass_time(seconds(2));
    let crowd = format!(r#"{{"t":"presence","room":"{den}","count":11}}"#);
    assert_eq!(told(&mut world, peer), [crowd]);
    let late = watcher(&mut world, 1, "late", &den);
    learn(&mut world, late, &mut known);
    assert_eq!(known.users, None);
    world.hang_up(late);
    world.hang_up(guests.pop().unwrap());
    world.pass_time(seconds(2));
    learn(&mut world, peer, &mut known);
    assert_eq!((known.count, &known.users), (10, &None), "not at once");
    world.hang_up(guests.pop().unwrap());
    world.pass_time(seconds(2));
    learn(&mut world, peer, &mut known);
    assert_eq!(
        (known.count, known.users.map(|users| users.len())),
        (9, Some(9))
    );
}

#[test]
fn a_watcher_that_could_not_be_written_to_is_sent_the_newest_state_once() {
    let mut world = world(2);
    let den = room_at(0, 2);
    let peer = watcher(&mut world, 1, "kim", &den);
    world.pass_time(SECOND);
    let mut known = Known::default();
    learn(&mut world, peer, &mut known);
    world.block(peer);
    let guests: Vec<_> = (0..20)
        .map(|n| {
            let peer = guest(&mut world, n % 2, &format!("g{n}"), &den);
            world.pass_time(SECOND);
            peer
        })
        .collect();
    guests[1..].iter().for_each(|guest| world.hang_up(*guest));
    world.pass_time(seconds(2));
    world.unblock(peer, usize::MAX);
    world.run();
    let frames = told(&mut world, peer);
    // What was begun when it blocked, and the newest.
    assert!(frames.len() <= 2, "{frames:?}");
    frames.iter().for_each(|frame| known.hear(frame));
    assert_eq!(known, Known::of(2, &["g0", "kim"]));
    world.hang_up(guests[0]);
    world.pass_time(seconds(2));
    assert_eq!(told(&mut world, peer).len(), 1, "changes again");
}

#[test]
fn a_watcher_with_full_output_in_many_rooms_is_bounded_and_complete_in_the_end() {
    let bound = 4 * 1024;
    let mut world = world_with(1, |limits| limits.private_bytes_max = bound);
    let names: Vec<_> = (0..40)
        .map(|n| format!("a-guest-with-a-long-name-{n}"))
        .collect();
    let rooms: Vec<_> = (0..20).map(|n| format!("room{n}")).collect();
    for name in &names {
        let peer = world.connect_as(0, FULL, name, None);
        rooms
            .iter()
            .for_each(|room| join(&mut world, peer, room, false));
    }
    let first = world.connect_as(0, FULL, "first", None);
    rooms
        .iter()
        .for_each(|room| join(&mut world, first, room, true));
    world.run();
    let peer = world.connect_as(0, FULL, "kim", None);
    let all: Vec<_> = rooms
        .iter()
        .map(|room| format!(r#"{{"room":"{room}","presence":true}}"#))
        .collect();
    world.say(
        peer,
        &format!(r#"{{"t":"join","rooms":[{}]}}"#, all.join(",")),
    );
    world.run();
    world.pass_time(seconds(3));
    let frames = told(&mut world, peer);
    for room in &rooms {
        let mut known = Known::default();
        let of_room = format!(r#""room":"{room}""#);
        let frames = frames.iter().filter(|frame| frame.contains(&of_room));
        frames.for_each(|frame| known.hear(frame));
        assert_eq!(known.count, 42, "{room}");
        assert_eq!(known.users.unwrap().len(), 42, "{room}");
    }
}

#[test]
fn a_resumed_join_hears_joined_first_and_then_who_is_here() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let speaker = watcher(&mut world, 0, "ann", &den);
    for _ in 0..5 {
        world.say(
            speaker,
            &format!(r#"{{"t":"publish","room":"{den}","payload":"x"}}"#),
        );
    }
    world.run();
    let heard = world.heard(speaker);
    let (_, epoch) = heard[1].split_once(r#""epoch":""#).unwrap();
    let epoch = &epoch[..16];
    let peer = world.connect_as(0, FULL, "kim", None);
    world.say(
        peer,
        &format!(
            r#"{{"t":"join","rooms":[{{"room":"{den}","presence":true,"from":{{"epoch":"{epoch}","seq":2}}}}]}}"#
        ),
    );
    world.pass_time(seconds(2));
    let heard = world.heard(peer);
    let place = |t: &str| {
        let frame = format!(r#"{{"t":"{t}","#);
        heard.iter().position(|heard| heard.starts_with(&frame))
    };
    assert!(place("joined") < place("presence"), "{heard:?}");
    let mut known = Known::default();
    let frames = heard.iter();
    let frames = frames.filter(|frame| frame.starts_with(r#"{"t":"presence"#));
    frames.for_each(|frame| known.hear(frame));
    assert_eq!(known, Known::of(2, &["ann", "kim"]));
}

#[test]
fn who_leaves_is_told_nothing_more_and_may_ask_again() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let peer = watcher(&mut world, 0, "kim", &den);
    for round in 0..4 {
        let name = format!("g{round}");
        guest(&mut world, round % 2, &name, &den);
        world.pass_time(seconds(2));
        told(&mut world, peer);
        world.say(peer, &format!(r#"{{"t":"leave","rooms":["{den}"]}}"#));
        if round % 2 == 0 {
            world.pass_time(seconds(2));
            guest(&mut world, 1, &format!("h{round}"), &den);
            world.pass_time(seconds(2));
            assert_eq!(told(&mut world, peer), [""; 0]);
        }
        join(&mut world, peer, &den, true);
        world.pass_time(seconds(2));
        let mut known = Known::default();
        learn(&mut world, peer, &mut known);
        let users = known.users.unwrap();
        assert!(users.contains("guest-kim") && users.contains(&format!("guest-{name}")));
        assert_eq!(users.len(), known.count);
    }
}

#[test]
fn when_nobody_asks_any_more_nothing_is_counted_or_due() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let mut guests: Vec<_> = (0..10)
        .map(|n| guest(&mut world, n % 2, &format!("g{n}"), &den))
        .collect();
    let peer = watcher(&mut world, 0, "kim", &den);
    world.pass_time(seconds(2));
    world.hang_up(peer);
    world.pass_time(parlour_proto::Limits::default().presence_kept);
    let frames = world.counts().presence_frames;
    let quiet = world.next_deadline();
    guests.push(guest(&mut world, 0, "more", &den));
    world.run();
    assert_eq!(world.counts().presence_frames, frames);
    assert!(world.next_deadline() >= quiet, "nothing of presence is due");
    guests.iter().for_each(|guest| world.hang_up(*guest));
    world.pass_time(seconds(61));
    assert_eq!((world.counts().rooms, world.next_deadline()), (0, None));
}

#[test]
fn a_crowd_of_watchers_is_told_in_bounded_steps_and_whole() {
    let mut world = world(1);
    let crowd: Vec<_> = (0..700)
        .map(|n| {
            let peer = world.connect_as(0, FULL, &format!("g{n}"), None);
            join(&mut world, peer, "den", true);
            peer
        })
        .collect();
    world.run();
    world.pass_time(seconds(3));
    for peer in &crowd {
        let mut known = Known::default();
        learn(&mut world, *peer, &mut known);
        assert_eq!((known.count, known.users), (700, None));
    }
    world.hang_up(crowd[0]);
    let turns = world.turns();
    world.pass_time(seconds(3));
    assert!(world.turns() - turns > 2, "no turn tells them all");
    for peer in &crowd[1..] {
        assert_eq!(
            told(&mut world, *peer),
            [r#"{"t":"presence","room":"den","count":699}"#]
        );
    }
}

#[test]
fn a_closed_watcher_and_a_closed_user_are_gone() {
    use parlour_proto::CloseReason;
    let mut world = world(2);
    let den = room_at(0, 2);
    let (ann, kim) = (
        watcher(&mut world, 0, "ann", &den),
        watcher(&mut world, 1, "kim", &den),
    );
    world.pass_time(seconds(2));
    let mut known = Known::default();
    learn(&mut world, kim, &mut known);
    assert_eq!(known, Known::of(2, &["ann", "kim"]));
    world.close(ann, CloseReason::SignedOut);
    world.pass_time(seconds(2));
    learn(&mut world, kim, &mut known);
    assert_eq!(known, Known::of(1, &["kim"]));
}

#[test]
fn who_never_gets_into_a_room_is_not_announced_there() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        // The room is counted on both shards.
        guest(&mut world, 1, "bob", &den);
        let kim = watcher(&mut world, 0, "kim", &den);
        world.pass_time(seconds(3));
        let heard = world.heard(kim);
        let (_, epoch) = heard[1].split_once(r#""epoch":""#).unwrap();
        let from = format!(r#"{{"epoch":"{}","seq":9}}"#, &epoch[..16]);
        for presence in [false, true] {
            let ghost = world.connect_as(1, FULL, "ghost", None);
            world.say(
                ghost,
                &format!(
                    r#"{{"t":"join","rooms":[{{"room":"{den}","presence":{presence},"from":{from}}}]}}"#
                ),
            );
            world.pass_time(seconds(3));
            let heard = world.heard(ghost);
            assert!(heard[1].contains("bad_position"), "{heard:?}");
            world.hang_up(ghost);
            world.pass_time(seconds(3));
            assert_eq!(told(&mut world, kim), [""; 0]);
        }
        assert_eq!(world.counts().presence_frames, 1);
    }
}
