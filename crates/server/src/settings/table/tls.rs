//! Certificates.

use super::Group;
use crate::settings::Setting;
use crate::settings::kind::Kind;

pub(super) const GROUP: Group = Group {
    title: "TLS",
    about: "With a certificate the server speaks https and wss on its one port. SIGHUP reads the files again; \
        if the new ones are no good, the old ones stay and the log says why.",
    settings: &[
        Setting {
            flag: "tls-cert",
            kind: Kind::File(|it| &mut it.tls_cert),
            help: "Certificate and its chain, in PEM; needs --tls-key",
            more: "",
        },
        Setting {
            flag: "tls-key",
            kind: Kind::File(|it| &mut it.tls_key),
            help: "Private key of the certificate, in PEM; needs --tls-cert",
            more: "",
        },
        Setting {
            flag: "tls",
            kind: Kind::Choice(|it| &mut it.tls),
            help: "Make a certificate: self-signed, for this machine and for tests",
            more: "Browsers warn about it once. Its fingerprint and the way to trust it are printed. \
                It is made again a day before it ends, also in a running server, when --addr has changed, and \
                when its files are not as they were made. off means plain HTTP. Either one beside \
                --tls-cert is refused, wherever each is given.",
        },
    ],
};
