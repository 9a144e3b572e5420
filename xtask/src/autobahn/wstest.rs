//! The suite's client, one process per group of cases: it is one Python thread each, and as many run at
//! once as there are cores and one more.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::command;
use crate::error::ChoreError;

use super::environment::python_in;
use super::sections::Group;

/// A test run takes about a minute and a run of everything half an hour on two cores; a client that hangs
/// must not hang us.
const RUN_TIME_MAX: Duration = Duration::from_secs(5_400);

/// A line of progress after this many cases.
const PROGRESS_CASES: u32 = 50;

/// The installed suite.
pub(super) struct Wstest {
    python: PathBuf,
    script: PathBuf,
}

enum Progress {
    Case,
    Ended,
}

impl Wstest {
    /// Where an environment keeps it.
    pub(super) fn in_environment(environment: &Path) -> Self {
        Self {
            python: python_in(environment),
            script: environment.join("bin/wstest"),
        }
    }

    /// True when it has been installed.
    pub(super) fn is_there(&self) -> bool {
        self.python.exists() && self.script.exists()
    }

    /// Runs the groups; each leaves its reports in a folder of its own below `reports`.
    ///
    /// # Errors
    /// When a client cannot be started or the run takes too long. Failed cases are no error here.
    pub(super) fn run(
        &self,
        groups: &[Group],
        url: &str,
        reports: &Path,
    ) -> Result<(), ChoreError> {
        if reports.exists() {
            std::fs::remove_dir_all(reports).map_err(ChoreError::io("remove", reports))?;
        }
        let (sender, progress) = mpsc::sync_channel(64);
        let mut clients = Clients(Vec::new());
        let all: u32 = groups.iter().map(|group| group.cases).sum();
        println!("autobahn: {all} cases against {url}");
        let started = Instant::now();
        let (mut waiting, mut cases, mut running) = (groups.iter(), 0, 0);
        loop {
            while running < at_once()
                && let Some(group) = waiting.next()
            {
                let client = self.start(group, url, reports, sender.clone())?;
                clients.0.push(client);
                running += 1;
            }
            if running == 0 {
                return Ok(());
            }
            let left = RUN_TIME_MAX.saturating_sub(started.elapsed());
            match progress.recv_timeout(left) {
                Ok(Progress::Case) => {
                    cases += 1;
                    if cases % PROGRESS_CASES == 0 {
                        println!("autobahn: {cases} of {all} cases");
                    }
                }
                Ok(Progress::Ended) => running -= 1,
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {
                    return Err(too_long(reports));
                }
            }
        }
    }

    fn start(
        &self,
        group: &Group,
        url: &str,
        reports: &Path,
        progress: SyncSender<Progress>,
    ) -> Result<Child, ChoreError> {
        let folder = reports.join(group.label());
        std::fs::create_dir_all(&folder).map_err(ChoreError::io("make", &folder))?;
        let spec = folder.join("spec.json");
        let words = json!({
            "outdir": folder, "servers": [{"agent": "parlour", "url": url}],
            "cases": group.patterns(), "exclude-cases": [], "exclude-agent-cases": {},
        });
        std::fs::write(&spec, words.to_string()).map_err(ChoreError::io("write", &spec))?;
        let log = folder.join("wstest.log");
        let log_file = File::create(&log).map_err(ChoreError::io("write", &log))?;
        let errors = log_file
            .try_clone()
            .map_err(ChoreError::io("write", &log))?;

        let mut client = Command::new(&self.python);
        client
            .arg("-u")
            .arg(&self.script)
            .args(["--mode", "fuzzingclient", "--spec"])
            .arg(&spec);
        client.env("PYTHONWARNINGS", "ignore").current_dir(&folder);
        client
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let mut child = client
            .spawn()
            .map_err(|source| command::not_started(&client, source))?;
        let stdout = child
            .stdout
            .take()
            .expect("stdout was piped two lines above");
        std::thread::spawn(move || follow(BufReader::new(stdout), log_file, &progress));
        Ok(child)
    }
}

fn at_once() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) + 1
}

/// Copies the client's output to its log and tells of every case.
fn follow(output: impl BufRead, mut log: File, progress: &SyncSender<Progress>) {
    for line in output.lines().map_while(Result::ok) {
        let _ = writeln!(log, "{line}");
        if line.starts_with("Running test case ID") {
            let _ = progress.send(Progress::Case);
        }
    }
    let _ = progress.send(Progress::Ended);
}

/// Clients that end with this value.
struct Clients(Vec<Child>);

impl Drop for Clients {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Those that ended by themselves only have to be waited for.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn too_long(reports: &Path) -> ChoreError {
    ChoreError::Found(format!(
        "autobahn did not end within {} s; its logs are below {}",
        RUN_TIME_MAX.as_secs(),
        reports.display()
    ))
}
