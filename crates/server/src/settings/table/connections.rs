//! Connections: how many, how silent, how slow.

use super::{Group, HOUR, KIB, MIB, MINUTE, milliseconds};
use crate::settings::Setting;
use crate::settings::kind::{Kind, Zero};

pub(super) const GROUP: Group = Group {
    title: "Connections",
    about: "How many there may be, and how silent or slow they may be.",
    settings: &[
        Setting {
            flag: "ping-interval",
            kind: Kind::Time {
                range: milliseconds(100..=HOUR),
                place: |it| &mut it.limits.ping_interval,
            },
            help: "Silence after which a client is pinged",
            more: "Pings cannot be turned off: without them a client that vanished would stay for ever.",
        },
        Setting {
            flag: "pong-timeout",
            kind: Kind::Time {
                range: milliseconds(100..=HOUR),
                place: |it| &mut it.limits.pong_timeout,
            },
            help: "Further silence after which it is closed with code 1008",
            more: "",
        },
        Setting {
            flag: "slow-reader-timeout",
            kind: Kind::Time {
                range: milliseconds(100..=24 * HOUR),
                place: |it| &mut it.limits.slow_reader_timeout,
            },
            help: "Time in which a client must take something of what waits for it; after it: code 1008",
            more: "",
        },
        Setting {
            flag: "close-timeout",
            kind: Kind::Time {
                range: milliseconds(100..=10 * MINUTE),
                place: |it| &mut it.limits.close_timeout,
            },
            help: "Time for a client to answer a close; after it the connection is cut",
            more: "",
        },
        Setting {
            flag: "max-connections",
            kind: Kind::Count {
                range: 1..=10_000_000,
                zero: Zero::NoLimitAsMax,
                place: |it| (&mut it.limits.connections_max).into(),
            },
            help: "WebSockets in all; over it: 503",
            more: "Each needs an open file: see ulimit -n.",
        },
        Setting {
            flag: "max-connections-per-address",
            kind: Kind::Count {
                range: 1..=10_000_000,
                zero: Zero::NoLimit,
                place: |it| (&mut it.door_limits.connections_per_address).into(),
            },
            help: "WebSockets of one address, or one /64 of IPv6; over it: 429",
            more: "",
        },
        Setting {
            flag: "max-connections-per-loopback-address",
            kind: Kind::Count {
                range: 1..=10_000_000,
                zero: Zero::NoLimit,
                place: |it| (&mut it.door_limits.connections_per_loopback_address).into(),
            },
            help: "WebSockets of one loopback address; over it: 429",
            more: "",
        },
        Setting {
            flag: "compression",
            kind: Kind::Choice(|it| &mut it.compression),
            help: "Whether messages are compressed for clients that offer it (permessage-deflate)",
            more: "Browsers offer it. Messages below 256 bytes go as they are; a message to a room is compressed \
                once for all of its members, and no connection keeps memory for it. It saves bytes of longer \
                messages and costs CPU. Off refuses every offer.",
        },
        Setting {
            flag: "private-buffer-bytes",
            kind: Kind::Bytes {
                range: 4 * KIB..=64 * MIB,
                place: |it| (&mut it.limits.private_bytes_max).into(),
            },
            help: "Answers and replays that wait for one client; while it is full the client is not read",
            more: "",
        },
        Setting {
            flag: "send-buffer-bytes",
            kind: Kind::Bytes {
                range: 64 * KIB..=64 * MIB,
                place: |it| (&mut it.listener_limits.send_buffer_bytes).into(),
            },
            help: "Memory of the kernel for what one client has not taken yet",
            more: "",
        },
    ],
};
