//! Bars on standard error for people; nothing for pipes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, sleep};

/// Draws per second: each takes some 50 µs from the clients.
const DRAWS: u8 = 4;
/// Between two looks at a bar of time.
const STEP: Duration = Duration::from_millis(100);

/// Whether to show that work goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show(bool);

impl Show {
    pub(crate) fn for_people(json: bool) -> Self {
        Self(!json)
    }

    /// A bar that counts.
    pub(crate) fn count(self, what: &'static str, total: u64) -> ProgressBar {
        self.bar(
            what,
            total,
            "{prefix:14} {bar:30} {human_pos}/{human_len} {msg}",
        )
    }

    /// Waits, and shows how long it takes. `each` is called ten times a second.
    pub(crate) async fn wait(self, what: &'static str, total: Duration, mut each: impl FnMut()) {
        let bar = self.bar(
            what,
            total.as_millis() as u64,
            "{prefix:14} {bar:30} {elapsed} {msg}",
        );
        let began = Instant::now();
        while let Some(left) = total
            .checked_sub(began.elapsed())
            .filter(|it| !it.is_zero())
        {
            sleep(left.min(STEP)).await;
            bar.set_position(began.elapsed().as_millis() as u64);
            each();
        }
        bar.finish_and_clear();
    }

    fn bar(self, what: &'static str, total: u64, template: &str) -> ProgressBar {
        if !self.0 {
            return ProgressBar::hidden();
        }
        // Hidden by itself where standard error is no terminal.
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS);
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.with_prefix(what)
    }
}
