//! Where the server listens, and who may speak to it from where.

use super::Group;
use crate::settings::Setting;
use crate::settings::kind::Kind;

pub(super) const GROUP: Group = Group {
    title: "Network",
    about: "Where the server listens, and whose pages and proxies it believes.",
    settings: &[
        Setting {
            flag: "addr",
            kind: Kind::Address(|it| &mut it.address),
            help: "Where to listen; the real address is printed",
            more: "An address that other machines can reach needs TLS, or --insecure.",
        },
        Setting {
            flag: "insecure",
            kind: Kind::Switch(|it| &mut it.is_insecure),
            help: "Listen without TLS where others can reach it: everything can be read on the way",
            more: "For a private network, or behind a proxy that speaks TLS; name that with --trusted-proxy.",
        },
        Setting {
            flag: "trusted-proxy",
            kind: Kind::List {
                value_name: "NETWORK",
                takes: "an address or ADDRESS/BITS",
                separator: ',',
                place: |it| &mut it.trusted_proxies,
            },
            help: "Believe this proxy what it says about the client: X-Forwarded-For, -Proto, -Host, Forwarded",
            more: "Nobody who comes through it is local, also if it is on loopback, and \
                --max-http-connections-per-address is not for it. From everybody else such a header only takes the \
                rights of loopback away.",
        },
        Setting {
            flag: "allow-origin",
            kind: Kind::List {
                value_name: "ORIGIN",
                takes: "scheme, host and port of a page, as in https://chat.example:8443",
                separator: ',',
                place: |it| &mut it.origins.allowed,
            },
            help: "Let pages of this origin use the server, beside its own; others get 403",
            more: "Such a page keeps the session that POST /login answers with, and sends it as Authorization: \
                Bearer; the cookie is for the server's own pages (SameSite=Strict).",
        },
        Setting {
            flag: "require-origin",
            kind: Kind::Switch(|it| &mut it.origins.is_required),
            help: "Refuse tickets and connections to requests that name no origin: programs, not pages",
            more: "It keeps honest programs out only, as any program can send the header.",
        },
        Setting {
            flag: "door",
            kind: Kind::List {
                value_name: "DOOR",
                takes: "echo, plain, subscribe, publish or debug",
                separator: ',',
                place: |it| &mut it.doors,
            },
            help: "Open this door beyond loopback: echo, plain, subscribe, publish or debug",
            more: "publish asks for the token of --publish-token-file there; plain, subscribe and echo ask nobody who he \
                is; debug shows its numbers to everybody.",
        },
    ],
};
