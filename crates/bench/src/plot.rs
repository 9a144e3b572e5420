//! Pieces of plots as SVG, readable on light and on dark pages.

use std::fmt::Write;

use crate::tables::grouped;

/// Where panels begin: room for the figures of the upright axis, and for head and legend.
pub(crate) const LEFT: f64 = 64.0;
pub(crate) const TOP: f64 = 92.0;
pub(crate) const BOTTOM: f64 = 60.0;
const RIGHT: f64 = 34.0;
/// Width of a letter, about.
const LETTER: f64 = 7.2;

const STYLE: &str = "svg{--back:#fff;--ink:#1f2328;--dim:#656d76;--grid:#d8dee4;--blue:#0969da;\
--grey:#57606a;--red:#c4432b;--green:#1a7f37}\
@media(prefers-color-scheme:dark){svg{--back:#0d1117;--ink:#e6edf3;--dim:#9198a1;--grid:#30363d;\
--blue:#58a6ff;--grey:#b1bac4;--red:#ff8b73;--green:#3fb950}}\
text{font:12px system-ui,sans-serif;fill:var(--dim)}.head{fill:var(--ink);font-weight:600}\
.grid{stroke:var(--grid)}.parlour{--own:var(--blue)}.raw{--own:var(--grey)}.other{--own:var(--red)}\
.fourth{--own:var(--green)}polyline{fill:none;stroke:var(--own);stroke-width:2}\
.tail{stroke-width:1.5;stroke-dasharray:5 4}.dot{fill:var(--own);stroke:var(--own)}\
.hollow{fill:var(--back)}.bar{fill:var(--own)}";

/// Whose line or bar it is: the server, a bare loop, and two more.
pub(crate) const CLASSES: [&str; 4] = ["parlour", "raw", "other", "fourth"];

/// A picture that is being drawn.
pub(crate) struct Page(String);

impl Page {
    /// An empty page with its words on top. `width` and `height` are those of the panels together.
    pub(crate) fn new(width: f64, height: f64, head: &str, caption: &str) -> Self {
        let (width, height) = (LEFT + width + RIGHT, TOP + height + BOTTOM);
        let (head, caption) = (escaped(head), escaped(caption));
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
             <title>{head}</title>\n\
             <style>{STYLE}</style>\n\
             <rect width=\"100%\" height=\"100%\" style=\"fill:var(--back)\"/>\n\
             <text class=\"head\" x=\"{LEFT}\" y=\"24\" style=\"font-size:15px\">{head}</text>\n\
             <text x=\"{LEFT}\" y=\"44\">{caption}</text>\n"
        ))
    }

    /// What is drawn next goes here, from the page's own corner.
    pub(crate) fn out(&mut self) -> &mut String {
        &mut self.0
    }

    /// What is drawn by `draw` has its corner at `left` and `top` of the panels.
    pub(crate) fn panel(&mut self, left: f64, top: f64, draw: impl FnOnce(&mut String)) {
        let (x, y) = (LEFT + left, TOP + top);
        let _ = writeln!(self.0, "<g transform=\"translate({x:.0} {y:.0})\">");
        draw(&mut self.0);
        self.0.push_str("</g>\n");
    }

    /// Says whose line is whose, in one row.
    pub(crate) fn legend(&mut self, names: &[(&str, String)]) {
        let mut x = LEFT;
        for (class, name) in names {
            self.mark(x, class, name);
            x += 46.0 + name.chars().count() as f64 * LETTER;
        }
    }

    /// One name of the legend, at `x`.
    pub(crate) fn mark(&mut self, x: f64, class: &str, name: &str) {
        let _ = writeln!(
            self.0,
            "<g class=\"{class}\"><polyline points=\"{x},62 {},62\"/>\
             <circle class=\"dot\" cx=\"{}\" cy=\"62\" r=\"3\"/></g>\
             <text class=\"head\" x=\"{}\" y=\"66\">{}</text>",
            x + 22.0,
            x + 11.0,
            x + 28.0,
            escaped(name)
        );
    }

    /// The whole picture.
    pub(crate) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

/// Text as it may stand in the picture.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// A figure as it fits beside an axis.
pub(crate) fn short(value: f64) -> String {
    match value {
        0.0..1e3 => value.to_string(),
        1e3..1e6 => format!("{} k", value / 1e3),
        _ => format!("{} M", value / 1e6),
    }
}

/// An axis: where which value is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    /// Between two ticks; of decades: one.
    step: f64,
    is_logarithmic: bool,
    from: f64,
    to: f64,
}

impl Axis {
    /// Logarithmic, over the whole decades of all `values` that are above 0; `from` and `to` are
    /// where its ends are drawn.
    pub(crate) fn decades(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| *value > 0.0 && value.is_finite()) {
            low = low.min(value.log10().floor());
            high = high.max(value.log10().ceil());
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        Self {
            low,
            high: high.max(low + 1.0),
            step: 1.0,
            is_logarithmic: true,
            from,
            to,
        }
    }

    /// Even, from 0 to a round number that is no less than `most`.
    pub(crate) fn even(most: f64, from: f64, to: f64) -> Self {
        let most = if most > 0.0 && most.is_finite() {
            most
        } else {
            1.0
        };
        let decade = 10f64.powf((most / 4.0).log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * decade);
        let step = (steps.into_iter().find(|step| step * 5.0 >= most)).unwrap_or(most);
        Self {
            low: 0.0,
            high: (most / step).ceil() * step,
            step,
            is_logarithmic: false,
            from,
            to,
        }
    }

    pub(crate) fn at(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic {
            value.log10()
        } else {
            value
        };
        let share = (value - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    pub(crate) fn ticks(self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step).round() as i32;
        (0..=count).map(move |tick| {
            let value = self.low + f64::from(tick) * self.step;
            if self.is_logarithmic {
                10f64.powi(value as i32)
            } else {
                value
            }
        })
    }
}

/// Lines across at the ticks of an upright axis, with what they mean if `words` says it.
pub(crate) fn rows(out: &mut String, up: Axis, width: f64, words: Option<&dyn Fn(f64) -> String>) {
    for value in up.ticks() {
        let y = up.at(value);
        let _ = writeln!(out, "<path class=\"grid\" d=\"M0 {y:.1}H{width}\"/>");
        if let Some(words) = words {
            let _ = writeln!(
                out,
                "<text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                y + 4.0,
                words(value)
            );
        }
    }
}

/// An upright line, with what it means below it.
pub(crate) fn column(out: &mut String, x: f64, height: f64, words: &str) {
    let below = height + 18.0;
    let _ = writeln!(
        out,
        "<path class=\"grid\" d=\"M{x:.1} 0V{height}\"/>\
         <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{words}</text>"
    );
}

/// What is counted along the bottom.
pub(crate) fn below(out: &mut String, width: f64, height: f64, words: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{words}</text>",
        width / 2.0,
        height + 38.0
    );
}

/// A line through `points`.
pub(crate) fn line(out: &mut String, class: &str, points: impl Iterator<Item = (f64, f64)>) {
    let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        out,
        "<polyline class=\"{class}\" points=\"{}\"/>",
        points.join(" ")
    );
}

/// Latencies of several series: shares of the messages across, so that each nine has as much room
/// as the one before it, and milliseconds up.
pub(crate) struct Latencies<'a> {
    pub(crate) head: String,
    pub(crate) caption: String,
    /// Class, name, and points of share and milliseconds.
    pub(crate) lines: Vec<(&'static str, String, &'a [[f64; 2]])>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;

impl Latencies<'_> {
    pub(crate) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, _, curve)| curve.iter());
        let up = Axis::decades(points().map(|point| point[1]), HEIGHT, 0.0);
        let most = points().map(|point| nines(point[0])).fold(1.0, f64::max);
        let across = |share: f64| nines(share) / most * WIDTH;
        let mut page = Page::new(WIDTH, HEIGHT, &self.head, &self.caption);
        let names: Vec<(&str, String)> = (self.lines.iter())
            .map(|(class, name, _)| (*class, name.clone()))
            .collect();
        page.legend(&names);
        page.panel(0.0, 0.0, |out| {
            rows(out, up, WIDTH, Some(&|value| format!("{value} ms")));
            for (share, words) in [
                (0.0, "0 %"),
                (0.5, "50 %"),
                (0.9, "90 %"),
                (0.99, "99 %"),
                (0.999, "99.9 %"),
                (0.9999, "99.99 %"),
                (0.99999, "99.999 %"),
            ] {
                if nines(share) <= most {
                    column(out, across(share), HEIGHT, words);
                }
            }
            below(out, WIDTH, HEIGHT, "share that took at most so long");
            for (class, _, curve) in &self.lines {
                // What took no time at all has no place on a logarithmic axis.
                let points = curve.iter().filter(|point| point[1] > 0.0);
                let places = points.map(|point| (across(point[0]), up.at(point[1])));
                line(out, class, places);
            }
        });
        page.finish()
    }
}

/// How many nines a share has: 0.9 one, 0.99 two.
fn nines(share: f64) -> f64 {
    -(1.0 - share).max(1e-9).log10()
}

/// One upright bar per stage, with its words below it and its figure above it.
pub(crate) struct Bars {
    pub(crate) head: String,
    pub(crate) caption: String,
    /// What the axis counts, as in `1.5 MB`.
    pub(crate) unit: &'static str,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    pub(crate) class: &'static str,
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) words: String,
}

const BAR: f64 = 56.0;
const BETWEEN_BARS: f64 = 120.0;

impl Bars {
    pub(crate) fn svg(&self) -> String {
        let width = (self.bars.len() as f64 * BETWEEN_BARS).max(420.0);
        let most = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        // Room for the words above the highest one.
        let up = Axis::even(most * 1.05, HEIGHT, 0.0);
        let mut page = Page::new(width, HEIGHT, &self.head, &self.caption);
        page.panel(0.0, 0.0, |out| {
            let unit = self.unit;
            rows(out, up, width, Some(&|value| format!("{value} {unit}")));
            for (index, bar) in self.bars.iter().enumerate() {
                let (x, y) = ((index as f64 + 0.5) * BETWEEN_BARS, up.at(bar.value));
                let _ = writeln!(
                    out,
                    "<g class=\"{}\"><rect class=\"bar\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{BAR}\" \
                     height=\"{:.1}\" rx=\"3\"/></g>\
                     <text class=\"head\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
                     <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    bar.class,
                    x - BAR / 2.0,
                    (HEIGHT - y).max(0.0),
                    y - 6.0,
                    escaped(&bar.words),
                    HEIGHT + 18.0,
                    escaped(&bar.name)
                );
            }
        });
        page.finish()
    }
}

/// Curves over the same seconds, one panel below the other.
pub(crate) struct TimeLine {
    pub(crate) head: String,
    pub(crate) caption: String,
    pub(crate) seconds: f64,
    /// Name, what the axis counts, and points of seconds and value.
    pub(crate) panels: Vec<(String, &'static str, Vec<[f64; 2]>)>,
}

const TIME_HEIGHT: f64 = 180.0;
const TIME_GAP: f64 = 64.0;

impl TimeLine {
    pub(crate) fn svg(&self) -> String {
        let count = self.panels.len() as f64;
        let height = count * TIME_HEIGHT + (count - 1.0).max(0.0) * TIME_GAP;
        let across = Axis::even(self.seconds, 0.0, WIDTH);
        let mut page = Page::new(WIDTH, height, &self.head, &self.caption);
        for (index, (name, unit, points)) in self.panels.iter().enumerate() {
            let most = points.iter().map(|point| point[1]).fold(0.0, f64::max);
            let up = Axis::even(most, TIME_HEIGHT, 0.0);
            let top = index as f64 * (TIME_HEIGHT + TIME_GAP);
            page.panel(0.0, top, |out| {
                let _ = writeln!(
                    out,
                    "<text class=\"head\" x=\"0\" y=\"-8\">{}</text>",
                    escaped(name)
                );
                let words = |value: f64| match *unit {
                    "" => grouped(value as u64),
                    unit => format!("{value} {unit}"),
                };
                rows(out, up, WIDTH, Some(&words));
                for tick in across.ticks() {
                    let words = format!("{} s", (tick * 1e3).round() / 1e3);
                    column(out, across.at(tick), TIME_HEIGHT, &words);
                }
                let places = points.iter();
                let places = places.map(|point| (across.at(point[0]), up.at(point[1])));
                line(out, CLASSES[index % CLASSES.len()], places);
            });
        }
        page.finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every element is closed.
    pub(crate) fn assert_closed(plot: &str) {
        for name in ["svg", "g", "text", "style", "title"] {
            let opened = plot.matches(&format!("<{name} ")).count()
                + plot.matches(&format!("<{name}>")).count();
            assert_eq!(
                opened,
                plot.matches(&format!("</{name}>")).count(),
                "{name}: {plot}"
            );
        }
    }

    /// Every element is closed, and no number is none.
    fn whole(plot: &str) {
        assert_closed(plot);
        assert!(!plot.contains("NaN") && !plot.contains("inf"), "{plot}");
        assert!(plot.contains("prefers-color-scheme:dark") && plot.ends_with("</svg>\n"));
    }

    #[test]
    fn an_axis_of_decades_covers_whole_ones() {
        let axis = Axis::decades([3.0, 0.0, 450.0, f64::NAN].into_iter(), 0.0, 300.0);
        assert_eq!(axis.ticks().collect::<Vec<_>>(), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(
            (axis.at(1.0), axis.at(10.0), axis.at(1000.0)),
            (0.0, 100.0, 300.0)
        );
        let one = Axis::decades([10.0].into_iter(), 300.0, 0.0);
        assert_eq!((one.at(10.0), one.at(100.0)), (300.0, 0.0));
        assert_eq!(
            Axis::decades(std::iter::empty(), 0.0, 1.0).ticks().count(),
            2
        );
    }

    #[test]
    fn an_even_axis_has_few_round_ticks_and_holds_everything() {
        for (most, expected) in [
            (19.0, vec![0.0, 5.0, 10.0, 15.0, 20.0]),
            (0.9, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (100.0, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
        ] {
            let axis = Axis::even(most, 0.0, 1.0);
            let ticks: Vec<f64> = axis.ticks().map(|it| (it * 1e6).round() / 1e6).collect();
            assert_eq!(ticks, expected);
            assert!(axis.at(most) <= 1.0);
        }
        assert!(Axis::even(0.0, 0.0, 1.0).at(0.0).is_finite());
    }

    #[test]
    fn figures_beside_an_axis_are_short() {
        assert_eq!(
            [1.0, 100.0, 1e3, 1e5, 1e7].map(short),
            ["1", "100", "1 k", "100 k", "10 M"]
        );
    }

    #[test]
    fn plots_are_whole_also_of_nothing() {
        let curve = [[0.0, 0.0], [0.5, 0.2], [0.99, 3.0], [1.0, 40.0]];
        let plot = |lines| {
            Latencies {
                head: "a < b".into(),
                caption: "x & y".into(),
                lines,
            }
            .svg()
        };
        let full = plot(vec![("parlour", "one".into(), &curve[..])]);
        assert!(full.contains("a &lt; b") && full.contains(">99 %<"));
        whole(&full);
        whole(&plot(Vec::new()));
        let line = TimeLine {
            head: "storm".into(),
            caption: String::new(),
            seconds: 0.0,
            panels: vec![("back".into(), "", vec![[0.0, 0.0]])],
        };
        whole(&line.svg());
        let bars = Bars {
            head: "memory".into(),
            caption: String::new(),
            unit: "MB",
            bars: vec![Bar {
                class: "parlour",
                name: "at start".into(),
                value: 3.5,
                words: "3.5".into(),
            }],
        };
        whole(&bars.svg());
    }
}
