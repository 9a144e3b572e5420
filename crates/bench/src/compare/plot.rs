//! The ratios as SVG: a dot for each median, a bar between its quartiles, a line where its gate is.
//! Readable on light and on dark pages.

use std::fmt::Write;

use crate::compare::plan::Work;
use crate::compare::report::{Comparison, FigureReport};
use crate::dialect::Dialect;

const LEFT: f64 = 290.0;
const WIDTH: f64 = 460.0;
const RIGHT: f64 = 60.0;
const TOP: f64 = 74.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 34.0;
const BOTTOM: f64 = 44.0;
/// Ratio at the right end, if nothing lies beyond it.
const USUAL_END: f64 = 1.5;
const STYLE: &str = "svg{--back:#fff;--ink:#1f2328;--dim:#656d76;--grid:#d8dee4;--own:#0969da;--gate:#c4432b}\
@media(prefers-color-scheme:dark){svg{--back:#0d1117;--ink:#e6edf3;--dim:#9198a1;--grid:#30363d;--own:#58a6ff;\
--gate:#ff8b73}}\
text{font:12px system-ui,sans-serif;fill:var(--dim)}.head{fill:var(--ink);font-weight:600}\
.grid{stroke:var(--grid)}.one{stroke:var(--dim)}.bar{stroke:var(--own);stroke-width:6;opacity:.35}\
.dot{fill:var(--own)}.gate{stroke:var(--gate);stroke-width:2}.over{fill:var(--gate)}";

/// Draws all ratios; memory is none.
///
/// ```no_run
/// # fn of(comparison: &parlour_bench::compare::Comparison) -> std::io::Result<()> {
/// std::fs::write("ratios.svg", parlour_bench::compare::svg(comparison))
/// # }
/// ```
#[must_use]
pub fn svg(comparison: &Comparison) -> String {
    let is_ratio =
        |figure: &&FigureReport| figure.cell != Work::Idle && figure.value.upper.is_finite();
    let doors = Dialect::ALL.map(|dialect| {
        let figures = comparison.figures.iter().filter(is_ratio);
        let own: Vec<&FigureReport> = figures.filter(|it| it.dialect == dialect).collect();
        (dialect, own)
    });
    let highest = doors.iter().flat_map(|door| &door.1);
    let end = highest.fold(USUAL_END, |end, it| end.max(it.value.upper));
    let rows: usize = doors.iter().map(|door| door.1.len()).sum();
    let heads = doors.iter().filter(|door| !door.1.is_empty()).count();
    let inner = rows as f64 * ROW + heads as f64 * HEAD;
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + inner + BOTTOM);

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>What Parlour costs, as ratios to other servers</title>\n\
         <style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" style=\"fill:var(--back)\"/>\n\
         <text class=\"head\" x=\"16\" y=\"24\" style=\"font-size:15px\">Parlour's cost over that of others in the \
         same round</text>\n\
         <text x=\"16\" y=\"44\">dot: median of {} rounds; bar: quartiles; red line: highest that passes; less is \
         better</text>\n",
        comparison.rounds
    );
    axis(&mut out, end, inner);
    let mut y = TOP;
    for (dialect, figures) in doors.iter().filter(|door| !door.1.is_empty()) {
        let name = match dialect {
            Dialect::Events => "events door",
            Dialect::V1 => "parlour.v1",
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "<text class=\"head\" x=\"16\" y=\"{:.0}\">{name}</text>",
            y + HEAD - 10.0
        );
        y += HEAD;
        for figure in figures {
            row(&mut out, figure, y + ROW / 2.0, end);
            y += ROW;
        }
    }
    out.push_str("</svg>\n");
    out
}

fn at(ratio: f64, end: f64) -> f64 {
    LEFT + ratio.clamp(0.0, end) / end * WIDTH
}

fn axis(out: &mut String, end: f64, inner: f64) {
    let step = if end > 4.0 { 1.0 } else { 0.25 };
    let bottom = TOP + inner;
    for index in 0..=(end / step) as usize {
        let ratio = index as f64 * step;
        let x = at(ratio, end);
        let class = if ratio == 1.0 { "one" } else { "grid" };
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"M{x:.1} {TOP:.0}V{bottom:.0}\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{ratio}</text>",
            bottom + 18.0
        );
    }
}

fn row(out: &mut String, figure: &FigureReport, y: f64, end: f64) {
    let value = &figure.value;
    let _ = writeln!(
        out,
        "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <path class=\"bar\" d=\"M{:.1} {y:.1}H{:.1}\"/>",
        LEFT - 12.0,
        y + 4.0,
        label(figure),
        at(value.lower, end),
        at(value.upper, end)
    );
    if let Some(limit) = figure.limit {
        let (x, from, to) = (at(limit, end), y - 8.0, y + 8.0);
        let _ = writeln!(
            out,
            "<path class=\"gate\" d=\"M{x:.1} {from:.1}V{to:.1}\"/>"
        );
    }
    let class = if figure.passed == Some(false) {
        "over"
    } else {
        "dot"
    };
    let _ = writeln!(
        out,
        "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"/>\
         <text x=\"{:.0}\" y=\"{:.1}\">{:.2}</text>",
        at(value.median, end),
        LEFT + WIDTH + 12.0,
        y + 4.0,
        value.median
    );
}

fn label(figure: &FigureReport) -> &str {
    figure.name.strip_prefix("v1_").unwrap_or(&figure.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::report::tests::compared;
    use crate::plot::tests::assert_closed;

    #[test]
    fn a_plot_has_a_row_per_ratio_and_marks_what_is_over_its_gate() {
        let comparison = compared(&[1.2, 1.2]);
        let plot = svg(&comparison);
        assert_eq!(
            plot.matches("<circle").count(),
            comparison.figures.len(),
            "{plot}"
        );
        let gates = comparison.figures.iter().filter(|it| it.limit.is_some());
        assert_eq!(plot.matches("class=\"gate\"").count(), gates.count());
        assert_eq!(
            plot.matches("class=\"over\"").count(),
            comparison.failures().len()
        );
        assert!(plot.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn high_ratios_and_missing_ones_leave_a_sound_picture() {
        for factors in [&[30.0][..], &[f64::NAN], &[0.0]] {
            let mut comparison = compared(&[1.0]);
            for figure in &mut comparison.figures {
                figure.value.median = factors[0];
                figure.value.upper = factors[0];
            }
            let plot = svg(&comparison);
            assert!(!plot.contains("NaN") && !plot.contains("inf"), "{plot}");
            assert_closed(&plot);
        }
    }
}
