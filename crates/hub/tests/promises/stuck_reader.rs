//! A reader who takes nothing for long is closed, and cut when nothing moves.

use crate::slow_reader::{prompt_and_slow, speak, without_pings};
use crate::world::{seconds, world_with};

#[test]
fn a_reader_who_is_stuck_for_the_slow_readers_time_is_closed_and_cut_when_nothing_moves() {
    let mut world = world_with(1, without_pings);
    let (prompt, slow) = prompt_and_slow(&mut world);
    speak(&mut world, prompt, 1..=1);
    world.pass_time(seconds(299));
    assert!(!world.shard(0).is_closing(slow.index));
    world.pass_time(seconds(1));
    assert!(world.shard(0).is_closing(slow.index));
    assert_eq!(world.counts().slow_closes, 1);
    assert!(!world.was_cut(slow));
    world.pass_time(seconds(4));
    assert!(!world.was_cut(slow), "its close has the close's time");
    world.pass_time(seconds(1));
    assert!(world.was_cut(slow));
}

#[test]
fn a_stuck_reader_who_reads_after_all_gets_the_begun_frame_and_the_close() {
    let mut world = world_with(1, without_pings);
    let (prompt, slow) = prompt_and_slow(&mut world);
    world.unblock(slow, 6);
    speak(&mut world, prompt, 1..=5);
    world.pass_time(seconds(302));
    world.unblock(slow, usize::MAX);
    world.run();
    let close = "!close 1008 connection too slow: nothing could be written";
    assert_eq!(world.heard(slow), ["entry den 1 m1 x", close]);
    assert!(world.is_finished(slow));
}

#[test]
fn a_stuck_reader_who_stops_again_is_cut_soon_after_its_last_byte() {
    let mut world = world_with(1, without_pings);
    let (prompt, slow) = prompt_and_slow(&mut world);
    speak(&mut world, prompt, 1..=1);
    world.pass_time(seconds(303));
    world.unblock(slow, 1);
    world.pass_time(seconds(4));
    assert!(!world.was_cut(slow), "it has moved");
    world.pass_time(seconds(2));
    assert!(world.was_cut(slow));
}

#[test]
fn a_reader_who_takes_a_byte_now_and_then_is_not_stuck() {
    let mut world = world_with(1, without_pings);
    let (prompt, slow) = prompt_and_slow(&mut world);
    speak(&mut world, prompt, 1..=1);
    for _ in 0..5 {
        world.pass_time(seconds(299));
        world.unblock(slow, 1);
        world.run();
        assert!(!world.shard(0).is_closing(slow.index));
    }
    world.pass_time(seconds(300));
    assert!(world.shard(0).is_closing(slow.index));
}
