//! Pages of a room's log, in both directions, from memory and from the store.

use parlour_hub::QuestionToken;
use parlour_proto::{Limits, Page, PageFrom, Refusal, RoomName, Seq};

use crate::disk::Disk;
use crate::world::{FULL, Peer, WORDS, World, room_at, world};

const LOG: usize = 6;

fn filled(disk: &Disk, room: &str, count: usize) -> (World<Disk>, Peer) {
    let change = |limits: &mut Limits| limits.log_entries_max = LOG;
    let mut world = World::new(2, change, |_| disk.clone());
    let peer = world.connect(0, FULL, Some(room));
    world.run();
    for n in 1..=count {
        let frame = format!(r#"{{"t":"publish","room":"{room}","payload":"{n}"}}"#);
        world.say(peer, &frame);
        world.run();
    }
    world.heard(peer);
    (world, peer)
}

/// The numbers on a page, and whether there are more.
fn page(world: &mut World<Disk>, peer: Peer, room: &str, which: &str) -> (Vec<u64>, bool) {
    world.say(
        peer,
        &format!(r#"{{"t":"history","room":"{room}"{which}}}"#),
    );
    world.run();
    let heard = world.heard(peer);
    assert_eq!(heard.len(), 1, "{heard:?}");
    let frame: serde_json::Value = serde_json::from_str(&heard[0]).unwrap();
    assert_eq!(frame["t"], "page", "{frame}");
    let entries = frame["entries"].as_array().unwrap();
    let numbers = entries.iter().map(|entry| entry["seq"].as_u64().unwrap());
    (numbers.collect(), frame["more"].as_bool().unwrap())
}

#[test]
fn pages_go_both_ways_through_memory_and_store() {
    for home in [0, 1] {
        let (disk, den) = (Disk::default(), room_at(home, 2));
        let (mut world, peer) = filled(&disk, &den, 20);
        let mut page = |which: &str| page(&mut world, peer, &den, which);
        assert_eq!(
            page(r#","limit":3"#),
            (vec![18, 19, 20], true),
            "the newest"
        );
        assert_eq!(
            page(r#","before":18,"limit":4"#),
            (vec![14, 15, 16, 17], true)
        );
        assert_eq!(page(r#","before":4"#), (vec![1, 2, 3], false));
        assert_eq!(page(r#","before":1"#), (vec![], false));
        assert_eq!(page(r#","after":0,"limit":2"#), (vec![1, 2], true));
        assert_eq!(page(r#","after":17"#), (vec![18, 19, 20], false));
        assert_eq!(page(r#","after":20"#), (vec![], false));
        assert_eq!(page(r#","after":9000"#), (vec![], false));
        assert_eq!(page(r#","before":9000,"limit":1"#), (vec![20], true));
        disk.trim(&den, 16);
        world.poll_stores();
        world.run();
        let mut page = |which: &str| self::page(&mut world, peer, &den, which);
        assert_eq!(page(""), (vec![16, 17, 18, 19, 20], false));
    }
}

#[test]
fn a_page_of_a_room_in_memory_is_what_it_still_has() {
    let mut world = world(2);
    let peer = world.connect(0, FULL, Some("den"));
    world.run();
    for n in 1..=3 {
        world.say(
            peer,
            &format!(r#"{{"t":"publish","room":"den","payload":"{n}"}}"#),
        );
    }
    world.run();
    world.heard(peer);
    world.say(peer, r#"{"t":"history","room":"den","id":"q","limit":2}"#);
    world.run();
    let heard = world.heard(peer);
    assert!(heard[0].starts_with(r#"{"t":"page","room":"den","id":"q","epoch":""#));
    assert!(heard[0].ends_with(r#""more":true}"#) && heard[0].contains(r#"{"seq":2,"#));
}

#[test]
fn nobody_is_shown_a_room_that_he_is_not_in_and_bad_questions_have_their_names() {
    let disk = Disk::default();
    let (mut world, peer) = filled(&disk, "den", 1);
    for (which, code) in [
        (r#""room":"hall""#, "not_in_room"),
        (r#""room":"den","before":1,"after":1"#, "bad_payload"),
        (r#""room":"den","before":-1"#, "bad_payload"),
        (r#""room":"den","before":9007199254740992"#, "bad_payload"),
        (r#""room":"den","limit":0"#, "bad_payload"),
        (r#""room":"den","limit":501"#, "bad_payload"),
        (r#""before":1"#, "bad_payload"),
        (r#""room":"$den""#, "bad_room"),
    ] {
        world.say(peer, &format!(r#"{{"t":"history",{which}}}"#));
        world.run();
        let heard = world.heard(peer);
        assert!(
            heard[0].contains(&format!(r#""code":"{code}""#)),
            "{which}: {heard:?}"
        );
    }
}

#[test]
fn one_page_at_a_time_is_on_the_way_to_a_connection() {
    let (disk, den) = (Disk::default(), room_at(1, 2));
    let (mut world, peer) = filled(&disk, &den, 20);
    disk.hold();
    let ask = format!(r#"{{"t":"history","room":"{den}","before":5}}"#);
    assert!(world.try_say(peer, &ask));
    world.run();
    assert!(!world.try_say(peer, &ask), "it is not read meanwhile");
    disk.go();
    world.poll_stores();
    world.run();
    assert_eq!(world.heard(peer).len(), 1);
    assert!(world.try_say(peer, &ask));
}

#[test]
fn a_page_that_is_large_is_cut_and_says_that_there_is_more() {
    let mut world = World::new(1, |_| {}, |_| Disk::default());
    let peer = world.connect(0, FULL, Some("den"));
    let text = "x".repeat(30_000);
    for _ in 0..10 {
        let frame = format!(r#"{{"t":"publish","room":"den","payload":"{text}"}}"#);
        world.say(peer, &frame);
        world.run();
    }
    world.heard(peer);
    let (numbers, more) = page(&mut world, peer, "den", "");
    assert_eq!((numbers, more), (vec![9, 10], true));
}

#[test]
fn the_driver_is_given_pages_of_rooms_that_nobody_is_in() {
    let disk = Disk::default();
    drop(filled(&disk, "den", 3));
    let mut world = World::new(1, |_| {}, |_| disk.clone());
    let newest = Page {
        from: PageFrom::Before(Seq::MAX),
        limit: 2,
    };
    let room = RoomName::new("den").unwrap();
    world.shard(0).history(QuestionToken(1), &room, newest);
    world.poll_stores();
    world.run();
    let pages = world.shard(0).take_pages();
    let [(QuestionToken(1), Ok(history))] = &pages[..] else {
        panic!("{pages:?}");
    };
    let numbers: Vec<u64> = history.entries.iter().map(|entry| entry.seq.0).collect();
    assert_eq!((numbers, history.more), (vec![2, 3], true));
}

#[test]
fn a_room_in_memory_that_is_not_there_is_not_made_by_a_look_at_it() {
    let mut world = world(1);
    let room = RoomName::new("den").unwrap();
    let page = Page {
        from: PageFrom::After(Seq(0)),
        limit: 2,
    };
    world.shard(0).history(QuestionToken(1), &room, page);
    let pages = world.shard(0).take_pages();
    assert!(matches!(pages[..], [(_, Err(Refusal::NoSuchRoom))]));
    assert_eq!(world.counts().rooms, 0);
    world.connect(0, WORDS, Some("den"));
}
