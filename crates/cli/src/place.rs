//! Which data directory a command is about.

use std::path::PathBuf;

use clap::Args;
use parlour_server::settings::{self, SettingsError};

/// Where the data is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Data directory of the server [default: parlour-data]
    ///
    /// Variable: PARLOUR_DATA
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// TOML file of the server, which may say where its data is
    ///
    /// --data wins over PARLOUR_DATA, which wins over the file. Nothing else in the file is used.
    ///
    /// Variable: PARLOUR_CONFIG
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The data directory that was found.
pub(crate) struct Data(pub(crate) PathBuf);

impl Place {
    pub(crate) fn found(&self) -> Result<Data, SettingsError> {
        if let Some(data) = &self.data {
            return Ok(Data(data.clone()));
        }
        let given = settings::Given {
            config: self.config.clone(),
            variables: std::env::vars_os().collect(),
            ..settings::Given::default()
        };
        given.data().map(Data)
    }
}

impl Data {
    /// To be pasted behind a command.
    pub(crate) fn flag(&self) -> String {
        let data = self.0.display().to_string();
        if data == "parlour-data" {
            return String::new();
        }
        format!(" --data {}", quoted(&data))
    }
}

/// For a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:+,".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_into_a_shell_is_quoted() {
        assert_eq!(quoted("ann.b-c"), "ann.b-c");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}
