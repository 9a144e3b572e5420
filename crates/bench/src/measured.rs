//! The server that is measured: found or started, and pinned away from the generator.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::BenchError;
use crate::counters::Counters;
use crate::cpu::{CpuClock, CpuReading, private_bytes};
use crate::dialect::Dialect;
use crate::pin::{self, Cores};
use crate::process::ServerProcess;
use crate::target::Target;

/// Which server is measured, and where it and the generator run.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServerOptions {
    /// Measure a server that is already running: its WebSocket door, such as
    /// ws://127.0.0.1:9000/ws. Without it a server is started for this run and ended after it.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Process of that server, to read what it costs.
    #[arg(long, requires = "url", value_name = "PID")]
    pub pid: Option<u32>,
    /// Program to start as `PROGRAM serve` [default: this one].
    #[arg(long, conflicts_with = "url", value_name = "PROGRAM")]
    pub server: Option<PathBuf>,
    /// One more option for the server that is started, such as a higher limit. May be repeated.
    #[arg(
        long = "server-arg",
        conflicts_with = "url",
        value_name = "OPTION",
        allow_hyphen_values = true
    )]
    pub server_args: Vec<OsString>,
    /// Cores of the server: 0, 0,2 or 4-7 [default: the first of two or more].
    #[arg(long, value_name = "CORES")]
    pub server_cores: Option<Cores>,
    /// Core of the generator, which needs one for itself [default: the second].
    #[arg(long, value_name = "CORE")]
    pub client_core: Option<Cores>,
}

/// The server that is measured, and the generator's place.
pub(crate) struct Measured {
    pub(crate) target: Target,
    pub(crate) pid: Option<u32>,
    pub(crate) clock: Option<CpuClock>,
    /// Cores of the server and core of the generator, if they are apart.
    pub(crate) cores: Option<[String; 2]>,
    /// Cores of the server, if they are known.
    pub(crate) server_cores: Option<Cores>,
    process: Option<ServerProcess>,
    _pinned: Option<pin::Pinned>,
}

impl Measured {
    /// Starts the server, or finds the one that runs, and pins the calling thread.
    pub(crate) fn start(options: &ServerOptions) -> Result<Self, BenchError> {
        Self::start_with(options, &[])
    }

    /// The same, with settings for a server that is started; the options' own come behind them.
    pub(crate) fn start_with(
        options: &ServerOptions,
        settings: &[&str],
    ) -> Result<Self, BenchError> {
        let usual = pin::usual();
        let server_cores = options
            .server_cores
            .clone()
            .or_else(|| usual.as_ref().map(|cores| cores.0.clone()));
        let client_core = options
            .client_core
            .clone()
            .or_else(|| usual.map(|cores| cores.1));
        let process = match &options.url {
            Some(_) => None,
            None => {
                let settings = settings.iter().map(OsString::from);
                let more: Vec<_> = settings
                    .chain(options.server_args.iter().cloned())
                    .collect();
                let cores = server_cores.as_ref();
                Some(ServerProcess::parlour(&options.program()?, &more, cores)?)
            }
        };
        let target = match (&process, &options.url) {
            (Some(process), _) => process.target().clone(),
            (None, url) => url.as_deref().unwrap_or_default().parse()?,
        };
        let pid = process.as_ref().map(ServerProcess::pid).or(options.pid);
        // A server that was running before is where its owner put it, unless told otherwise.
        let its_cores = match (pid, &options.url, &options.server_cores) {
            (Some(pid), Some(_), None) => Some(Cores::of_process(pid)?),
            _ => server_cores,
        };
        let clock = match (pid, &its_cores) {
            (Some(pid), Some(cores)) => Some(CpuClock::new(pid, cores)?),
            (Some(pid), None) => Some(CpuClock::new(pid, &Cores::of_process(pid)?)?),
            (None, _) => None,
        };
        let _pinned = client_core.as_ref().map(Cores::pin).transpose()?;
        let cores = match (&its_cores, client_core) {
            (Some(server), Some(client)) if server.apart_from(&client) => {
                Some([server.to_string(), client.to_string()])
            }
            _ => None,
        };
        Ok(Self {
            target,
            pid,
            clock,
            cores,
            server_cores: its_cores,
            process,
            _pinned,
        })
    }

    /// What is spoken at its door.
    pub(crate) fn speaking(mut self, dialect: Dialect) -> Self {
        self.target.dialect = dialect;
        self
    }

    /// Adds what the server said last to an error that it may explain.
    pub(crate) fn explain(&self, error: BenchError) -> BenchError {
        match (&self.process, error) {
            (Some(process), BenchError::Closed { connection, why }) => BenchError::Closed {
                connection,
                why: format!("{why}; its log ends with:\n{}", process.last_words()),
            },
            (_, error) => error,
        }
    }

    /// Private memory of the server, if its process is known.
    pub(crate) fn private(&self) -> Result<Option<u64>, BenchError> {
        self.pid.map(private_bytes).transpose()
    }

    /// The server's process.
    pub(crate) fn known_pid(&self) -> Result<u32, BenchError> {
        self.pid.ok_or_else(|| {
            let why = "--url needs --pid here: memory is read from the server's process";
            BenchError::Options(why.into())
        })
    }

    /// What the server has counted, if it tells.
    pub(crate) fn counters(&self) -> Option<Counters> {
        Counters::read(&self.target).ok()
    }

    /// The run time of the server up to now.
    pub(crate) fn run_time(&self) -> Result<Option<CpuReading>, BenchError> {
        self.clock.as_ref().map(CpuClock::read).transpose()
    }

    /// The run time since an earlier reading.
    pub(crate) fn run_time_since(
        &self,
        earlier: Option<&CpuReading>,
    ) -> Result<Option<Duration>, BenchError> {
        let now = self.run_time()?;
        let since = now.as_ref().zip(earlier);
        Ok(since.map(|(now, earlier)| Duration::from_nanos(now.since(earlier))))
    }
}

impl ServerOptions {
    /// The program that knows `serve`.
    pub(crate) fn program(&self) -> Result<PathBuf, BenchError> {
        match &self.server {
            Some(program) => Ok(program.clone()),
            None => std::env::current_exe().map_err(BenchError::system("finding the own program")),
        }
    }
}
