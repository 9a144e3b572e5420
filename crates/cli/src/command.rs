//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use parlour_server::{LogFormat, ServeOptions};

use crate::bench::Bench;

/// Rooms in which nothing that was acknowledged is lost
#[derive(Debug, Parser)]
#[command(name = "parlour", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  parlour serve                       serve on http://127.0.0.1:8080, and say what to open
  parlour serve --addr 127.0.0.1:0    the same on any free port
  parlour bench fanout                measure a server that is started for it
  parlour help serve                  every setting of the server";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: chat page, WebSocket doors, guest tickets
    Serve(ServeArguments),
    /// Measure a server from outside
    #[command(subcommand)]
    Bench(Bench),
}

/// Runs until SIGINT (Ctrl+C) or SIGTERM; then closes every client with code 1001 and exits with
/// status 0 within 10 seconds. A second signal stops it at once.
#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArguments {
    /// Where to listen: IP:PORT on loopback. Port 0 picks a free one, which is then printed
    #[arg(
        long,
        value_name = "IP:PORT",
        env = "PARLOUR_ADDR",
        default_value = "127.0.0.1:8080"
    )]
    addr: String,
    /// Data directory, made for this user alone; one server at a time can use it
    #[arg(
        long,
        value_name = "DIR",
        env = "PARLOUR_DATA",
        default_value = "parlour-data"
    )]
    data: PathBuf,
    /// Largest message of a client, in bytes; a larger one ends its connection with code 1009
    #[arg(
        long,
        value_name = "N",
        env = "PARLOUR_MAX_MESSAGE_BYTES",
        default_value_t = 65536
    )]
    max_message_bytes: usize,
    /// What to log on stderr: error, warn, info, debug, trace, also by part (parlour=debug,info)
    #[arg(
        long,
        value_name = "FILTER",
        env = "PARLOUR_LOG",
        default_value = "info"
    )]
    log: String,
    /// Form of the log
    #[arg(long, value_enum, env = "PARLOUR_LOG_FORMAT", default_value = "text")]
    log_format: Format,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  parlour serve
      Serve on http://127.0.0.1:8080 with data in ./parlour-data.
  parlour serve --addr '[::1]:9000' --data /var/lib/parlour
      Serve on another port, with data elsewhere.
  parlour serve --max-message-bytes 512 --log parlour=debug,info --log-format json
      Take small messages only, and log more, as JSON.";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

impl ServeArguments {
    pub(crate) fn options(&self) -> ServeOptions {
        ServeOptions {
            address: self.addr.clone(),
            data: self.data.clone(),
            message_bytes_max: self.max_message_bytes,
            log: self.log.clone(),
            log_format: match self.log_format {
                Format::Text => LogFormat::Text,
                Format::Json => LogFormat::Json,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_server() {
        let Command::Serve(arguments) = Cli::parse_from(["parlour", "serve"]).command else {
            panic!("serve is the command");
        };
        let (typed, default) = (arguments.options(), ServeOptions::default());
        assert_eq!(format!("{typed:?}"), format!("{default:?}"));
    }
}
