//! `parlour serve`: what it prints.

use std::io::{self, Write};
use std::net::SocketAddr;

use parlour_server::ServeError;

use crate::command::ServeArguments;

/// Serves until a signal.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), ServeError> {
    parlour_server::serve(&arguments.options(), |address| {
        // Nobody may be reading; that is no reason not to serve.
        let _ = announce(&mut io::stdout().lock(), address);
    })
}

/// The first line is for scripts and stays as it is; the others are for people.
fn announce(out: &mut impl Write, address: SocketAddr) -> io::Result<()> {
    writeln!(out, "listening on http://{address}")?;
    writeln!(out)?;
    writeln!(out, "Open the chat in a browser:")?;
    writeln!(out, "  http://{address}/#general")?;
    writeln!(
        out,
        "Ask for a ticket, which opens one connection within 5 s:"
    )?;
    writeln!(out, "  curl -s -X POST 'http://{address}/ticket'")?;
    writeln!(
        out,
        "Chat from a terminal (apt install python3-websockets); paste the second line once it is \
         connected:"
    )?;
    writeln!(
        out,
        "  python3 -m websockets \"ws://{address}/ws?otp=$(curl -s -X POST 'http://{address}/ticket' \
         | cut -d'\"' -f4)\""
    )?;
    writeln!(
        out,
        r#"  {{"type":"send_message","payload":{{"message":"hello"}}}}"#
    )?;
    writeln!(out, "Stop with Ctrl+C.")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_are_what_scripts_and_people_look_for() {
        let mut out = Vec::new();
        announce(&mut out, "127.0.0.1:8080".parse().unwrap()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("listening on http://127.0.0.1:8080\n"));
        assert!(text.contains("\n  http://127.0.0.1:8080/#general\n"));
    }
}
