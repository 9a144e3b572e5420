//! Bounds of HTTP: what there is before a WebSocket is one.

use super::{Group, KIB, MIB, MINUTE, milliseconds};
use crate::settings::Setting;
use crate::settings::kind::{Kind, Zero};

pub(super) const GROUP: Group = Group {
    title: "HTTP",
    about: "What a request may take, before and beside WebSockets.",
    settings: &[
        Setting {
            flag: "handshake-timeout",
            kind: Kind::Time {
                range: milliseconds(100..=10 * MINUTE),
                place: |it| &mut it.listener_limits.handshake_time,
            },
            help: "Time for the TLS handshake and for a request's head; after it the connection is cut",
            more: "",
        },
        Setting {
            flag: "max-handshake-bytes",
            kind: Kind::Bytes {
                range: 8 * KIB..=MIB,
                place: |it| (&mut it.listener_limits.head_bytes_max).into(),
            },
            help: "Largest head of a request; over it: 431",
            more: "",
        },
        Setting {
            flag: "http-write-timeout",
            kind: Kind::Time {
                range: milliseconds(100..=10 * MINUTE),
                place: |it| &mut it.listener_limits.write_time,
            },
            help: "Time in which a client must take something of an answer; after it the connection is cut",
            more: "",
        },
        Setting {
            flag: "max-http-connections",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.listener_limits.http_connections_max).into(),
            },
            help: "HTTP connections at once; over it the next one waits",
            more: "Loopback can have three quarters of them; over that they are closed. WebSockets do not count.",
        },
        Setting {
            flag: "max-http-served",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.listener_limits.http_served_max).into(),
            },
            help: "How many of these are served at once; over it the next one waits, unread",
            more: "Who takes longer than a second goes on and lets the next one in. \
                   One address can have a quarter of them, loopback three quarters; /healthz and /debug \
                   have eight beside them, in plain.",
        },
        Setting {
            flag: "max-http-connections-per-address",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.listener_limits.http_connections_per_address).into(),
            },
            help: "HTTP connections of one address, or one /64 of IPv6, that is not loopback; over it they are closed",
            more: "A --trusted-proxy has no such bound.",
        },
        Setting {
            flag: "max-body-bytes",
            kind: Kind::Bytes {
                range: KIB..=MIB,
                place: |it| (&mut it.door_limits.body_bytes_max).into(),
            },
            help: "Largest body of a request; over it: 413",
            more: "What is published over HTTP has the bound of a message instead.",
        },
        Setting {
            flag: "body-timeout",
            kind: Kind::Time {
                range: milliseconds(100..=10 * MINUTE),
                place: |it| &mut it.door_limits.body_time,
            },
            help: "Time for a request's body; after it: 408",
            more: "",
        },
    ],
};
