//! Messages, and what rooms keep of them.

use super::{DAY, GIB, Group, KIB, MIB, milliseconds};
use crate::settings::Setting;
use crate::settings::kind::{Kind, Zero};

pub(super) const GROUP: Group = Group {
    title: "Messages and rooms",
    about: "How much may be said, and how much of it rooms keep.",
    settings: &[
        Setting {
            flag: "max-message-bytes",
            kind: Kind::Bytes {
                range: 1..=64 * MIB,
                place: |it| (&mut it.limits.message_bytes_max).into(),
            },
            help: "Largest message of a client; a larger one ends its connection with code 1009",
            more: "",
        },
        Setting {
            flag: "messages-per-second",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::NoLimit,
                place: |it| (&mut it.limits.messages_per_second).into(),
            },
            help: "Messages that one connection may send in the long run; over it: rate_limited",
            more: "The message is thrown away, and the connection stays. The echo door has no such limit.",
        },
        Setting {
            flag: "message-burst",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.limits.message_burst).into(),
            },
            help: "Messages that one connection may send at once after a silence",
            more: "",
        },
        Setting {
            flag: "max-rooms",
            kind: Kind::Count {
                range: 1..=100_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.limits.rooms_max).into(),
            },
            help: "Rooms in all; over it: too_many_rooms",
            more: "",
        },
        Setting {
            flag: "max-rooms-per-connection",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.limits.rooms_per_connection_max).into(),
            },
            help: "Rooms that one connection may be in; over it: too_many_rooms_here",
            more: "",
        },
        Setting {
            flag: "room-log-entries",
            kind: Kind::Count {
                range: 1..=10_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.limits.log_entries_max).into(),
            },
            help: "Last entries that a room keeps in memory for who comes back; over it the oldest go",
            more: "Of a durable room the others are read from disk, so nobody misses them.",
        },
        Setting {
            flag: "room-log-bytes",
            kind: Kind::Bytes {
                range: 256 * KIB..=GIB,
                place: |it| (&mut it.limits.log_bytes_max).into(),
            },
            help: "Memory of a room's last entries; over it the oldest go",
            more: "",
        },
        Setting {
            flag: "total-log-bytes",
            kind: Kind::Bytes {
                range: MIB..=1024 * GIB,
                place: |it| (&mut it.limits.logs_total_bytes_max).into(),
            },
            help: "Memory of all rooms' last entries; over it the largest room gives first",
            more: "",
        },
        Setting {
            flag: "empty-room-kept",
            kind: Kind::Time {
                range: milliseconds(0..=DAY),
                place: |it| &mut it.limits.empty_room_kept,
            },
            help: "How long a volatile room is remembered when nobody is in it; after it: a new epoch",
            more: "A durable room only leaves the memory.",
        },
        Setting {
            flag: "presence-members",
            kind: Kind::Count {
                range: 1..=100_000,
                zero: Zero::Refused,
                place: |it| (&mut it.limits.presence_members_max).into(),
            },
            help: "Largest room that tells who is in it; a larger one tells only how many",
            more: "",
        },
    ],
};
