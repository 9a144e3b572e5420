//! `parlour torture …`: faults on purpose, and a verdict.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;
use parlour_torture::scenario::clock::ClockOptions;
use parlour_torture::scenario::disk_full::DiskFullOptions;
use parlour_torture::scenario::kill::KillOptions;
use parlour_torture::scenario::pause::PauseOptions;
use parlour_torture::scenario::slow_readers::SlowReadersOptions;
use parlour_torture::scenario::storm::StormOptions;
use parlour_torture::scenario::{clock, disk_full, kill, pause, slow_readers, storm};
use parlour_torture::{Report, TortureError};

use crate::harmless::harmless;

/// What can be done to a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Torture {
    /// kill -9 at random moments, with publishes in flight
    #[command(after_help = KILL_HELP)]
    Kill(KillOptions),
    /// Stop the process for a minute, and let it go on
    #[command(after_help = PAUSE_HELP)]
    Pause(PauseOptions),
    /// Readers that take nothing, beside others that must not notice
    #[command(after_help = SLOW_READERS_HELP)]
    SlowReaders(SlowReadersOptions),
    /// Kill the server under ten thousand signed-in clients, and let all of them come back
    #[command(after_help = STORM_HELP)]
    Storm(StormOptions),
    /// Let the server's wall clock jump by hours and days, forwards and back
    #[command(after_help = CLOCK_HELP)]
    Clock(ClockOptions),
    /// Fill the server's disk, and free it again
    #[command(after_help = DISK_FULL_HELP)]
    DiskFull(DiskFullOptions),
}

/// The help of `parlour torture`.
pub(crate) const HELP: &str = "\
Each scenario starts a server of its own on 127.0.0.1, with a data directory that is removed
after it. Clients publish and read all the time; one history checker looks at everything that
they are told:

  no acknowledged entry is missing, none is there twice, none out of order, all readers have the
  same at the same position, and every hole has a notice.

Exit status: 0 all promises were kept; 1 one was broken, and the report names room and seq; 2
the run saw too little to say so (INCONCLUSIVE), or this machine does not permit it. A server
that does not start or ends by itself is 1, too.

Examples:
  parlour torture kill                      100 kills, some 6 minutes
  parlour torture kill --kills 25           as few as give a verdict
  parlour torture pause --json | jq .verdict
  parlour torture kill --seed 7             the same moments again";

const KILL_HELP: &str = "\
The server is killed while publishes are on their way, and started again on the same data. All
clients come back with their positions, first after up to 50 ms, then ever more slowly, up to
0.5 s; publishers send again what was not answered, with the same id. One kill in eight comes
while clients are still coming back. At the end every room is read once more from its
beginning.

It is INCONCLUSIVE with fewer than 20 kills that left publishes unanswered, 100,000
acknowledgements, or a client that never had to come back.

Examples:
  parlour torture kill --kills 100 --preload 1000000
      A million entries are on disk before the first kill.
  parlour torture kill --server ./parlour-of-yesterday
      Another build of the server.";

const PAUSE_HELP: &str = "\
SIGSTOP, as a machine that is suspended or a debugger does it, then SIGCONT. Clients were not
silent, the server was: nobody may be thrown out, and what was published meanwhile is answered.

Examples:
  parlour torture pause --seconds 90
  parlour torture pause --url http://127.0.0.1:8080 --pid \"$(pidof parlour)\"
      A server that runs already. It stands still meanwhile!";

const SLOW_READERS_HELP: &str = "\
One room. In turn the slow readers are away, which is the baseline, and in the room without
reading anything. The p99 of the others, from publish to delivery, may be 1.15 times the
baseline's (median of the rounds); the server may grow by 256 KiB for each slow reader and 10
MB more than it does without. When the slow ones read again, each gets all of it, or a notice
of what is no longer kept.

Examples:
  parlour torture slow-readers
  parlour torture slow-readers --url http://127.0.0.1:8080 --pid \"$(pidof parlour)\"";

const STORM_HELP: &str = "\
Users are made with `parlour user add`, each signs in once, and its clients share the session,
as the tabs of a browser do. Then the server is killed and started again: each client asks for
a ticket with its session, after 1.5 s at most, and comes back with its position. All must be
complete within 30 s, without a password; the server's memory on the way may be 1.3 times what
it was.

It is INCONCLUSIVE with fewer than 10,000 clients, which take as many open files here and
there.

Examples:
  parlour torture storm
  parlour torture storm --clients 2000 --json";

const CLOCK_HELP: &str = "\
The clock is changed for the server alone, by libfaketime (Debian: apt install faketime);
without it the run is INCONCLUSIVE. Nobody may be thrown out, no entry may expire, no ticket
may count twice.

Examples:
  parlour torture clock
  parlour torture clock --faketime /opt/lib/libfaketimeMT.so.1";

const DISK_FULL_HELP: &str = "\
The data directory is on a small tmpfs, which takes the right to mount (root); without it the
run is INCONCLUSIVE. Publishes fill it: they must be refused as disk_full within 1 s, while a
volatile room goes on. Then half of it is freed, and service must be back within 5 s, without a
restart.

Examples:
  sudo parlour torture disk-full
  sudo parlour torture disk-full --disk 256 --seconds 30";

/// Does it, and prints the verdict.
pub(crate) fn run(torture: &Torture) -> io::Result<ExitCode> {
    let (report, json) = match torture {
        Torture::Kill(options) => (kill::run(options), options.common.json),
        Torture::Pause(options) => (pause::run(options), options.common.json),
        Torture::SlowReaders(options) => (slow_readers::run(options), options.common.json),
        Torture::Storm(options) => (storm::run(options), options.common.json),
        Torture::Clock(options) => (clock::run(options), options.common.json),
        Torture::DiskFull(options) => (disk_full::run(options), options.common.json),
    };
    let status = match report {
        Ok(report) => {
            print(&report, json)?;
            report.status()
        }
        Err(error) => {
            tell(&error);
            error.status()
        }
    };
    Ok(ExitCode::from(status))
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", report.to_json())
    } else {
        writeln!(out, "{}", shown(&report.to_string()))
    }
}

/// Line by line, as rooms and words of a server stand in it.
fn shown(report: &str) -> String {
    let lines: Vec<String> = report.lines().map(harmless).collect();
    lines.join("\n")
}

/// An error with what the server's log said last, on lines of their own.
fn tell(error: &TortureError) {
    let _ = writeln!(io::stderr(), "parlour: {}", shown(&error.to_string()));
}
