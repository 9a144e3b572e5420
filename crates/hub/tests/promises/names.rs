//! Another name: what was said before is said by the old one, what comes after by the new one.

use parlour_hub::{Answer, What};
use parlour_proto::{ClientId, Refusal, UserName};

use crate::world::{FULL, PLAIN, Peer, World, room_at, seconds, world};

/// Whoever comes and goes at `/plain` stands between the messages; tests of names leave that out.
fn said(world: &mut World, peer: Peer) -> Vec<String> {
    let mut heard = world.heard(peer);
    heard.retain(|frame| !frame.contains("connected"));
    heard
}

fn frame(kind: &str, first: &str, now: &str, message: &str) -> String {
    let id = ClientId::of_name(first);
    format!(r#"{{"type":"{kind}","id":"{id}","nickname":"{now}","message":"{message}"}}"#)
}

#[test]
fn what_comes_behind_nick_is_said_by_the_new_name() {
    let mut world = world(2);
    let den = room_at(1, 2);
    let kim = world.connect_as(0, PLAIN, "kim", Some(&den));
    let lea = world.connect_as(1, PLAIN, "lea", Some(&den));
    world.run();
    world.say(kim, "one");
    world.say(kim, "/nick bob");
    assert!(!world.try_say(kim, "two"), "it waits for its name");
    let asked = world.asked(0);
    assert!(matches!(&asked[..], [What::Rename { name }] if name == "bob"));
    world.answer(kim, Answer::Renamed(UserName::guest("bob").unwrap()));
    world.say(kim, "two");
    world.run();
    let expected = [
        frame("message", "kim", "kim", "one"),
        frame("nick_update", "kim", "bob", "Client kim changed to bob"),
        frame("message", "kim", "bob", "two"),
    ];
    assert_eq!(said(&mut world, lea), expected);
    assert_eq!(said(&mut world, kim), expected);
}

#[test]
fn a_name_that_cannot_be_had_is_refused_to_that_client_alone() {
    let mut world = world(1);
    let kim = world.connect_as(0, PLAIN, "kim", Some("den"));
    let lea = world.connect_as(0, PLAIN, "lea", Some("den"));
    world.run();
    said(&mut world, kim);
    world.say(kim, "/nick lea");
    world.answer(kim, Answer::Refused(Refusal::NameTaken));
    world.say(kim, "still me");
    world.run();
    let server = r#"{"type":"notification","id":"00000000000000000000000000000000","nickname":"*","message":"somebody has that name; choose another"}"#;
    let still = frame("message", "kim", "kim", "still me");
    assert_eq!(said(&mut world, kim), [server, &still]);
    assert_eq!(said(&mut world, lea), [still]);
}

#[test]
fn at_other_doors_it_is_an_entry_with_both_names_and_presence_shows_one_gone_and_one_come() {
    let mut world = world(2);
    let den = room_at(0, 2);
    let ann = world.full(1);
    let join = format!(r#"{{"t":"join","rooms":[{{"room":"{den}","presence":true}}]}}"#);
    world.say(ann, &join);
    let kim = world.connect_as(0, PLAIN, "kim", Some(&den));
    world.pass_time(seconds(5));
    world.heard(ann);
    world.rename(kim, "bob");
    world.say(kim, "hi");
    world.pass_time(seconds(5));
    let heard = world.heard(ann);
    let told = |t: &str| {
        let begin = format!(r#"{{"t":"{t}","#);
        let of: Vec<_> = heard
            .iter()
            .filter(|frame| frame.starts_with(&begin))
            .collect();
        of
    };
    let entries = told("entry");
    assert!(entries[0].contains(
        r#""from":"guest-bob","type":"$nick","payload":{"was":"guest-kim","now":"guest-bob"}"#
    ));
    assert!(entries[1].contains(r#""from":"guest-bob","type":"message","payload":"hi""#));
    let changes = told("presence_change");
    assert!(
        changes[0].contains(r#""came":["guest-bob"],"went":["guest-kim"]"#),
        "{heard:?}"
    );
    assert_eq!((entries.len(), changes.len()), (2, 1));
    // Who has gone is counted off under its new name.
    world.hang_up(kim);
    world.pass_time(seconds(5));
    assert!(
        world
            .heard(ann)
            .concat()
            .contains(r#""came":[],"went":["guest-bob"]"#)
    );
}

#[test]
fn the_same_name_again_changes_nothing() {
    let mut world = world(1);
    let kim = world.connect_as(0, PLAIN, "kim", Some("den"));
    world.run();
    said(&mut world, kim);
    world.rename(kim, "kim");
    world.run();
    assert!(said(&mut world, kim).is_empty());
    // One that is in no room is renamed all the same.
    let ann = world.connect_as(0, FULL, "ann", None);
    world.rename(ann, "eve");
    world.say(ann, r#"{"t":"join","rooms":[{"room":"den"}]}"#);
    world.say(ann, r#"{"t":"publish","room":"den","payload":"hi"}"#);
    world.run();
    assert!(world.heard(ann).concat().contains(r#""from":"guest-eve""#));
}
