//! How long an empty volatile room is remembered.

use std::time::Duration;

use crate::world::{Peer, WORDS, World, position, room_at, seconds, world};

fn enter(world: &mut World, shard: usize, room: &str) -> (Peer, String) {
    let peer = world.connect(shard, WORDS, Some(room));
    world.run();
    let (epoch, _) = position(&world.heard(peer)[0]);
    (peer, epoch)
}

#[test]
fn an_empty_room_is_forgotten_after_a_minute_and_comes_back_in_a_new_epoch() {
    for home in [0, 1] {
        let mut world = world(2);
        let den = room_at(home, 2);
        let (peer, epoch) = enter(&mut world, 0, &den);
        world.say(peer, &format!("publish {den} a x"));
        world.run();
        world.hang_up(peer);
        world.run();
        world.pass_time(seconds(60));
        assert_eq!(world.counts().rooms, 0);
        assert_eq!(world.counts().log_bytes, 0);
        assert_eq!(world.next_deadline(), None, "nothing to wake up for");
        let (back, now) = enter(&mut world, 1, &den);
        assert_ne!(now, epoch);
        world.say(back, &format!("leave {den}"));
        world.say(back, &format!("join {den} {epoch} 1"));
        world.run();
        assert_eq!(world.heard(back)[2], format!("reset {den} 1 -> 0"));
    }
}

#[test]
fn an_empty_room_is_not_forgotten_before() {
    let mut world = world(1);
    let (peer, epoch) = enter(&mut world, 0, "den");
    world.say(peer, "publish den a x");
    world.run();
    world.hang_up(peer);
    world.run();
    world.pass_time(Duration::from_millis(59_999));
    let back = world.connect(0, WORDS, None);
    world.say(back, &format!("join den {epoch} 0"));
    world.run();
    let told = [
        format!("joined den 0 {epoch}"),
        "entry den 1 a x".to_owned(),
    ];
    assert_eq!(world.heard(back), told);
}

#[test]
fn the_minute_counts_from_the_last_one_who_left_and_a_visit_starts_it_again() {
    let mut world = world(1);
    let (first, epoch) = enter(&mut world, 0, "den");
    world.say(first, "publish den a x");
    world.run();
    world.hang_up(first);
    world.pass_time(seconds(50));
    let (second, _) = enter(&mut world, 0, "den");
    world.pass_time(seconds(5));
    world.hang_up(second);
    world.run();
    let left = world.now_at();
    // By then nothing is due any more for those who were here.
    world.pass_time(seconds(30));
    assert_eq!(
        world.next_deadline(),
        Some(left + seconds(60)),
        "no turn before it is needed"
    );
    world.pass_time(seconds(29));
    assert_eq!(enter(&mut world, 0, "den").1, epoch);
}

#[test]
fn a_room_in_which_nothing_was_said_is_forgotten_with_its_last_member() {
    let mut world = world(2);
    for n in 0..100 {
        let (visitor, _) = enter(&mut world, n % 2, &format!("den{n}"));
        world.hang_up(visitor);
        world.run();
    }
    assert_eq!(world.counts().rooms, 0, "going through rooms uses none up");
}

#[test]
fn a_room_with_a_silent_member_is_never_forgotten() {
    let mut world = world(1);
    let (peer, epoch) = enter(&mut world, 0, "den");
    for _ in 0..20 {
        world.pass_time(seconds(20));
        world.stir(peer);
    }
    assert_eq!(enter(&mut world, 0, "den").1, epoch);
}

#[test]
fn a_move_to_another_room_empties_the_first() {
    let mut world = world(1);
    let (peer, epoch) = enter(&mut world, 0, "den");
    world.say(peer, "enter hall");
    world.run();
    for _ in 0..4 {
        world.pass_time(seconds(15));
        world.stir(peer);
        world.run();
    }
    world.heard(peer);
    world.say(peer, "enter den");
    world.run();
    assert_ne!(position(&world.heard(peer)[0]).0, epoch);
}
