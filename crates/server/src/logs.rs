//! The log, on stderr. No line may hold a ticket, or the query of a URI, where tickets travel.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::ServeError;
use crate::settings::LogFormat;

/// Turns the log of this process on. A log that is on already stays as it is.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), ServeError> {
    let parsed = EnvFilter::try_new(filter).map_err(|error| ServeError::BadLogFilter {
        filter: filter.into(),
        reason: error.to_string(),
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        // Said with `eprintln!`, which panics where standard error cannot be written: on a full disk, with
        // the log on it too, a thread would end that has just told of it.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    let _ = match format {
        LogFormat::Text => log.with_ansi(is_coloured()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    Ok(())
}

fn is_coloured() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}
