//! Bars on standard error for people; nothing for pipes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Draws per second: each draw takes some 50 µs from the generator.
const DRAWS: u8 = 4;

/// Whether and how to show that work goes on.
#[derive(Debug, Clone, Copy)]
pub struct Show(bool);

impl Show {
    /// Shows bars if standard error is a terminal and `json` was not asked for.
    #[must_use]
    pub fn for_people(json: bool) -> Self {
        Self(!json)
    }

    /// Shows nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self(false)
    }

    pub(crate) fn count(self, what: &'static str, total: usize) -> ProgressBar {
        self.bar(
            what,
            total as u64,
            "{msg:10} {bar:30} {human_pos}/{human_len} {per_sec}",
        )
    }

    pub(crate) fn time(self, what: &'static str, total: Duration) -> ProgressBar {
        self.bar(
            what,
            total.as_millis() as u64,
            "{msg:10} {bar:30} {elapsed}",
        )
    }

    fn bar(self, what: &'static str, total: u64, template: &str) -> ProgressBar {
        if !self.0 {
            return ProgressBar::hidden();
        }
        // Hidden by itself where standard error is no terminal.
        let bar =
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(DRAWS));
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.with_message(what)
    }
}
