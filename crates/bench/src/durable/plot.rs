//! The curves as SVG: one panel per number of rooms, both axes logarithmic, readable on light and
//! on dark pages.

use std::fmt::Write;

use crate::durable::contender::System;
use crate::durable::report::{Cell, DurableReport, Figures};
use crate::plot::{Axis, LEFT, Page, below, column, rows, short};
use crate::tables::grouped;

const PANEL_WIDTH: f64 = 340.0;
const PANEL_HEIGHT: f64 = 300.0;
const GAP: f64 = 34.0;
const WORDS_WIDTH: f64 = 800.0;

/// Draws a report: the closed loops, or the open ones where there are no others.
///
/// ```no_run
/// # fn of(report: &parlour_bench::durable::DurableReport) -> std::io::Result<()> {
/// std::fs::write("durability.svg", parlour_bench::durable::svg(report))
/// # }
/// ```
#[must_use]
pub fn svg(report: &DurableReport) -> String {
    let has_closed = (report.cells.iter()).any(|cell| cell.load.outstanding.is_some());
    let cells: Vec<&Cell> = (report.cells.iter())
        .filter(|cell| cell.load.outstanding.is_some() == has_closed)
        .collect();
    let mut rooms: Vec<u32> = cells.iter().map(|cell| cell.rooms).collect();
    rooms.dedup();

    let figures = || cells.iter().flat_map(|cell| &cell.systems);
    let across = Axis::decades(
        figures().map(|it| it.acknowledged_per_second),
        0.0,
        PANEL_WIDTH,
    );
    let latencies = figures().flat_map(|it| [it.p50_ms, it.p99_ms]);
    let up = Axis::decades(latencies, PANEL_HEIGHT, 0.0);

    let (head, caption) = words(report, has_closed);
    // Few panels are narrower than the words above them.
    let width = (rooms.len() as f64 * (PANEL_WIDTH + GAP) - GAP).max(WORDS_WIDTH);
    let mut page = Page::new(width, PANEL_HEIGHT, head, &caption);
    legend(&mut page, report);
    for (index, rooms) in rooms.into_iter().enumerate() {
        let own: Vec<&Cell> = (cells.iter().copied())
            .filter(|cell| cell.rooms == rooms)
            .collect();
        page.panel(index as f64 * (PANEL_WIDTH + GAP), 0.0, |out| {
            panel(out, rooms, &own, across, up, index == 0);
        });
    }
    page.finish()
}

fn class(system: System) -> &'static str {
    match system {
        System::Parlour | System::Volatile => "parlour",
        System::Append => "raw",
        System::Redis => "other",
    }
}

fn words(report: &DurableReport, has_closed: bool) -> (&'static str, String) {
    let what = if has_closed {
        "closed loops: the points of a line are more and more publishes on their way"
    } else {
        "open loops: the points of a line are higher and higher rates; hollow: more than it took"
    };
    let caption = format!(
        "{what}; medians, rounds: {}, bytes of text: {}",
        report.rounds, report.payload_bytes
    );
    let head =
        "Durable publishes: acknowledged per second against the time until the acknowledgement";
    (head, caption)
}

fn legend(page: &mut Page, report: &DurableReport) {
    let redis = match &report.redis {
        Some(version) => format!("Redis Streams {version}, appendfsync always"),
        None => String::new(),
    };
    let names = [
        (System::Parlour, "Parlour".to_owned(), 0.0),
        (System::Append, "append+fsync, one thread".to_owned(), 110.0),
        (System::Redis, redis, 330.0),
    ];
    for (system, name, x) in names.into_iter().filter(|(_, name, _)| !name.is_empty()) {
        page.mark(LEFT + x, class(system), &name);
    }
    let x = LEFT + if report.redis.is_some() { 680.0 } else { 330.0 };
    let _ = writeln!(
        page.out(),
        "<g style=\"--own:var(--dim)\"><polyline points=\"{x},62 {},62\"/>\
         <polyline class=\"tail\" points=\"{},62 {},62\"/></g>\
         <text x=\"{}\" y=\"66\">p50</text><text x=\"{}\" y=\"66\">p99</text>",
        x + 22.0,
        x + 62.0,
        x + 84.0,
        x + 28.0,
        x + 90.0
    );
}

fn panel(out: &mut String, rooms: u32, cells: &[&Cell], across: Axis, up: Axis, is_first: bool) {
    let plural = if rooms == 1 { "room" } else { "rooms" };
    let _ = writeln!(
        out,
        "<text class=\"head\" x=\"0\" y=\"-8\">{} {plural}</text>",
        grouped(u64::from(rooms))
    );
    for value in across.ticks() {
        column(out, across.at(value), PANEL_HEIGHT, &short(value));
    }
    let milliseconds = |value: f64| format!("{value} ms");
    rows(
        out,
        up,
        PANEL_WIDTH,
        is_first.then_some(&milliseconds as &dyn Fn(f64) -> String),
    );
    below(out, PANEL_WIDTH, PANEL_HEIGHT, "acknowledged per second");
    for system in [System::Append, System::Redis, System::Parlour] {
        let points: Vec<&Figures> = (cells.iter())
            .flat_map(|cell| &cell.systems)
            .filter(|figures| figures.system == system)
            // Where nothing was answered in time there is no place on a logarithmic axis.
            .filter(|figures| figures.acknowledged_per_second > 0.0)
            .collect();
        if !points.is_empty() {
            curve(out, system, &points, across, up);
        }
    }
}

fn curve(out: &mut String, system: System, points: &[&Figures], across: Axis, up: Axis) {
    let line = |latency: fn(&Figures) -> f64| {
        let places = points.iter().map(|it| {
            let (x, y) = (across.at(it.acknowledged_per_second), up.at(latency(it)));
            format!("{x:.1},{y:.1}")
        });
        places.collect::<Vec<_>>().join(" ")
    };
    let _ = writeln!(
        out,
        "<g class=\"{}\"><polyline points=\"{}\"/><polyline class=\"tail\" points=\"{}\"/>",
        class(system),
        line(|it| it.p50_ms),
        line(|it| it.p99_ms)
    );
    for figures in points {
        let x = across.at(figures.acknowledged_per_second);
        let hollow = if figures.unsent > 0.0 { " hollow" } else { "" };
        let _ = writeln!(
            out,
            "<circle class=\"dot{hollow}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3.2\"/>\
             <circle class=\"dot{hollow}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"2\"/>",
            up.at(figures.p50_ms),
            up.at(figures.p99_ms)
        );
    }
    out.push_str("</g>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::report::tests::report;
    use crate::plot::tests::assert_closed;

    #[test]
    fn a_plot_has_a_panel_per_number_of_rooms_and_a_line_per_system() {
        let mut report = report();
        let plot = svg(&report);
        assert!(plot.contains(">10 rooms<") && !plot.contains("Redis"));
        assert_eq!(plot.matches("<g class=\"raw\">").count(), 1 + 1);
        assert!(plot.contains("prefers-color-scheme:dark"));
        assert!(!plot.contains("NaN") && !plot.contains("inf"));
        let mut more = report.cells[0].clone();
        more.systems[0].acknowledged_per_second = 0.0;
        more.rooms = 1_000;
        report.cells.push(more);
        let plot = svg(&report);
        assert!(plot.contains(">1,000 rooms<") && !plot.contains("inf"));
    }

    #[test]
    fn every_element_is_closed() {
        let plot = svg(&report());
        assert_closed(&plot);
    }
}
