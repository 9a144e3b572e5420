//! Why settings do not do: one line each, which names the fix.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Setting;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody gave one.
    Default,
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Variable,
    /// The command line.
    Flag,
}

/// What is wrong with the settings. Its text is for the person who started the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value that cannot be read, or is out of range.
    #[error("{}: {reason}", .place)]
    Value {
        /// Where it stands and what it is called there.
        place: ValuePlace,
        /// What is wrong, and what to use instead.
        reason: String,
    },
    /// The file has a key that means nothing.
    #[error("{}:{line}: `{key}` is no setting; {}", path.display(), fix(.nearest.as_deref(), "parlour help serve tells all of them"))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What it may have meant.
        nearest: Option<&'static str>,
    },
    /// The environment has a variable that means nothing.
    #[error("{name} is no setting; {}", fix(.nearest.as_deref(), "unset it: variables that begin with PARLOUR_ are settings"))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// What it may have meant.
        nearest: Option<String>,
    },
    /// The environment has a setting that is no text.
    #[error("{0} is no UTF-8: give it a value that is")]
    NotUnicode(String),
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}; give --config a readable file", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("{}:{line}: {reason}; lines of the file look like: addr = \"127.0.0.1:8080\"", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the reader of TOML says.
        reason: String,
    },
    /// Settings that make no sense together.
    #[error("{0}")]
    Senseless(String),
}

/// What a value is called where it stands.
#[derive(Debug)]
pub struct ValuePlace {
    pub(super) flag: &'static str,
    pub(super) variable: String,
    pub(super) source: Source,
}

impl ValuePlace {
    pub(super) fn of(setting: &Setting, source: Source) -> Self {
        Self {
            flag: setting.flag(),
            variable: setting.variable(),
            source,
        }
    }
}

impl SettingsError {
    /// Whether the command line itself could not be understood, which has an exit status of its own.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Value { place, .. } if place.source == Source::Flag)
    }
}

impl fmt::Display for ValuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Default | Source::Flag => write!(f, "--{}", self.flag),
            Source::Variable => f.write_str(&self.variable),
            Source::File { path, line } => write!(f, "{}:{line}: {}", path.display(), self.flag),
        }
    }
}

fn fix(nearest: Option<&str>, otherwise: &str) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => otherwise.to_owned(),
    }
}
