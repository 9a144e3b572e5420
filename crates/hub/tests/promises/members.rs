//! Members come and go in the middle of a pass.

use parlour_proto::{PASS_BYTES_MAX, PASS_MEMBERS_MAX};

use crate::world::{Peer, WORDS, World, world};

/// A room of many, and an entry that has come to the first of them only.
fn pass_under_way(world: &mut World) -> (Peer, Vec<Peer>) {
    let members: Vec<_> = (0..3 * PASS_MEMBERS_MAX)
        .map(|_| world.connect(0, WORDS, None))
        .collect();
    members
        .iter()
        .for_each(|member| world.say(*member, "join den"));
    world.run();
    members.iter().for_each(|member| drop(world.heard(*member)));
    world.say(members[0], "publish den a x");
    world.step();
    let mut passed = members.clone();
    passed.retain(|member| world.half_heard(*member) > 0);
    // The speaker had his with the ack.
    assert_eq!(passed.len(), 1 + PASS_MEMBERS_MAX, "the pass is under way");
    (members[0], members)
}

fn assert_heard_once(world: &mut World, members: &[Peer]) {
    for member in members {
        assert_eq!(world.entries(*member), ["entry den 1 a x"], "{member:?}");
    }
}

/// How many turns it takes until `member` has heard of something.
fn turns_until_heard(world: &mut World, member: Peer) -> usize {
    let mut turns = 1;
    while world.step() && world.half_heard(member) == 0 {
        turns += 1;
    }
    turns
}

#[test]
fn a_quiet_room_does_not_wait_for_the_pass_of_a_large_one() {
    let mut world = world(1);
    let (speaker, listener) = (world.member(0, "loft"), world.member(0, "loft"));
    let (_, members) = pass_under_way(&mut world);
    world.say(speaker, "publish loft b y");
    assert_eq!(turns_until_heard(&mut world, listener), 1);
    assert_eq!(world.entries(listener), ["entry loft 1 b y"]);
    world.run();
    assert_heard_once(&mut world, &members);
}

#[test]
fn many_small_rooms_do_not_hold_up_a_large_one() {
    let mut world = world(1);
    let small: Vec<_> = (0..2 * PASS_MEMBERS_MAX)
        .map(|n| {
            (
                world.member(0, &format!("loft{n}")),
                world.member(0, &format!("loft{n}")),
            )
        })
        .collect();
    let (_, members) = pass_under_way(&mut world);
    for _ in 0..3 {
        for (n, (speaker, _)) in small.iter().enumerate() {
            world.say(*speaker, &format!("publish loft{n} b y"));
        }
        world.step();
    }
    assert_heard_once(&mut world, &members);
}

#[test]
fn long_entries_make_shorter_steps() {
    let mut world = world(1);
    let members: Vec<_> = (0..PASS_MEMBERS_MAX)
        .map(|_| world.member(0, "den"))
        .collect();
    let long = "x".repeat(PASS_BYTES_MAX / 2);
    world.say(members[0], &format!("publish den a {long}"));
    world.step();
    let passed = members
        .iter()
        .filter(|member| world.half_heard(**member) > long.len());
    assert_eq!(passed.count(), 2);
}

#[test]
fn members_gone_in_the_middle_of_a_pass_make_it_neither_skip_nor_repeat_anybody() {
    for every in [1, 2, 3, 7, 50] {
        let mut world = world(1);
        let (speaker, mut members) = pass_under_way(&mut world);
        let mut step = 0;
        loop {
            let leaving =
                |n: usize, member: Peer| (n + step).is_multiple_of(every + 1) && member != speaker;
            let (gone, left): (Vec<_>, Vec<_>) = std::mem::take(&mut members)
                .into_iter()
                .enumerate()
                .partition(|(n, member)| leaving(*n, *member));
            gone.iter().for_each(|(_, member)| world.hang_up(*member));
            members = left.into_iter().map(|(_, member)| member).collect();
            step += 1;
            if !world.step() {
                break;
            }
        }
        assert!(!members.is_empty());
        assert_heard_once(&mut world, &members);
    }
}

#[test]
fn members_that_leave_by_command_and_newcomers_do_not_disturb_a_pass() {
    let mut world = world(1);
    let (_, members) = pass_under_way(&mut world);
    let (leaving, staying): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|member| member.index % 3 == 1);
    leaving
        .iter()
        .for_each(|member| world.say(*member, "leave den"));
    let newcomer = world.connect(0, WORDS, Some("den"));
    world.run();
    assert_heard_once(&mut world, &staying);
    assert!(world.entries(newcomer).is_empty());
    for member in leaving {
        let passed = world.entries(member).len();
        assert!(passed <= 1);
    }
}

#[test]
fn sockets_that_turn_out_to_be_gone_do_not_disturb_a_pass() {
    let mut world = world(1);
    let (_, members) = pass_under_way(&mut world);
    let (vanished, left): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|member| member.index % 5 == 4);
    vanished.iter().for_each(|member| world.vanish(*member));
    world.run();
    assert_heard_once(&mut world, &left);
    world.say(left[0], "publish den b x");
    world.run();
    for member in left {
        assert_eq!(world.entries(member), ["entry den 2 b x"]);
    }
    let gone = vanished.len();
    assert_eq!(world.shard(0).connections(), 3 * PASS_MEMBERS_MAX - gone);
}

#[test]
fn a_dialect_whose_members_all_leave_in_the_middle_of_a_pass_can_be_spoken_again() {
    use crate::world::BRITTLE;
    let mut world = world(1);
    let (speaker, members) = pass_under_way(&mut world);
    let others: Vec<_> = (0..300)
        .map(|_| world.connect(0, BRITTLE, Some("den")))
        .collect();
    world.say(speaker, "publish den b x");
    world.step();
    others.iter().for_each(|other| world.hang_up(*other));
    world.step();
    let back = world.connect(0, BRITTLE, Some("den"));
    world.say(speaker, "publish den c x");
    world.run();
    assert_eq!(world.entries(back), ["entry den 3 c x"]);
    for member in members {
        let all = ["entry den 1 a x", "entry den 2 b x", "entry den 3 c x"];
        assert_eq!(world.entries(member), all);
    }
}
