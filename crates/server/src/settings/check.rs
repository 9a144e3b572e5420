//! Settings that each make sense, and together do not.

use super::error::{SettingsError, Source};
use super::kind::Item as _;
use super::resolve::Effective;
use super::room_rule::RoomRule;
use super::values::{Door, Settings, TlsMode};

/// Looks for what cannot be meant.
pub(super) fn check(given: &Effective) -> Result<(), SettingsError> {
    let rules = [
        certificate,
        plain_http,
        doors,
        paths,
        proxies,
        bounds,
        rooms,
    ];
    match rules.iter().find_map(|rule| rule(given)) {
        Some(senseless) => Err(SettingsError::Senseless(senseless)),
        None => Ok(()),
    }
}

fn certificate(given: &Effective) -> Option<String> {
    let it = given.settings();
    match (&it.tls_cert, &it.tls_key) {
        (Some(_), None) => {
            return Some("--tls-cert needs the key of that certificate: add --tls-key FILE".into());
        }
        (None, Some(_)) => {
            return Some("--tls-key needs the certificate of that key: add --tls-cert FILE".into());
        }
        (None, None) => return None,
        (Some(_), Some(_)) => {}
    }
    if *given.source("tls") == Source::Default {
        return None;
    }
    let (tls, cert) = (given.place("tls"), given.place("tls-cert"));
    let mode = match it.tls {
        TlsMode::Off => "off means plain HTTP",
        TlsMode::SelfSigned => "self-signed makes a certificate",
    };
    Some(format!(
        "{tls} {mode}, and {cert} names a certificate: leave out one of them"
    ))
}

fn plain_http(given: &Effective) -> Option<String> {
    let it = given.settings();
    let address = it.address;
    match (it.is_insecure, it.is_tls(), it.is_public()) {
        (true, true, _) => {
            Some("--insecure means no TLS, and TLS is on: leave out --insecure".into())
        }
        (true, false, false) => Some(format!(
            "--insecure is for addresses that others can reach, and {address} is none: leave it out"
        )),
        (false, false, true) => Some(format!(
            "{address} can be reached from other machines, so passwords and messages need TLS: add \
             --tls-cert FILE --tls-key FILE (or --tls self-signed for a test), or --insecure where nobody \
             listens in; for yourself alone, ssh -L {port}:127.0.0.1:{port} HOST and --addr 127.0.0.1:{port}",
            port = address.port()
        )),
        _ => None,
    }
}

/// Beyond loopback, publishing asks for a token, so without one nobody could; the open door of
/// `/debug` asks for none.
fn doors(given: &Effective) -> Option<String> {
    let it = given.settings();
    let is_open = |door| it.doors.contains(&door);
    match (&it.publish_token_file, &it.operator_token_file) {
        (None, _) if is_open(Door::Publish) => Some(
            "--door publish opens nothing without a token: add --publish-token-file FILE".into(),
        ),
        (Some(_), _) if !is_open(Door::Publish) => Some(
            "--publish-token-file is for publishing beyond loopback, which is shut: add --door publish"
                .into(),
        ),
        (_, Some(_)) if is_open(Door::Debug) => Some(
            "--door debug asks nobody for a token, so --operator-token-file guards nothing: leave out \
             one of them"
                .into(),
        ),
        _ => None,
    }
}

fn paths(given: &Effective) -> Option<String> {
    let same = given.settings().paths.checked().err()?;
    let mut flags = [same.one, same.other].map(|route| format!("{}-path", route.name()));
    // What is at its usual place has the better claim.
    flags.sort_by_key(|flag| !given.is_changed(flag));
    let [moved, other] = flags;
    Some(format!(
        "--{moved} is {}, where the door of --{other} is: choose another path",
        same.path
    ))
}

fn proxies(given: &Effective) -> Option<String> {
    let all = given
        .settings()
        .trusted_proxies
        .iter()
        .find(|network| network.bits() == 0)?;
    Some(format!(
        "--trusted-proxy {all} believes everybody who he says he is: name the proxy's own address"
    ))
}

/// A bound above another one that holds more. A default is no claim, and gives way.
fn bounds(given: &Effective) -> Option<String> {
    let it = given.settings();
    if it.limits.messages_per_second == 0 && given.is_changed("message-burst") {
        let words = "--message-burst means nothing when --messages-per-second is 0: leave it out";
        return Some(words.into());
    }
    if it.limits.log_bytes_max > it.limits.logs_total_bytes_max {
        let words = "--room-log-bytes is more than --total-log-bytes, which all rooms share: make it smaller";
        return Some(words.into());
    }
    let above = parts(it).into_iter().find(|part| {
        part.value > part.whole && given.is_changed(part.flag) && given.is_changed(part.whole_flag)
    })?;
    Some(format!(
        "--{} is more than --{}, so it can never be reached: make it smaller",
        above.flag, above.whole_flag
    ))
}

/// A rule that no room reaches, and a bound that a volatile room never does.
fn rooms(given: &Effective) -> Option<String> {
    let it = given.settings();
    let place = given.place("rooms");
    if let Some([all, never]) = it.rooms.windows(2).find(|pair| pair[0].takes_all()) {
        return Some(format!(
            "{place}: `{}` is never reached, as every name matches `{}` before it: put it first",
            never.show(),
            all.show()
        ));
    }
    let whole = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let bounds = |rule: &RoomRule| {
        let keep = rule.kind.keep;
        let (entries, bytes) = (it.limits.log_entries_max, it.limits.log_bytes_max);
        [
            (keep.entries, whole(entries), "--room-log-entries"),
            (keep.bytes, whole(bytes), "--room-log-bytes"),
        ]
    };
    let mut volatile = it.rooms.iter().filter(|rule| !rule.kind.is_durable);
    volatile.find_map(|rule| {
        let above = |(keep, most, _): &(Option<u64>, u64, _)| keep.is_some_and(|it| it > *most);
        let (_, _, flag) = bounds(rule).into_iter().find(above)?;
        Some(format!(
            "{place}: `{}` keeps more than {flag} lets any volatile room keep: raise that, or make the \
             room durable",
            rule.show()
        ))
    })
}

/// A bound on a part of what another one bounds.
struct Part {
    flag: &'static str,
    value: u128,
    whole_flag: &'static str,
    whole: u128,
}

fn parts(it: &Settings) -> [Part; 5] {
    let part = |flag, value, whole_flag, whole| Part {
        flag,
        value,
        whole_flag,
        whole,
    };
    let count = |number: usize| number as u128;
    let connections = count(it.limits.connections_max);
    [
        part(
            "max-connections-per-address",
            count(it.door_limits.connections_per_address),
            "max-connections",
            connections,
        ),
        part(
            "max-connections-per-loopback-address",
            count(it.door_limits.connections_per_loopback_address),
            "max-connections",
            connections,
        ),
        part(
            "max-rooms-per-connection",
            count(it.limits.rooms_per_connection_max),
            "max-rooms",
            count(it.limits.rooms_max),
        ),
        part(
            "max-sessions-per-user",
            count(it.accounts.sessions_per_user_max),
            "max-sessions",
            count(it.accounts.sessions_max),
        ),
        part(
            "close-timeout",
            it.limits.close_timeout.as_millis(),
            "shutdown-timeout",
            it.shutdown_timeout.as_millis(),
        ),
    ]
}
