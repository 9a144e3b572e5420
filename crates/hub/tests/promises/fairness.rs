//! A large room does not hold up a small one.

use crate::world::{WORDS, world};

#[test]
fn a_room_of_2_000_holds_up_a_small_room_for_no_more_than_one_turns_budget() {
    let mut world = world(1);
    let large: Vec<_> = (0..2_000).map(|_| world.connect(0, WORDS, None)).collect();
    for chunk in large.chunks(500) {
        chunk
            .iter()
            .for_each(|member| world.say(*member, "join large"));
        world.run();
    }
    let small = [world.member(0, "small"), world.member(0, "small")];
    world.say(large[0], "publish large a x");
    world.step();
    world.say(small[0], "publish small b x");
    // One turn may be the large room's; the next is the small room's.
    world.step();
    world.step();
    assert_eq!(world.entries(small[1]), ["entry small 1 b x"]);
    let mut waiting = large.clone();
    waiting.retain(|member| world.entries(*member).is_empty());
    assert!(waiting.len() > 1_000, "the large room is still under way");
    world.run();
    for member in waiting {
        assert_eq!(world.entries(member), ["entry large 1 a x"]);
    }
}
