//! What a server prints when it listens. The first line is for scripts and stays as it is; the others
//! say what a person does next.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use parlour_server::Listening;
use parlour_server::settings::{Door, Guests, Route};

use crate::remote;

/// Prints it.
pub(super) fn announce(out: &mut impl Write, listening: &Listening) -> io::Result<()> {
    let words = Words::of(listening);
    writeln!(out, "listening on {}://{}", words.http, listening.address)?;
    writeln!(out)?;
    let (what, room) = match &listening.settings.web_root {
        Some(_) => ("your pages", ""),
        None => ("the chat", "#general"),
    };
    writeln!(out, "Open {what} in a browser:")?;
    writeln!(out, "  {}/{room}", words.base)?;
    certificate(out, listening, &words)?;
    first_user(out, listening)?;
    terminal(out, listening, &words)?;
    if are_guests_let_in(listening) {
        guests(out, listening, &words)?;
    }
    free_doors(out, listening)?;
    writeln!(out, "Stop with Ctrl+C.")?;
    out.flush()
}

/// What stands in several lines.
struct Words {
    http: &'static str,
    /// Where a program on this machine finds the server.
    base: String,
    /// Quoted for a shell.
    curl: String,
    /// Whether a password on its way there could be read.
    is_overheard: bool,
}

impl Words {
    fn of(listening: &Listening) -> Self {
        let http = if listening.is_tls { "https" } else { "http" };
        let mut here = listening.address;
        if here.ip().is_unspecified() {
            // "Every address" is none that can be opened.
            here.set_ip(match here.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let trust = listening.self_signed.as_ref().map_or(String::new(), |own| {
            format!(" --cacert {}", quoted(&own.cert.display().to_string()))
        });
        Self {
            http,
            base: format!("{http}://{here}"),
            curl: format!("curl -s{trust} -X POST"),
            is_overheard: !listening.is_tls && !here.ip().to_canonical().is_loopback(),
        }
    }
}

fn certificate(out: &mut impl Write, listening: &Listening, words: &Words) -> io::Result<()> {
    let Some(own) = &listening.self_signed else {
        return Ok(());
    };
    writeln!(
        out,
        "The browser will warn, as nobody vouches for this certificate. Go on if it has this SHA-256:"
    )?;
    writeln!(out, "  {}", own.fingerprint)?;
    writeln!(out, "Programs trust it by its file:")?;
    let cert = quoted(&own.cert.display().to_string());
    writeln!(
        out,
        "  curl --cacert {cert} '{}{}'",
        words.base,
        listening.settings.paths.of(Route::Health)
    )
}

/// Where guests are at home everywhere, nobody needs an account to begin.
fn first_user(out: &mut impl Write, listening: &Listening) -> io::Result<()> {
    let settings = &listening.settings;
    let matters = listening.is_tls || settings.is_public() || settings.guests == Guests::Nobody;
    if listening.has_users || !matters {
        return Ok(());
    }
    let data = settings.data.display().to_string();
    let data = if data == "parlour-data" {
        String::new()
    } else {
        format!(" --data {}", quoted(&data))
    };
    writeln!(out, "There is no user yet; make one, in another terminal:")?;
    writeln!(out, "  parlour user add NAME{data}")
}

/// Whether somebody at this terminal gets in as a guest.
fn are_guests_let_in(listening: &Listening) -> bool {
    match listening.settings.guests {
        Guests::Everybody => true,
        Guests::Loopback => !listening.settings.is_public(),
        Guests::Nobody => false,
    }
}

/// The command that talks to this server.
fn terminal(out: &mut impl Write, listening: &Listening, words: &Words) -> io::Result<()> {
    let mut line = String::from("parlour chat");
    if words.base != remote::DEFAULT_URL {
        line.push_str(&format!(" --url {}", words.base));
    }
    if let Some(own) = &listening.self_signed {
        let cert = own.cert.display().to_string();
        line.push_str(&format!(" --ca {}", quoted(&cert)));
    }
    let paths = &listening.settings.paths;
    for (route, flag) in [
        (Route::Ws, "--ws-path"),
        (Route::Ticket, "--ticket-path"),
        (Route::Login, "--login-path"),
    ] {
        let path = paths.of(route);
        if *path != route.usual_path() {
            line.push_str(&format!(" {flag} {}", quoted(&path.to_string())));
        }
    }
    let who = if are_guests_let_in(listening) {
        "--as NAME"
    } else {
        "--user NAME"
    };
    let insecure = if words.is_overheard && !are_guests_let_in(listening) {
        " --insecure"
    } else {
        ""
    };
    writeln!(
        out,
        "Or talk from a terminal; in scripts, parlour pub and parlour sub:"
    )?;
    writeln!(out, "  {line} {who}{insecure}")
}

fn guests(out: &mut impl Write, listening: &Listening, words: &Words) -> io::Result<()> {
    let Words { base, curl, .. } = words;
    let ticket_path = listening.settings.paths.of(Route::Ticket);
    let time = listening.settings.door_limits.ticket_lifetime.as_secs_f64();
    writeln!(
        out,
        "Ask for a ticket, which opens one connection within {time} s:"
    )?;
    writeln!(out, "  {curl} '{base}{ticket_path}'")
}

/// The doors that ask for no ticket, as far as somebody finds them open.
fn free_doors(out: &mut impl Write, listening: &Listening) -> io::Result<()> {
    let settings = &listening.settings;
    let all = [
        (Door::Plain, Route::Plain, "plain text with nicknames"),
        (Door::Subscribe, Route::Subscribe, "what is published"),
        (Door::Publish, Route::Publish, "POST publishes it"),
        (Door::Echo, Route::Echo, "what you send"),
    ];
    let is_open = |door| !settings.is_public() || settings.doors.contains(&door);
    let open: Vec<_> = all
        .into_iter()
        .filter(|(door, ..)| is_open(*door))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let said = open
        .iter()
        .map(|(_, route, what)| format!("{} ({what})", settings.paths.of(*route)));
    writeln!(out, "Doors without a ticket:")?;
    writeln!(out, "  {}", said.collect::<Vec<_>>().join(", "))
}

/// For a shell.
fn quoted(path: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-".contains(it);
    if path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_pasted_into_a_shell() {
        for (path, shown) in [
            ("a/b.c-d", "a/b.c-d"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(path), shown);
        }
    }
}
