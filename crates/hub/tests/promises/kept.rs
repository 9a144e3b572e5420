//! Of a room in memory no more is kept than its kind says.

use parlour_proto::Keep;

use crate::world::{WORDS, position, seconds, world_keeping};

#[test]
fn what_is_too_old_is_not_shown_however_quiet_the_room_was() {
    let mut world = world_keeping(Keep {
        age: Some(seconds(10)),
        ..Keep::ALL
    });
    let speaker = world.connect(0, WORDS, Some("den"));
    world.run();
    let (epoch, _) = position(&world.heard(speaker)[0]);
    world.say(speaker, "publish den a old");
    world.run();
    world.pass_time(seconds(6));
    world.say(speaker, "publish den b young");
    world.run();
    world.pass_time(seconds(6));
    let reader = world.connect(0, WORDS, None);
    world.say(reader, &format!("join den {epoch} 0"));
    world.run();
    let heard = world.heard(reader);
    assert_eq!(heard[1..], ["gap den 1..=1", "entry den 2 b young"]);
    world.pass_time(seconds(6));
    let reader = world.connect(0, WORDS, None);
    world.say(reader, &format!("join den {epoch} 0"));
    world.run();
    assert_eq!(world.heard(reader)[1..], ["gap den 1..=2"]);
}

#[test]
fn a_room_keeps_so_many_entries() {
    let mut world = world_keeping(Keep {
        entries: Some(3),
        ..Keep::ALL
    });
    let speaker = world.connect(0, WORDS, Some("den"));
    world.run();
    let (epoch, _) = position(&world.heard(speaker)[0]);
    for n in 1..=9 {
        world.say(speaker, &format!("publish den m{n} x"));
        world.run();
    }
    let reader = world.connect(0, WORDS, None);
    world.say(reader, &format!("join den {epoch} 0"));
    world.run();
    assert_eq!(world.heard(reader)[1], "gap den 1..=6");
}
