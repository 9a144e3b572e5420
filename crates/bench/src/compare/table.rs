//! A comparison for people: on a terminal, and as the tables of a document.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use crate::BenchError;
use crate::compare::report::{CellReport, Comparison, FigureReport, Side};
use crate::dialect::Dialect;
use crate::tables::{grouped, rounded};

/// What stands before the figures in a document.
const BEGIN: &str = "<!-- figures: begin -->\n";
/// What stands behind them.
const END: &str = "<!-- figures: end -->";
/// What a reader of the document is told who cannot see the plot.
const TITLE: &str = "Parlour's cost over that of others in the same round";
/// Utilisation below which a phase says little: the server was kept from running.
const ENOUGH: f64 = 0.5;
/// Share of the time above which the generator may have been the limit.
const BUSY: f64 = 0.95;
/// Load above which somebody else was at work.
const QUIET: f64 = 0.5;

fn number(value: f64) -> String {
    rounded(Some(value))
}

fn verdict(figure: &FigureReport) -> &'static str {
    match figure.passed {
        Some(true) => "pass",
        Some(false) => "FAIL",
        None => "",
    }
}

impl Comparison {
    /// Quartiles, or nothing where there is one value only.
    fn spread(&self, figure: &FigureReport) -> String {
        let value = &figure.value;
        if value.lower == value.upper {
            return String::new();
        }
        format!("{} to {}", number(value.lower), number(value.upper))
    }

    fn warnings(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.shrink > 1 {
            all.push(format!(
                "the connections of each cell were divided by {}: nothing here is a measurement",
                self.shrink
            ));
        }
        if self.machine.load_before > QUIET {
            all.push(format!(
                "the machine was not quiet: its load was {:.2} before the run",
                self.machine.load_before
            ));
        }
        all
    }

    /// The comparison as tables of Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "{}. {} rounds, phases of {} s, {} bytes of text.\n",
            capital(&self.machine.words()),
            self.rounds,
            self.phase_seconds,
            self.payload_bytes
        );
        for warning in self.warnings() {
            let _ = writeln!(out, "**{}.**\n", capital(&warning));
        }
        let _ = writeln!(
            out,
            "| figure | of | over | median | quartiles | gate | |\n|---|---|---|---|---|---|---|"
        );
        for figure in &self.figures {
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} | {} | {} | {} |",
                figure.name,
                figure.figure,
                figure.over,
                number(figure.value.median),
                self.spread(figure),
                gate(figure),
                verdict(figure)
            );
        }
        for cell in &self.cells {
            let _ = writeln!(
                out,
                "\n**{}**, {}\n\n\
                 | | CPU, µs | best | deliveries/s | K | sends per delivery | bytes | p50, ms | p99, ms | cores used | generator, µs |\n\
                 |---|---|---|---|---|---|---|---|---|---|---|",
                cell.cell.title(),
                door(cell.dialect)
            );
            for side in &cell.sides {
                let words: Vec<String> = figures(side).to_vec();
                let _ = writeln!(out, "| {} | {} |", side.contender.name(), words.join(" | "));
            }
        }
        out
    }

    /// Puts the tables into a document, between its two markers, and in front of them the plot, if
    /// it is in the same folder.
    ///
    /// # Errors
    /// When it cannot be read or written, or has no such markers.
    pub fn write_into(&self, path: &Path, plot: Option<&Path>) -> Result<(), BenchError> {
        let failed = || format!("putting the figures into {}", path.display());
        let text = fs::read_to_string(path).map_err(BenchError::system(failed()))?;
        let picture = plot
            .filter(|plot| plot.parent() == path.parent())
            .and_then(Path::file_name)
            .map(|name| format!("![{TITLE}]({})\n\n", name.to_string_lossy()));
        let figures = picture.unwrap_or_default() + &self.to_markdown();
        let text = with_figures(path, &text, &figures)?;
        fs::write(path, text).map_err(BenchError::system(failed()))
    }
}

/// Whether a document has a place for figures.
///
/// # Errors
/// When it has none or cannot be read.
pub(super) fn check(path: &Path) -> Result<(), BenchError> {
    let failed = || format!("reading {}", path.display());
    let text = fs::read_to_string(path).map_err(BenchError::system(failed()))?;
    with_figures(path, &text, "").map(drop)
}

fn with_figures(path: &Path, document: &str, figures: &str) -> Result<String, BenchError> {
    between(document, figures).ok_or_else(|| {
        BenchError::Options(format!(
            "{} has no place for the figures: it needs the lines `{}` and `{END}`",
            path.display(),
            BEGIN.trim()
        ))
    })
}

/// The document with other figures.
fn between(document: &str, figures: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn door(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Events => "events door",
        Dialect::V1 => "`parlour.v1`",
    }
}

fn gate(figure: &FigureReport) -> String {
    match (figure.limit, figure.judged_by) {
        (Some(limit), Some(judged_by)) => format!("{judged_by} ≤ {}", short(limit)),
        _ => String::new(),
    }
}

fn short(limit: f64) -> String {
    if limit >= 100.0 {
        grouped(limit as u64)
    } else {
        format!("{limit:.2}")
    }
}

/// What a server did in a cell, as in the headings.
fn figures(side: &Side) -> [String; 10] {
    [
        number(side.cpu_us_per_delivery),
        number(side.best_cpu_us_per_delivery),
        number(side.deliveries_per_second),
        number(side.frames_per_read),
        rounded(side.sends_per_delivery),
        number(side.bytes_per_delivery),
        number(side.p50_ms),
        number(side.p99_ms),
        number(side.utilisation),
        number(side.generator_us_per_delivery),
    ]
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine.words())?;
        writeln!(
            f,
            "{} rounds, phases of {} s, {} bytes of text; medians, CPU in us per delivery",
            self.rounds, self.phase_seconds, self.payload_bytes
        )?;
        for warning in self.warnings() {
            writeln!(f, "note: {warning}")?;
        }
        for cell in &self.cells {
            cell.write(f)?;
        }
        writeln!(f)?;
        let names = self.figures.iter().map(|it| it.name.len()).max();
        for figure in &self.figures {
            let line = format!(
                "{:names$} {:>7}  {:14} {:23} {}",
                figure.name,
                number(figure.value.median),
                self.spread(figure),
                gate(figure),
                verdict(figure),
                names = names.unwrap_or(0)
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl CellReport {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEADINGS: [&str; 10] = [
            "CPU", "best", "deliv./s", "K", "sends/d", "bytes", "p50 ms", "p99 ms", "cores",
            "gen. us",
        ];
        writeln!(f, "\n{} ({})", self.cell.title(), self.dialect.name())?;
        write!(f, "  {:18}", "")?;
        for heading in HEADINGS {
            write!(f, " {heading:>9}")?;
        }
        writeln!(f)?;
        for side in &self.sides {
            write!(f, "  {:18}", side.contender.name())?;
            for figure in figures(side) {
                write!(f, " {figure:>9}")?;
            }
            if side.generator_busy > BUSY {
                write!(f, "  (the generator may be the limit)")?;
            } else if side.utilisation < ENOUGH {
                write!(f, "  (kept from running: trust it less)")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::report::tests::compared;

    #[test]
    fn figures_replace_those_between_the_markers() {
        let document = format!("before\n{BEGIN}old\n{END}\nafter\n");
        let once = between(&document, "new").unwrap();
        assert!(once.starts_with("before\n") && once.ends_with("\nafter\n"));
        assert!(once.contains("new") && !once.contains("old"));
        assert_eq!(between(&once, "new").unwrap(), once);
        assert_eq!(between("no markers", "new"), None);
    }

    #[test]
    fn a_document_without_a_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("benchmarks.md");
        fs::write(&path, "# Benchmarks\n").unwrap();
        let error = compared(&[1.0])
            .write_into(&path, None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("figures: begin"), "{error}");
        assert!(
            check(&path).is_err(),
            "it is known before anything is measured"
        );
        fs::write(&path, format!("# Benchmarks\n{BEGIN}{END}\n")).unwrap();
        let plot = folder.path().join("ratios.svg");
        check(&path).unwrap();
        compared(&[1.0]).write_into(&path, Some(&plot)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("](ratios.svg)"), "{text}");
        assert!(
            text.contains("| `raw_k1_1000` | CPU per delivery | raw send loop |"),
            "{text}"
        );
    }

    #[test]
    fn both_forms_show_every_figure_and_every_server() {
        let comparison = compared(&[1.2, 1.3]);
        for text in [comparison.to_string(), comparison.to_markdown()] {
            for figure in &comparison.figures {
                assert!(text.contains(&figure.name), "{text}");
            }
            assert!(
                text.contains("axum, encoded once") && text.contains("FAIL"),
                "{text}"
            );
        }
        let columns = |line: &str| line.matches('|').count();
        let markdown = comparison.to_markdown();
        let tables = markdown.split("\n\n").filter(|part| part.starts_with('|'));
        for table in tables {
            let mut lines = table.lines();
            let first = columns(lines.next().unwrap());
            assert!(lines.all(|line| columns(line) == first), "{table}");
        }
    }
}
