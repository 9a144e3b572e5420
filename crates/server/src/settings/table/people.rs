//! Who may come in.

use super::{DAY, Group, SECOND, milliseconds};
use crate::settings::Setting;
use crate::settings::kind::{Kind, Zero};

pub(super) const GROUP: Group = Group {
    title: "People",
    about: "Who may come in. Users are made with `parlour user add NAME`.",
    settings: &[
        Setting {
            flag: "guests",
            kind: Kind::Choice(|it| &mut it.guests),
            help: "Who gets in without an account",
            more: "Guests are called guest-…, which no user can be.",
        },
        Setting {
            flag: "ticket-ttl",
            kind: Kind::Time {
                range: milliseconds(100..=3_600 * SECOND),
                place: |it| &mut it.door_limits.ticket_lifetime,
            },
            help: "How long a ticket opens one connection; after it: 401",
            more: "",
        },
        Setting {
            flag: "session-ttl",
            kind: Kind::Time {
                range: milliseconds(SECOND..=3_650 * DAY),
                place: |it| &mut it.accounts.session_time,
            },
            help: "How long a sign-in lasts without being used; after it the password is asked again",
            more: "A use is a request for a ticket; an open connection is none. When it ends, its \
                connections are closed with 1008. The chat page asks for a ticket every 12 hours while it is \
                open; a program that stays connected for longer than this must ask, too.",
        },
        Setting {
            flag: "publish-token-file",
            kind: Kind::File(|it| &mut it.publish_token_file),
            help: "File with the secret that POST /publish and POST /rooms/{room}/publish ask for beyond loopback",
            more: "It is needed with --door publish. The secret has 16 to 1024 characters on one line; the file must be readable by this user alone.",
        },
        Setting {
            flag: "operator-token-file",
            kind: Kind::File(|it| &mut it.operator_token_file),
            help: "File with the secret that GET /debug asks for beyond loopback",
            more: "It needs no --door. The secret is as with --publish-token-file.",
        },
        Setting {
            flag: "logins-per-minute",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::NoLimit,
                place: |it| (&mut it.door_limits.logins_per_minute_per_address).into(),
            },
            help: "Sign-ins that one address may try in a minute; over it: 429",
            more: "",
        },
        Setting {
            flag: "failed-logins-per-minute",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::NoLimit,
                place: |it| (&mut it.door_limits.failed_logins_per_minute_per_name).into(),
            },
            help: "Wrong passwords for one name in a minute; over it: 429",
            more: "",
        },
        Setting {
            flag: "passwords-at-once",
            kind: Kind::Count {
                range: 1..=1_024,
                zero: Zero::Refused,
                place: |it| (&mut it.accounts.passwords_at_once).into(),
            },
            help: "Passwords that are checked at once, 19 MiB of memory each; the next one waits",
            more: "",
        },
        Setting {
            flag: "password-wait",
            kind: Kind::Time {
                range: milliseconds(0..=600 * SECOND),
                place: |it| &mut it.accounts.password_wait,
            },
            help: "How long a sign-in waits for its turn; after it: 503",
            more: "",
        },
        Setting {
            flag: "max-tickets",
            kind: Kind::Count {
                range: 4..=10_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.door_limits.tickets_max).into(),
            },
            help: "Tickets that are neither used nor ended; over it: 429",
            more: "Guests can have three quarters of them, so can loopback, and each other address 256.",
        },
        Setting {
            flag: "max-sessions",
            kind: Kind::Count {
                range: 1..=100_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.accounts.sessions_max).into(),
            },
            help: "Sign-ins that are remembered in all; over it the oldest one ends",
            more: "",
        },
        Setting {
            flag: "max-sessions-per-user",
            kind: Kind::Count {
                range: 1..=1_000_000,
                zero: Zero::Refused,
                place: |it| (&mut it.accounts.sessions_per_user_max).into(),
            },
            help: "Sign-ins of one user that are remembered; over it the oldest one ends",
            more: "",
        },
    ],
};
