//! The doors, where they are, and the pages beside them.

use parlour::{DoorPath, Route};

use super::Group;
use crate::settings::kind::Kind;
use crate::settings::{Setting, Settings};

pub(super) const GROUP: Group = Group {
    title: "Doors and pages",
    about: "What is where. No two doors can have the same path; what is at no door is a page.",
    settings: &[
        Setting {
            flag: "web-root",
            kind: Kind::Folder(|it| &mut it.web_root),
            help: "Serve the pages in this directory instead of the built-in chat page",
            more: "index.html is served for a directory, and nothing whose name begins with a dot. Links \
                that lead out of it are not followed. The server does not start if its data, keys, tokens or \
                configuration lie in it. Its pages may use scripts and styles of their own, inline \
                too, and none of other servers.",
        },
        Setting {
            flag: "plain-room",
            kind: Kind::Room(|it| &mut it.plain_room),
            help: "The room of the door for plain text with nicknames",
            more: "",
        },
        Setting {
            flag: "subscribe-room",
            kind: Kind::Room(|it| &mut it.subscribe_room),
            help: "The room of GET /subscribe and POST /publish",
            more: "",
        },
        path(
            "ws-path",
            |it| it.paths.of_mut(Route::Ws),
            "Where rooms are: GET, with a ticket",
        ),
        path(
            "plain-path",
            |it| it.paths.of_mut(Route::Plain),
            "Where plain text with nicknames is: GET",
        ),
        path(
            "subscribe-path",
            |it| it.paths.of_mut(Route::Subscribe),
            "Where what is published is shown: GET",
        ),
        path(
            "publish-path",
            |it| it.paths.of_mut(Route::Publish),
            "Where something is published for the subscribers: POST",
        ),
        path(
            "echo-path",
            |it| it.paths.of_mut(Route::Echo),
            "Where every message comes back: GET",
        ),
        path(
            "rooms-path",
            |it| it.paths.of_mut(Route::Rooms),
            "Where rooms are published in: POST to this path and /{room}/publish",
        ),
        path(
            "ticket-path",
            |it| it.paths.of_mut(Route::Ticket),
            "Where tickets are given: POST",
        ),
        path(
            "login-path",
            |it| it.paths.of_mut(Route::Login),
            "Where users sign in: POST",
        ),
        path(
            "logout-path",
            |it| it.paths.of_mut(Route::Logout),
            "Where users sign out: POST",
        ),
        path(
            "healthz-path",
            |it| it.paths.of_mut(Route::Health),
            "Where the server says whether it is well: GET",
        ),
        path(
            "debug-path",
            |it| it.paths.of_mut(Route::Debug),
            "Where the number of connections and the counters are: GET",
        ),
    ],
};

const fn path(
    flag: &'static str,
    place: fn(&mut Settings) -> &mut DoorPath,
    help: &'static str,
) -> Setting {
    Setting {
        flag,
        kind: Kind::Path(place),
        help,
        more: "",
    }
}
