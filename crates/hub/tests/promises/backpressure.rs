//! Who may not be read for now, and who may be again.

use parlour_proto::{COMMAND_BYTES_IN_FLIGHT_MAX, COMMANDS_IN_FLIGHT_MAX, ROOMS_PER_FRAME_MAX};

use crate::stores::LateStore;
use crate::world::{Peer, WORDS, World, room_at, seconds, world, world_with};

#[test]
fn a_connection_whose_own_output_is_full_is_not_read_until_it_reads() {
    let mut world = world_with(1, |limits| limits.private_bytes_max = 500);
    let (peer, other) = (world.connect(0, WORDS, None), world.connect(0, WORDS, None));
    world.block(peer);
    let mut said = 0;
    while world.try_say(peer, "leave nowhere") {
        said += 1;
        world.run();
        assert!(said < 100, "its output has no bound");
    }
    assert!(said > 10);
    assert!(world.try_say(other, "leave nowhere"), "others are read");
    world.run();
    assert_eq!(world.resumed(0), [0u32; 0]);
    world.unblock(peer, usize::MAX);
    world.run();
    assert_eq!(world.resumed(0), [peer.index]);
    assert_eq!(world.heard(peer).len(), said);
    assert!(world.try_say(peer, "leave nowhere"));
}

#[test]
fn a_connection_with_too_many_unanswered_publishes_is_not_read_until_they_are_answered() {
    let store = LateStore::default();
    let mut world = World::new(1, |_| {}, |_| store.clone());
    let (peer, other) = (world.member(0, "den"), world.member(0, "den"));
    let mut said = 0;
    while world.try_say(peer, "publish den a x") {
        said += 1;
        world.run();
        assert!(said < 1_000, "unanswered publishes have no bound");
    }
    assert!(world.try_say(other, "publish den b x"), "others are read");
    world.run();
    store.commit(said + 1);
    world.poll_stores();
    assert_eq!(world.resumed(0), [peer.index]);
    let heard = world.heard(peer);
    let acks = heard
        .iter()
        .filter(|frame| frame.starts_with("ack"))
        .count();
    assert_eq!(acks, said);
}

#[test]
fn no_connection_is_read_while_a_link_has_no_credit_and_all_are_when_it_has_again() {
    let stores = [LateStore::default(), LateStore::default()];
    let mut world = World::new(2, |_| {}, |id| stores[usize::from(id)].clone());
    let den = room_at(1, 2);
    let peers: Vec<_> = (0..100)
        .map(|_| world.connect(0, WORDS, Some(&den)))
        .collect();
    world.run();
    let mut said = 0;
    for peer in &peers {
        while world.try_say(*peer, &format!("publish {den} a x")) {
            said += 1;
        }
    }
    // There is always credit for one more frame of many rooms.
    let most = COMMANDS_IN_FLIGHT_MAX as usize;
    assert!(
        said <= most && said > most - ROOMS_PER_FRAME_MAX - 10,
        "{said} commands are on the way"
    );
    let mut waiting = said;
    world.run();
    while waiting > 0 {
        let now = stores[1].waiting().len();
        assert!(
            now > 0,
            "{waiting} publishes are neither answered nor with the store"
        );
        assert!(now <= 1_000, "{now} entries are more than the room's log");
        stores[1].commit(now);
        waiting -= now;
        world.poll_stores();
    }
    let mut resumed = world.resumed(0);
    resumed.sort_unstable();
    resumed.dedup();
    assert_eq!(resumed.len(), peers.len(), "everybody may be read again");
}

#[test]
fn a_reader_who_is_behind_waits_for_credit_without_keeping_its_shard_awake() {
    let stores = [LateStore::default(), LateStore::default()];
    let mut world = World::new(
        2,
        |limits| limits.log_entries_max = 8,
        |id| stores[usize::from(id)].clone(),
    );
    let den = room_at(1, 2);
    let far = world.member(1, &den);
    let reader = world.member(0, &den);
    world.block(reader);
    for n in 1..=30 {
        world.say(far, &format!("publish {den} m{n} x"));
        world.run();
        stores[1].commit(1);
        world.poll_stores();
    }
    // Now its shard's credit is used up, by rooms that are not the reader's.
    let peers: Vec<_> = (0..100)
        .map(|_| world.connect(0, WORDS, Some(&den)))
        .collect();
    world.run();
    for peer in &peers {
        while world.try_say(*peer, &format!("publish {den} a x")) {}
    }
    world.run();
    world.unblock(reader, usize::MAX);
    world.run();
    assert_eq!(
        world.entries(reader),
        [""; 0],
        "its read is not on the way yet"
    );
    assert!(
        world.next_deadline() > Some(world.now_at()),
        "its shard sleeps"
    );
    while !stores[1].waiting().is_empty() {
        stores[1].commit(stores[1].waiting().len());
        world.poll_stores();
    }
    let heard = world.heard(reader);
    assert!(
        heard[0].starts_with(&format!("gap {den} 1..=")),
        "{:?}",
        heard[0]
    );
    let last = world.entries(far).pop().unwrap();
    assert_eq!(heard.last(), Some(&last));
}

/// Publishes as fast as the hub takes it, until `count` entries are out.
fn burst(world: &mut World, room: &str, speakers: &[Peer], count: usize, eager: bool) {
    let (mut said, mut idle) = (0, 0);
    while said < count {
        let before = said;
        for peer in speakers {
            while said < count && world.try_say(*peer, &format!("publish {room} m{said} x")) {
                said += 1;
            }
        }
        if eager {
            world.step();
        } else {
            world.run();
        }
        idle = if said == before { idle + 1 } else { 0 };
        assert!(idle < 1_000, "{said} said, and nobody is read any more");
    }
    world.run();
}

#[test]
fn a_burst_of_10_000_loses_nothing_and_makes_no_prompt_member_lag() {
    for (shards, home, eager) in [(1, 0, false), (2, 0, false), (2, 1, true), (3, 2, false)] {
        let mut world = world(shards);
        let den = room_at(home, shards);
        let place = |n: usize| n % usize::from(shards);
        let speakers: Vec<_> = (0..20).map(|n| world.member(place(n), &den)).collect();
        let listeners: Vec<_> = (0..6).map(|n| world.member(place(n), &den)).collect();
        burst(&mut world, &den, &speakers, 10_000, eager);
        for listener in listeners {
            let heard = world.heard(listener);
            assert_eq!(heard.len(), 10_000, "{shards} shards");
            for (n, frame) in heard.iter().enumerate() {
                assert!(
                    frame.starts_with(&format!("entry {den} {} ", n + 1)),
                    "{frame}"
                );
            }
        }
        let mut acks = 0;
        for speaker in speakers {
            acks += world
                .heard(speaker)
                .iter()
                .filter(|f| f.starts_with("ack"))
                .count();
        }
        assert_eq!(acks, 10_000, "every publish is answered");
        let counts = world.counts();
        assert_eq!(
            (counts.gaps, counts.replays, counts.entries),
            (0, 0, 10_000)
        );
    }
}

/// Peers that have used up all the credit of one link, and one more that therefore waits for it.
fn all_credit_taken(world: &mut World<LateStore>) -> (Vec<Peer>, Peer) {
    let polite = world.member(0, "loft");
    let busy: Vec<_> = (0..80)
        .map(|_| world.connect(0, WORDS, Some("den")))
        .collect();
    world.run();
    for speaker in &busy {
        while world.try_say(*speaker, "publish den a x") {}
    }
    world.run();
    assert!(
        !world.try_say(polite, "leave nowhere"),
        "the credit is used up"
    );
    (busy, polite)
}

#[test]
fn who_waits_for_credit_is_not_closed_for_a_silence_that_is_not_its_own() {
    let store = LateStore::default();
    let mut world = World::new(1, |_| {}, |_| store.clone());
    let (_, polite) = all_credit_taken(&mut world);
    world.pass_time(seconds(120));
    assert!(!world.is_finished(polite));
    while !store.waiting().is_empty() {
        store.commit(store.waiting().len());
        world.poll_stores();
    }
    assert!(world.resumed(0).contains(&polite.index));
    assert!(world.try_say(polite, "leave nowhere"));
}

#[test]
fn a_little_credit_goes_to_who_has_waited_longest_and_not_to_all_at_once() {
    let store = LateStore::default();
    let mut world = World::new(1, |_| {}, |_| store.clone());
    let (_, _) = all_credit_taken(&mut world);
    store.commit(3);
    world.wake_all();
    let mut resumed = 0;
    loop {
        let moved = world.step();
        let now = world.resumed(0).len();
        assert!(now <= 1, "{now} at once for credit of 3");
        resumed += now;
        if !moved {
            break;
        }
    }
    assert!(resumed > 0);
}

#[test]
fn publishes_on_the_way_are_bounded_in_bytes_too() {
    let store = LateStore::default();
    let mut world = World::new(1, |_| {}, |_| store.clone());
    let text = "x".repeat(60_000);
    let mut taken = 0;
    for _ in 0..20 {
        let peer = world.connect(0, WORDS, Some("den"));
        world.run();
        while world.try_say(peer, &format!("publish den a {text}")) {
            taken += text.len();
        }
        world.run();
    }
    assert!(
        taken <= COMMAND_BYTES_IN_FLIGHT_MAX + text.len(),
        "{taken} bytes are on the way"
    );
    assert!(taken > COMMAND_BYTES_IN_FLIGHT_MAX / 2);
}
