//! What is not needed is not kept.

use crate::world::{WORDS, seconds, world, world_with};

#[test]
fn a_room_whose_members_have_read_everything_keeps_its_log_and_no_encoded_bytes() {
    // One log serves both shards: a second shard's view adds nothing that stays.
    let kept = |shards: u16| {
        let mut world = world(shards);
        let den = crate::world::room_at(0, shards);
        let members: Vec<_> = (0..4)
            .map(|n| world.member(n % usize::from(shards), &den))
            .collect();
        for n in 0..20 {
            world.say(members[n % 4], &format!("publish {den} m x"));
            world.run();
        }
        world.counts().log_bytes
    };
    // But for the small buffer that a view keeps for its next entry.
    assert!(kept(1).abs_diff(kept(2)) < 1_200);
}

#[test]
fn a_hub_that_everybody_has_left_keeps_nothing() {
    let mut world = world(2);
    for n in 0..50 {
        let peer = world.connect(n % 2, WORDS, Some(&format!("room{n}")));
        world.run();
        world.say(peer, "say a x");
        world.run();
        world.hang_up(peer);
    }
    world.pass_time(seconds(61));
    let counts = world.counts();
    assert_eq!(
        (counts.connections, counts.rooms, counts.log_bytes),
        (0, 0, 0)
    );
    assert_eq!(world.next_deadline(), None);
}

#[test]
fn over_the_bound_of_all_logs_the_largest_is_trimmed_first() {
    let total = 100_000;
    let mut world = world_with(1, |limits| limits.logs_total_bytes_max = total);
    let (loud, quiet) = (world.member(0, "loud"), world.member(0, "quiet"));
    (0..10).for_each(|_| world.say(quiet, "publish quiet m x"));
    world.run();
    let text = "x".repeat(1_000);
    for _ in 0..500 {
        world.say(loud, &format!("publish loud m {text}"));
        world.run();
        let held = world.counts().log_bytes;
        assert!(held <= total as u64, "{held} bytes of logs");
    }
    assert_eq!(world.entries(loud).len(), 500, "members notice nothing");
    let reader = world.connect(0, WORDS, Some("quiet"));
    world.run();
    let (epoch, _) = crate::world::position(&world.heard(reader)[0]);
    world.say(reader, "leave quiet");
    world.say(reader, &format!("join quiet {epoch} 0"));
    world.run();
    let heard = world.heard(reader);
    assert_eq!(heard.len(), 12, "the small log is whole: {heard:?}");
}

#[test]
fn an_idle_connection_keeps_no_buffer_of_what_it_was_sent() {
    let mut world = world(1);
    let peers: Vec<_> = (0..200).map(|_| world.member(0, "den")).collect();
    let speaker = world.member(0, "den");
    let long = "x".repeat(1_000);
    let round = |world: &mut crate::world::World| {
        // An answer of its own for each, and an entry for all.
        peers
            .iter()
            .for_each(|peer| world.echo(*peer, long.as_bytes()));
        world.say(speaker, &format!("publish den a {long}"));
        world.run();
        for peer in &peers {
            assert_eq!(world.heard(*peer).len(), 2);
        }
        world.heard(speaker);
    };
    // The test's own sockets keep theirs, from the first round on; the shard had none before.
    peers.iter().for_each(|peer| world.reserve(*peer, 10_000));
    world.reserve(speaker, 10_000);
    let memory = allocation_counter::measure(|| round(&mut world));
    // One log entry, and lists of indices that the shard keeps for its next turn.
    let kept = memory.bytes_current;
    assert!(
        kept < 200 * 100,
        "{kept} bytes are kept for 200 idle connections"
    );
    assert!(memory.bytes_max > 200 * 1_000, "the answers were there");
}

#[test]
fn a_room_that_nobody_is_in_keeps_no_more_than_a_kibibyte_beside_its_log() {
    const ROOMS: i64 = 1_000;
    let mut world = world(1);
    let mut visit = |rooms: std::ops::Range<i64>| {
        for n in rooms {
            let peer = world.connect(0, WORDS, Some(&format!("room{n}")));
            world.run();
            world.say(peer, "say a x");
            world.run();
            world.hang_up(peer);
        }
    };
    // What a first visitor needs is there.
    visit(0..100);
    let memory = allocation_counter::measure(|| visit(100..100 + ROOMS));
    let each = memory.bytes_current / ROOMS;
    assert!(
        each <= 1_024,
        "{each} bytes are kept for each room and its entry"
    );
}
