//! Where a result goes: a table for people, JSON for programs, a plot for pages.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::BenchError;
use crate::progress::Show;

/// Where a result goes beside the table.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Output {
    /// Write the figures to this file, as one line of JSON. `-`, or no name, is standard output,
    /// which then has nothing else, and no progress is shown.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
    /// Draw the figures into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

impl Output {
    /// JSON on standard output, and nothing else.
    #[must_use]
    pub fn piped() -> Self {
        Self {
            json: Some("-".into()),
            plot: None,
        }
    }

    /// Whether standard output is for the JSON and not for the table.
    #[must_use]
    pub fn is_piped(&self) -> bool {
        self.json.as_deref() == Some(Path::new("-"))
    }

    /// Progress, unless a program reads along.
    #[must_use]
    pub fn show(&self) -> Show {
        Show::for_people(self.is_piped())
    }

    /// The file of the JSON, if it is one.
    #[must_use]
    pub fn json_file(&self) -> Option<&Path> {
        self.json.as_deref().filter(|_| !self.is_piped())
    }

    /// Refuses files that have no folder, before anything is measured for them.
    ///
    /// # Errors
    /// [`BenchError::Options`], which names the file.
    pub fn check(&self) -> Result<(), BenchError> {
        for file in self.json_file().into_iter().chain(self.plot.as_deref()) {
            let folder = match file.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            if !folder.is_dir() {
                return Err(BenchError::Options(format!(
                    "{} cannot be written: there is no folder {}",
                    file.display(),
                    folder.display()
                )));
            }
        }
        Ok(())
    }
}

/// A result as people, programs and pages want it: shown it is a table.
pub trait Outcome: fmt::Display + Serialize {
    /// The figures as JSON in one line.
    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and strings always become JSON")
    }

    /// The figures as a picture.
    fn svg(&self) -> String;

    /// What is over its limit, in words.
    fn failures(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        output: Output,
    }

    fn output(words: &[&str]) -> Output {
        Line::try_parse_from([&["bench"], words].concat())
            .unwrap()
            .output
    }

    #[test]
    fn json_without_a_name_is_standard_output() {
        for words in [&["--json"][..], &["--json", "-"], &["--json=-"]] {
            let output = output(words);
            assert!(output.is_piped() && output.json_file().is_none());
        }
        let file = output(&["--json", "figures.json"]);
        assert_eq!(file.json_file(), Some(Path::new("figures.json")));
        assert!(!output(&[]).is_piped());
    }

    #[test]
    fn a_file_without_a_folder_is_refused_before_the_run() {
        assert!(output(&["--json", "figures"]).check().is_ok());
        assert!(output(&["--json"]).check().is_ok());
        let error = output(&["--plot", "no/such/folder/plot.svg"]).check();
        assert!(error.unwrap_err().to_string().contains("no/such/folder"));
    }
}
