//! The curves as SVG: one panel per number of rooms, both axes logarithmic, readable on light and
//! on dark pages.

use std::fmt::Write;

use crate::durable::contender::System;
use crate::durable::report::{Cell, DurableReport, Figures};
use crate::tables::grouped;

const PANEL_WIDTH: f64 = 340.0;
const PANEL_HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 92.0;
const GAP: f64 = 34.0;
const BOTTOM: f64 = 60.0;
const STYLE: &str = "svg{--back:#fff;--ink:#1f2328;--dim:#656d76;--grid:#d8dee4;--parlour:#0969da;\
--append:#57606a;--redis:#c4432b}\
@media(prefers-color-scheme:dark){svg{--back:#0d1117;--ink:#e6edf3;--dim:#9198a1;--grid:#30363d;\
--parlour:#58a6ff;--append:#b1bac4;--redis:#ff8b73}}\
text{font:12px system-ui,sans-serif;fill:var(--dim)}.head{fill:var(--ink);font-weight:600}\
.grid{stroke:var(--grid)}.parlour{--own:var(--parlour)}.append{--own:var(--append)}.redis{--own:var(--redis)}\
polyline{fill:none;stroke:var(--own);stroke-width:2}.tail{stroke-width:1.5;stroke-dasharray:5 4}\
.dot{fill:var(--own);stroke:var(--own)}.hollow{fill:var(--back)}";

/// A logarithmic axis over whole decades.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Axis {
    /// Over all of `values` that are above 0; `from` and `to` are where its ends are drawn.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (i32::MAX, i32::MIN);
        for value in values.filter(|value| *value > 0.0 && value.is_finite()) {
            low = low.min(value.log10().floor() as i32);
            high = high.max(value.log10().ceil() as i32);
        }
        if low > high {
            (low, high) = (0, 1);
        }
        Self {
            low,
            high: high.max(low + 1),
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn decades(self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }
}

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
    let across = Axis::over(
        figures().map(|it| it.acknowledged_per_second),
        0.0,
        PANEL_WIDTH,
    );
    let latencies = figures().flat_map(|it| [it.p50_ms, it.p99_ms]);
    let up = Axis::over(latencies, PANEL_HEIGHT, 0.0);

    let width = LEFT + rooms.len() as f64 * (PANEL_WIDTH + GAP);
    let height = TOP + PANEL_HEIGHT + BOTTOM;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>Acknowledged publishes per second against latency</title>\n\
         <style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" style=\"fill:var(--back)\"/>\n"
    );
    legend(&mut out, report, has_closed);
    for (index, rooms) in rooms.into_iter().enumerate() {
        let left = LEFT + index as f64 * (PANEL_WIDTH + GAP);
        let _ = writeln!(out, "<g transform=\"translate({left:.0} {TOP:.0})\">");
        let own: Vec<&Cell> = (cells.iter().copied())
            .filter(|cell| cell.rooms == rooms)
            .collect();
        panel(&mut out, rooms, &own, across, up, index == 0);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// A power of ten as it fits under an axis.
fn short(value: f64) -> String {
    match value {
        0.0..1e3 => value.to_string(),
        1e3..1e6 => format!("{} k", value / 1e3),
        _ => format!("{} M", value / 1e6),
    }
}

fn class(system: System) -> &'static str {
    match system {
        System::Parlour | System::Volatile => "parlour",
        System::Append => "append",
        System::Redis => "redis",
    }
}

fn legend(out: &mut String, report: &DurableReport, has_closed: bool) {
    let what = if has_closed {
        "closed loops: the points of a line are more and more publishes on their way"
    } else {
        "open loops: the points of a line are higher and higher rates; hollow: more than it took"
    };
    let _ = writeln!(
        out,
        "<text class=\"head\" x=\"{LEFT}\" y=\"24\" style=\"font-size:15px\">Durable publishes: \
         acknowledged per second against the time until the acknowledgement</text>\n\
         <text x=\"{LEFT}\" y=\"44\">{what}; medians, rounds: {}, bytes of text: {}</text>",
        report.rounds, report.payload_bytes
    );
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
        let x = LEFT + x;
        let _ = writeln!(
            out,
            "<g class=\"{}\"><polyline points=\"{x},62 {},62\"/><circle class=\"dot\" cx=\"{}\" cy=\"62\" r=\"3\"/></g>\
             <text class=\"head\" x=\"{}\" y=\"66\">{name}</text>",
            class(system),
            x + 22.0,
            x + 11.0,
            x + 28.0
        );
    }
    let x = LEFT + if report.redis.is_some() { 680.0 } else { 330.0 };
    let _ = writeln!(
        out,
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
    for value in across.decades() {
        let (x, below) = (across.at(value), PANEL_HEIGHT + 18.0);
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{x:.1} 0V{PANEL_HEIGHT}\"/>\
             <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
            short(value)
        );
    }
    for value in up.decades() {
        let y = up.at(value);
        let _ = writeln!(out, "<path class=\"grid\" d=\"M0 {y:.1}H{PANEL_WIDTH}\"/>");
        if is_first {
            let _ = writeln!(
                out,
                "<text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{value} ms</text>",
                y + 4.0
            );
        }
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">acknowledged per second</text>",
        PANEL_WIDTH / 2.0,
        PANEL_HEIGHT + 38.0
    );
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

    #[test]
    fn an_axis_covers_whole_decades() {
        let axis = Axis::over([3.0, 0.0, 450.0, f64::NAN].into_iter(), 0.0, 300.0);
        assert_eq!(
            axis.decades().collect::<Vec<_>>(),
            [1.0, 10.0, 100.0, 1000.0]
        );
        assert_eq!(
            (axis.at(1.0), axis.at(10.0), axis.at(1000.0)),
            (0.0, 100.0, 300.0)
        );
        let one = Axis::over([10.0].into_iter(), 300.0, 0.0);
        assert_eq!((one.at(10.0), one.at(100.0)), (300.0, 0.0));
        assert_eq!(
            Axis::over(std::iter::empty(), 0.0, 1.0).decades().count(),
            2
        );
    }

    #[test]
    fn powers_of_ten_are_short() {
        assert_eq!(
            [1.0, 100.0, 1e3, 1e5, 1e7].map(short),
            ["1", "100", "1 k", "100 k", "10 M"]
        );
    }

    #[test]
    fn a_plot_has_a_panel_per_number_of_rooms_and_a_line_per_system() {
        let mut report = report();
        let plot = svg(&report);
        assert!(plot.contains(">10 rooms<") && !plot.contains("Redis"));
        assert_eq!(plot.matches("<g class=\"append\">").count(), 1 + 1);
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
        for name in ["svg", "g", "text", "style", "title"] {
            let opened = plot.matches(&format!("<{name} ")).count()
                + plot.matches(&format!("<{name}>")).count();
            assert_eq!(
                opened,
                plot.matches(&format!("</{name}>")).count(),
                "{name}"
            );
        }
    }
}
