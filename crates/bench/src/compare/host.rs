//! Where it was measured.

use std::fs;

use serde::Serialize;

use crate::BenchError;
use crate::durable::machine::{first_number, processor};
use crate::pin::{self, Cores};

/// What the figures depend on. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Host {
    /// Cores that this process may use.
    pub cores: usize,
    /// What the processor calls itself.
    pub processor: String,
    /// The kernel's release.
    pub kernel: String,
    /// How TCP avoids congestion: it has a price too.
    pub congestion_control: String,
    /// Runnable processes on average over the last minute, before the run.
    pub load_before: f64,
    /// The core of the servers.
    pub server_cores: String,
    /// The core of the generators.
    pub client_core: String,
}

impl Host {
    pub(super) fn read(server: &Cores, client: &Cores) -> Result<Self, BenchError> {
        let line = |path: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.trim().to_owned()
        };
        Ok(Self {
            cores: pin::allowed()?.numbers().len(),
            processor: processor(&line("/proc/cpuinfo")),
            kernel: line("/proc/sys/kernel/osrelease"),
            congestion_control: line("/proc/sys/net/ipv4/tcp_congestion_control"),
            load_before: first_number(&line("/proc/loadavg")).unwrap_or(f64::NAN),
            server_cores: server.to_string(),
            client_core: client.to_string(),
        })
    }

    /// One sentence.
    pub(super) fn words(&self) -> String {
        format!(
            "{} cores of {}, Linux {}, TCP {}, load {:.2} before the run; servers on core {}, generators on core {}",
            self.cores,
            self.processor,
            self.kernel,
            self.congestion_control,
            self.load_before,
            self.server_cores,
            self.client_core
        )
    }
}
