//! Rooms on disk.

use super::Group;
use crate::settings::kind::{Kind, Zero};
use crate::settings::{Setting, room_rule};

pub(super) const GROUP: Group = Group {
    title: "Durable rooms",
    about: "Which rooms are on disk before they are acknowledged, and how much of them is kept. `parlour room` \
        shows what there is, on a running server and on a stopped one.",
    settings: &[
        Setting {
            flag: "rooms",
            kind: Kind::List {
                value_name: room_rule::VALUE_NAME,
                takes: "PATTERN=durable or PATTERN=volatile, and what of each such room is kept: keep=N entries, \
                    keep-bytes=SIZE, keep-age=TIME",
                separator: ';',
                place: |it| &mut it.rooms,
            },
            help: "Keep rooms with such names on disk (durable) or in memory alone (volatile), and so much of each",
            more: "A * in the pattern stands for any text, and the first rule that a name matches holds; a room that none \
                matches is as by default. What is over any bound goes, the oldest first; a bound that is not given \
                there is none. Volatile rooms have those of --room-log-entries and --room-log-bytes as well. Who had \
                not read what has gone is told exactly which entries that were. A room that was durable and is not \
                any more stays on disk as it was.",
        },
        Setting {
            flag: "room-ids",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.limits.ids_per_room_max).into(),
            },
            help: "Last entries of a room whose ids are known, so that what is sent again is not published again",
            more: "Who sends an id that may be older is told id_forgotten.",
        },
        Setting {
            flag: "store-partitions",
            kind: Kind::Count {
                range: 1..=64,
                zero: Zero::Refused,
                place: |it| (&mut it.store_partitions).into(),
            },
            help: "Files that the rooms of a new data directory are spread over, each written by a thread of its own",
            more: "A data directory keeps the number that it was made with, whatever is said here later.",
        },
    ],
};
