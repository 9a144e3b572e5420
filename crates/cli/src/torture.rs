//! `parlour torture …`: faults on purpose, and a verdict.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;
use parlour_torture::scenario::kill::KillOptions;
use parlour_torture::scenario::pause::PauseOptions;
use parlour_torture::scenario::{kill, pause};
use parlour_torture::{Report, TortureError};

/// What can be done to a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Torture {
    /// kill -9 at random moments, with publishes in flight
    #[command(after_help = KILL_HELP)]
    Kill(KillOptions),
    /// Stop the process for a minute, and let it go on
    #[command(after_help = PAUSE_HELP)]
    Pause(PauseOptions),
}

/// The help of `parlour torture`.
pub(crate) const HELP: &str = "\
Each scenario starts a server of its own on 127.0.0.1, with a data directory that is removed after it.
Clients publish and read all the time; one history checker looks at everything that they are told:

  no acknowledged entry is missing, none is there twice, none out of order, all readers have the
  same at the same position, and every hole has a notice.

Exit status: 0 all promises were kept; 1 one was broken, and the report names room and seq; 2 the run
saw too little to say so (INCONCLUSIVE), or this machine does not permit it.

Examples:
  parlour torture kill                      100 kills, some 6 minutes
  parlour torture kill --kills 25           as few as give a verdict
  parlour torture pause --json | jq .verdict
  parlour torture kill --seed 7             the same moments again";

const KILL_HELP: &str = "\
The server is killed while publishes are on their way, and started again on the same data. All clients
come back with their positions, first after up to 50 ms, then ever more slowly, up to 0.5 s; publishers
send again what was not answered, with the same id. One kill in eight comes while clients are still
coming back. At the end every room is read once more from its beginning.

It is INCONCLUSIVE with fewer than 20 kills that left publishes unanswered, 100,000 acknowledgements,
or a client that never had to come back.

Examples:
  parlour torture kill --kills 100 --preload 1000000
      A million entries are on disk before the first kill.
  parlour torture kill --server ./parlour-of-yesterday
      Another build of the server.";

const PAUSE_HELP: &str = "\
SIGSTOP, as a machine that is suspended or a debugger does it, then SIGCONT. Clients were not silent, the
server was: nobody may be thrown out, and what was published meanwhile is answered.

Examples:
  parlour torture pause --seconds 90
  parlour torture pause --url http://127.0.0.1:8080 --pid \"$(pidof parlour)\"
      A server that runs already. It stands still meanwhile!";

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Torture(#[from] TortureError),
    #[error("the result cannot be written: {0}; give standard output a reader")]
    Output(#[from] io::Error),
}

/// Does it, and prints the verdict.
pub(crate) fn run(torture: &Torture) -> Result<ExitCode, Failed> {
    let (report, json) = match torture {
        Torture::Kill(options) => (kill::run(options)?, options.common.json),
        Torture::Pause(options) => (pause::run(options)?, options.common.json),
    };
    print(&report, json)?;
    Ok(ExitCode::from(report.status()))
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", report.to_json())
    } else {
        writeln!(out, "{report}")
    }
}
