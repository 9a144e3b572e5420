//! A newcomer is in his first room since he was let in, however long he is on the way: he is told what
//! was said meanwhile, once and in order, and nothing older.

use parlour_hub::{Answer, Asks, Since};

use crate::world::{
    EVENTS, FEED, FULL, PLAIN, Peer, WORDS, World, position, room_at, seconds, world, world_asking,
    world_with,
};

/// Somebody says these in a room, one after the other.
fn say(world: &mut World, speaker: Peer, room: &str, texts: &[&str]) {
    for text in texts {
        world.say(speaker, &format!("publish {room} id {text}"));
        world.run();
    }
}

fn entries(room: &str, first: usize, texts: &[&str]) -> Vec<String> {
    let numbered = (first..).zip(texts);
    numbered
        .map(|(seq, text)| format!("entry {room} {seq} id {text}"))
        .collect()
}

#[test]
fn what_is_said_while_he_is_on_the_way_reaches_him_and_nothing_older() {
    for (home, shard, is_there) in [
        (0, 0, false),
        (0, 1, false),
        (1, 1, true),
        (0, 1, true),
        (1, 0, true),
    ] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let speaker = world.member(usize::from(home), &den);
        if is_there {
            world.member(shard, &den);
        }
        say(&mut world, speaker, &den, &["old", "older"]);
        let since = world.since(&den);
        say(&mut world, speaker, &den, &["a", "b", "c"]);
        let peer = world.connect_since(shard, WORDS, &den, since);
        say(&mut world, speaker, &den, &["d"]);
        let heard = world.heard(peer);
        assert_eq!(position(&heard[0]).1, 2, "{heard:?}");
        assert_eq!(heard[1..], entries(&den, 3, &["a", "b", "c", "d"]));
    }
}

#[test]
fn every_dialect_shows_it() {
    for wire in [EVENTS, FEED, FULL] {
        let mut world = world(1);
        let speaker = world.member(0, "den");
        say(&mut world, speaker, "den", &["\"old\""]);
        let since = world.since("den");
        say(&mut world, speaker, "den", &["\"new\""]);
        let peer = world.connect_since(0, wire, "den", since);
        world.run();
        let mut heard = world.heard(peer);
        if wire == FULL {
            assert!(heard.remove(0).contains("hello"));
            assert!(heard.remove(0).contains(r#""seq":1,"head":2"#));
        }
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains("new"), "{heard:?}");
    }
}

#[test]
fn who_missed_nothing_starts_where_he_was_let_in() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let speaker = world.member(0, &den);
    say(&mut world, speaker, &den, &["old"]);
    let since = world.since(&den);
    let peer = world.connect_since(0, WORDS, &den, since);
    world.run();
    let heard = world.heard(peer);
    assert_eq!((heard.len(), position(&heard[0]).1), (1, 1));
    say(&mut world, speaker, &den, &["new"]);
    assert_eq!(world.heard(peer), entries(&den, 2, &["new"]));
}

#[test]
fn a_room_that_was_not_there_is_not_made_by_asking_and_is_heard_from_its_first_entry_on() {
    for shard in [0, 1] {
        let mut world = world(2);
        let den = room_at(0, 2);
        let since = world.since(&den);
        assert_eq!(since, Since::Nothing);
        world.run();
        assert_eq!(world.counts().rooms, 0);
        world.publish_inside(1, &den, "1");
        world.publish_inside(2, &den, "2");
        world.run();
        let peer = world.connect_since(shard, WORDS, &den, since);
        world.run();
        let heard = world.heard(peer);
        assert_eq!(position(&heard[0]).1, 0);
        let first_two = [
            format!("entry {den} 1 1 \"x\""),
            format!("entry {den} 2 2 \"x\""),
        ];
        assert_eq!(heard[1..], first_two);
        let other = world.connect_since(shard, WORDS, "nobody", Since::Nothing);
        world.run();
        assert_eq!(position(&world.heard(other)[0]).1, 0);
    }
}

#[test]
fn a_room_that_was_forgotten_meanwhile_is_heard_from_the_beginning_of_its_new_life() {
    for comes_back in [false, true] {
        let mut world = world(2);
        let den = room_at(0, 2);
        let speaker = world.member(0, &den);
        say(&mut world, speaker, &den, &["old", "old", "old"]);
        let since = world.since(&den);
        world.hang_up(speaker);
        world.pass_time(seconds(60));
        assert_eq!(world.counts().rooms, 0);
        let mut said = vec![];
        if comes_back {
            let again = world.member(1, &den);
            say(&mut world, again, &den, &["new"]);
            said = entries(&den, 1, &["new"]);
        }
        let peer = world.connect_since(1, WORDS, &den, since);
        world.run();
        let heard = world.heard(peer);
        assert_eq!(position(&heard[0]).1, 0, "{heard:?}");
        assert_eq!(heard[1..], said, "no reset: all of it came after him");
    }
}

#[test]
fn what_was_trimmed_meanwhile_is_a_gap_and_closes_who_has_no_words_for_it() {
    for (wire, was_there) in [(WORDS, true), (WORDS, false), (EVENTS, true)] {
        let mut world = world_with(1, |limits| limits.log_entries_max = 10);
        let speaker = world.connect(0, WORDS, Some("other"));
        world.run();
        let mut first = 1;
        if was_there {
            world.publish_inside(1, "den", "1");
            world.run();
            first = 2;
        }
        let since = world.since("den");
        world.say(speaker, "enter den");
        world.run();
        say(&mut world, speaker, "den", &["x"; 20]);
        let peer = world.connect_since(0, wire, "den", since);
        world.run();
        let heard = world.heard(peer);
        if wire == WORDS {
            assert_eq!(position(&heard[0]).1, first - 1);
            let last = first + 9;
            assert_eq!(heard[1], format!("gap den {first}..={last}"));
            let rest = entries("den", usize::try_from(last).unwrap() + 1, &["x"; 10]);
            assert_eq!(heard[2..], rest);
        } else {
            assert_eq!(heard.len(), 1, "{heard:?}");
            assert!(heard[0].contains("1008"), "{heard:?}");
        }
    }
}

#[test]
fn who_has_heard_more_than_his_shard_is_not_told_it_again() {
    for is_own in [false, true] {
        let mut world = world(2);
        let den = room_at(1, 2);
        let speaker = world.member(1, &den);
        let beside = world.member(0, &den);
        say(&mut world, speaker, &den, &["old"]);
        world.say(speaker, &format!("publish {den} id late"));
        world.step();
        world.heard(beside);
        // The home has numbered it; it is on its way to the other shard.
        let since = world.since(&den);
        let Since::Position(at) = since else {
            panic!("{since:?}");
        };
        assert_eq!(at.seq.0, 2);
        let peer = if is_own {
            let peer = world.connect(0, WORDS, None);
            world.say(peer, &format!("join {den} {} 2", at.epoch.0));
            peer
        } else {
            world.connect_since(0, WORDS, &den, since)
        };
        world.run();
        assert_eq!(world.heard(beside), entries(&den, 2, &["late"]));
        let heard = world.heard(peer);
        assert_eq!((heard.len(), position(&heard[0]).1), (1, 2), "{heard:?}");
        say(&mut world, speaker, &den, &["new"]);
        assert_eq!(world.heard(peer), entries(&den, 3, &["new"]));
    }
}

#[test]
fn who_is_announced_is_told_of_himself_then_of_what_was_said_then_of_what_follows() {
    for (shard, is_there) in [(0, false), (1, false), (0, true), (1, true)] {
        let mut world = world(2);
        let den = room_at(0, 2);
        let speaker = world.member(0, &den);
        if is_there {
            world.connect(shard, PLAIN, Some(&den));
        }
        say(&mut world, speaker, &den, &[r#""old""#]);
        let since = world.since(&den);
        say(&mut world, speaker, &den, &[r#""a""#, r#""b""#]);
        let peer = world.connect_since(shard, PLAIN, &den, since);
        world.say(speaker, &format!("publish {den} id \"c\""));
        world.say(peer, "mine");
        // Behind him on the same way, so he comes before.
        let next = world.connect_since(shard, PLAIN, &den, since);
        world.run();
        world.hang_up(next);
        say(&mut world, speaker, &den, &[r#""d""#]);
        let told: Vec<_> = world.heard(peer).iter().map(|it| words(it)).collect();
        let mut order = told.clone();
        order.retain(|it| ["a", "b", "c", "d", "mine"].contains(&&it[..]));
        order.sort_unstable();
        assert_eq!(order, ["a", "b", "c", "d", "mine"], "{told:?}");
        let place = |what: &str| {
            let found: Vec<_> = told.iter().filter(|it| it.contains(what)).collect();
            assert_eq!(found.len(), 1, "{what} in {told:?}");
            told.iter().position(|it| it.contains(what)).unwrap()
        };
        let own = if is_there { 3 } else { 2 };
        assert_eq!(place(&format!("{own} has connected")), 0, "{told:?}");
        assert!(place("mine") > place("b"), "{told:?}");
        place(&format!("{} has connected", own + 1));
        place(&format!("{} has disconnected", own + 1));
        assert_eq!(told.len(), 8, "{told:?}");
    }
}

/// What a frame of `/plain` says.
fn words(frame: &str) -> String {
    let said = frame.split(r#""message":""#).nth(1).unwrap();
    said.trim_end_matches("\"}").to_owned()
}

#[test]
fn a_policy_is_asked_and_its_thinking_costs_nothing_of_what_is_said() {
    let asks = Asks {
        joins: true,
        publishes: false,
    };
    for is_allowed in [true, false] {
        let mut world = world_asking(1, asks);
        world.publish_inside(1, "den", "1");
        world.run();
        let since = world.since("den");
        let peer = world.connect_since(0, WORDS, "den", since);
        assert_eq!(world.asked(0).len(), 1);
        world.publish_inside(2, "den", "2");
        world.run();
        if is_allowed {
            world.answer(peer, Answer::Done);
            world.run();
            let heard = world.heard(peer);
            assert_eq!(position(&heard[0]).1, 1);
            assert_eq!(heard[1..], ["entry den 2 2 \"x\""]);
        } else {
            world.answer(peer, Answer::Refused(parlour_proto::Refusal::NotAllowed));
            world.run();
            assert_eq!(world.heard(peer), ["refused - not_allowed"]);
            world.say(peer, "join den");
            world.asked(0);
            world.answer(peer, Answer::Done);
            world.run();
            let heard = world.heard(peer);
            assert_eq!((heard.len(), position(&heard[0]).1), (1, 2), "as anybody");
        }
    }
}
