//! One bad entry or dialect does not take others along.

use crate::world::{BRITTLE, EVENTS, WORDS, world};

#[test]
fn a_dialect_that_panics_in_encode_leaves_the_shard_and_everybody_else_alone() {
    let mut world = world(2);
    let brittle = world.connect(0, BRITTLE, Some("den"));
    let others = [
        world.connect(0, WORDS, Some("den")),
        world.connect(1, WORDS, Some("den")),
    ];
    let plain = world.connect(0, EVENTS, Some("den"));
    world.run();
    for (id, text) in [("a", "1"), ("b", "boom"), ("c", "3")] {
        world.say(brittle, &format!("publish den {id} {text}"));
    }
    world.run();
    let all = ["entry den 1 a 1", "entry den 2 b boom", "entry den 3 c 3"];
    for other in others {
        assert_eq!(world.entries(other), all);
    }
    assert_eq!(world.heard(plain).len(), 3);
    let heard = world.heard(brittle);
    assert!(heard.contains(&"ack den 2 b".to_owned()), "{heard:?}");
    let entries: Vec<_> = heard
        .iter()
        .filter(|frame| frame.starts_with("entry"))
        .collect();
    assert_eq!(
        entries,
        [all[0], all[2]],
        "no half frame, and its next entries come"
    );
    assert!(!world.shard(0).is_closing(brittle.index));
}
