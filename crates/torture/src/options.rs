//! What all scenarios can be told.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::TortureError;
use crate::progress::Show;
use crate::random::{Chance, unforeseeable};
use crate::server::Server;
use crate::target::Target;

/// Options of every scenario.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Common {
    /// With the same seed the faults come at the same moments [default: another one each time].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Print the report as one line of JSON, and no progress.
    #[arg(long)]
    pub json: bool,
    /// Program to start as `PROGRAM serve` [default: this one].
    #[arg(long, value_name = "PROGRAM")]
    pub server: Option<PathBuf>,
    /// One more option for the server that is started, such as --server-arg=--ping-interval=5s.
    /// May be repeated.
    #[arg(long = "server-arg", value_name = "OPTION", allow_hyphen_values = true)]
    pub server_args: Vec<OsString>,
}

/// A server that runs already.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Remote {
    /// Torture a server that is already running: its plain address, such as http://127.0.0.1:8080.
    /// It must let guests in. Without it a server is started for this run and ended after it.
    #[arg(long, value_name = "URL", conflicts_with_all = ["server", "server_args"])]
    pub url: Option<String>,
    /// Process of that server.
    #[arg(long, requires = "url", value_name = "PID")]
    pub pid: Option<u32>,
}

/// A server of this run, or one that was there.
pub(crate) struct Place {
    pub(crate) server: Option<Server>,
    pub(crate) target: Target,
    pub(crate) pid: Option<u32>,
}

impl Common {
    pub(crate) fn seed(&self) -> u64 {
        // Short enough to be typed again.
        self.seed.unwrap_or_else(|| unforeseeable() >> 32)
    }

    pub(crate) fn show(&self) -> Show {
        Show::for_people(self.json)
    }

    pub(crate) fn program(&self) -> Result<PathBuf, TortureError> {
        match &self.server {
            Some(program) => Ok(program.clone()),
            None => {
                std::env::current_exe().map_err(TortureError::system("finding the own program"))
            }
        }
    }

    /// Prepares a server of this run.
    pub(crate) fn prepare(&self, chance: &mut Chance) -> Result<Server, TortureError> {
        Server::prepare(&self.program()?, &self.server_args, chance)
    }

    /// Starts a server of this run, or finds the one that is there.
    pub(crate) async fn place(
        &self,
        remote: &Remote,
        chance: &mut Chance,
    ) -> Result<Place, TortureError> {
        if let Some(url) = &remote.url {
            return Ok(Place {
                server: None,
                target: url.parse()?,
                pid: remote.pid,
            });
        }
        let mut server = self.prepare(chance)?;
        server.start().await?;
        Ok(Place {
            target: server.target().clone(),
            pid: server.pid(),
            server: Some(server),
        })
    }
}

/// Reads a number of seconds, such as `0.5`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("it must be a number of seconds from 0 to 86400, such as 0.5".into()),
    }
}

/// Runs a scenario on a runtime of its own, until its end or Ctrl+C.
pub(crate) fn run<T>(
    scenario: impl Future<Output = Result<T, TortureError>>,
) -> Result<T, TortureError> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(TortureError::system("starting the runtime"))?;
    runtime.block_on(async {
        tokio::select! {
            result = scenario => result,
            // Leaving this way, too, ends the server and removes what belongs to the run.
            _ = tokio::signal::ctrl_c() => Err(TortureError::Interrupted),
        }
    })
}

/// Raises the soft limit of open files as far as it goes, and gives it.
pub(crate) fn open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    let holds = if is_raised {
        limit.maximum
    } else {
        limit.current
    };
    holds.unwrap_or(u64::MAX)
}
