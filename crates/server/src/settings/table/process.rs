//! The process: data, log, end.

use super::{Group, HOUR, milliseconds};
use crate::settings::Setting;
use crate::settings::kind::Kind;

pub(super) const GROUP: Group = Group {
    title: "Process",
    about: "Where the server keeps what must survive it, what it logs, and how long it takes to stop.",
    settings: &[
        Setting {
            flag: "data",
            kind: Kind::Directory(|it| &mut it.data),
            help: "Data directory, made for this user alone; one server at a time can use it",
            more: "It holds the rooms on disk, the accounts, the control socket and the certificate of --tls self-signed.",
        },
        Setting {
            flag: "shutdown-timeout",
            kind: Kind::Time {
                range: milliseconds(100..=HOUR),
                place: |it| &mut it.shutdown_timeout,
            },
            help: "The longest that a stop by SIGINT or SIGTERM takes; who has not gone by then is cut",
            more: "",
        },
        Setting {
            flag: "log",
            kind: Kind::Filter(|it| &mut it.log),
            help: "What to log on stderr: off, error, warn, info, debug, trace, also by part (parlour=debug,info)",
            more: "",
        },
        Setting {
            flag: "log-format",
            kind: Kind::Choice(|it| &mut it.log_format),
            help: "Form of the log",
            more: "",
        },
    ],
};
