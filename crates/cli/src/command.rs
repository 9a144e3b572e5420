//! What can be typed.

use clap::{Parser, Subcommand};

use crate::bench::{self, Bench};
use crate::chat::{self, ChatArguments};
use crate::publish::{self, PubArguments};
use crate::room::{self, Room};
use crate::serve::ServeArguments;
use crate::subscribe::{self, SubArguments};
use crate::torture::{self, Torture};
use crate::user::{self, User};
use crate::version::version;

/// Rooms in which nothing that was acknowledged is lost
#[derive(Debug, Parser)]
#[command(name = "parlour", version = version(), after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  parlour serve                       serve on http://127.0.0.1:8080, and say what to open
  parlour serve --addr 127.0.0.1:0    the same on any free port
  parlour chat --as kim               talk in the room general, as a guest
  parlour pub den 'hello'             say one thing in the room den
  parlour sub den                     print what is said there, one JSON object a line
  parlour user add ann                let ann sign in; asks for the password
  parlour room list                   which rooms are on disk, and how large they are
  parlour bench fanout                measure a server that is started for it
  parlour torture kill                kill a server 100 times, and look for what is lost
  parlour help serve                  every setting of the server";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: chat page, WebSocket doors, accounts
    ///
    /// It runs until SIGINT (Ctrl+C) or SIGTERM; then it closes every client with code 1001 and exits with
    /// status 0 within --shutdown-timeout. A second signal stops it at once. SIGHUP makes it read its
    /// certificate again; without one it means to stop.
    ///
    /// Every setting can also be a variable or a line of a file; a flag wins over a variable, a variable
    /// over the file, the file over the default. Sizes are bytes or have a unit (64KiB, 1MiB), times are
    /// seconds or have a unit (500ms, 5s, 10m).
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArguments),
    /// Talk in rooms, line by line
    #[command(after_help = chat::HELP)]
    Chat(ChatArguments),
    /// Publish to a room: a text, or each line of standard input
    #[command(after_help = publish::HELP)]
    Pub(PubArguments),
    /// Print what is said in a room, one JSON object a line
    #[command(after_help = subscribe::HELP)]
    Sub(SubArguments),
    /// Add, list and remove who may sign in
    #[command(subcommand, after_help = user::EXAMPLES)]
    User(User),
    /// List, show, verify and trim the rooms that are on disk
    #[command(subcommand, after_help = room::EXAMPLES)]
    Room(Room),
    /// Measure a server from outside
    #[command(subcommand, after_help = bench::HELP)]
    Bench(Bench),
    /// Kill, stop and starve a server, and check that nothing was lost
    #[command(subcommand, after_help = torture::HELP)]
    Torture(Torture),
}

const SERVE_EXAMPLES: &str = "\
Examples:
  parlour serve
      Serve on http://127.0.0.1:8080 with data in ./parlour-data.
  parlour serve --addr '[::1]:9000' --data /var/lib/parlour
      Serve on another port, with data elsewhere.
  parlour serve --addr 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
      Serve everybody who has an account; make users with `parlour user add NAME`.
  parlour serve --tls self-signed
      Try https and wss on this machine.
  parlour serve --config parlour.toml --print-config
      Say what holds, and where each value comes from.
  parlour serve --max-message-bytes 512 --log parlour=debug,info --log-format json
      Take small messages only, and log more, as JSON.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
