//! `parlour bench fanout --saturation`: latency and K at shares of what the server can do.
//!
//! A closed loop finds out how many messages per second that is; then open loops ask for shares of
//! it, in one run on the same connections. A server that gathers only under load shows it here: at
//! 1 % nothing waits for company, at 90 % frames come together.

use std::fmt;

use serde::Serialize;

use crate::BenchError;
use crate::fanout::FanoutOptions;
use crate::generator::{Generator, Load, Phase, Sample};
use crate::measured::Measured;
use crate::output::Outcome;
use crate::pin;
use crate::plot::{CLASSES, Latencies};
use crate::report::Latency;
use crate::tables::{grouped, rounded};

/// Messages in flight of the closed loop, unless told otherwise.
const OUTSTANDING: usize = 64;
/// Near it the generator is the limit.
const BUSY: f64 = 0.95;

/// The result. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct SaturationReport {
    /// The door that was measured.
    pub url: String,
    /// Members of all rooms.
    pub members: usize,
    /// Rooms they are spread over.
    pub rooms: usize,
    /// Bytes of a message's text.
    pub payload_bytes: usize,
    /// Messages in flight of the closed loop.
    pub outstanding: usize,
    /// Messages per second of the closed loop.
    pub messages_per_second: f64,
    /// What it was like.
    pub saturated: Figures,
    /// The open loops.
    pub steps: Vec<Step>,
    /// Cores of the server, core of the generator; absent if they are not apart.
    pub cores: Option<[String; 2]>,
}

/// A share of the saturation rate.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Per cent of it.
    pub percent: u32,
    /// Messages per second that were asked for.
    pub rate: f64,
    /// What it was like.
    pub figures: Figures,
}

/// One phase.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Deliveries per second.
    pub deliveries_per_second: f64,
    /// K: frames per read of the generator.
    pub frames_per_read: f64,
    /// From when a message was due until its delivery.
    pub latency_ms: Latency,
    /// Microseconds of the server per delivery, if its process is known.
    pub cpu_us_per_delivery: Option<f64>,
    /// Share of the time in which the generator had something to do.
    pub generator_busy: f64,
}

/// Runs it.
///
/// # Errors
/// As [`fanout::run`](crate::fanout::run).
pub fn run(options: &FanoutOptions) -> Result<SaturationReport, BenchError> {
    let (layout, _) = options.plan()?;
    let percents = options.saturation.as_ref().map_or(&[][..], |it| &it.0);
    if let Some(over) = percents.iter().find(|it| **it > 200) {
        return Err(BenchError::Options(format!(
            "--saturation {over}: it must be 1 to 200 per cent"
        )));
    }
    pin::allow_files(layout.connections() as u64 + 64)?;
    let measured = Measured::start(&options.server)?.speaking(options.dialect.unwrap_or_default());
    let result = visit(options, percents, &measured);
    result.map_err(|error| measured.explain(error))
}

fn visit(
    options: &FanoutOptions,
    percents: &[u32],
    measured: &Measured,
) -> Result<SaturationReport, BenchError> {
    let (layout, _) = options.plan()?;
    let show = options.output.show();
    let mut generator = Generator::open(&measured.target, layout, options.payload, show)?;
    let mut phase = |load| {
        let phase = Phase {
            load,
            warm_up: options.warmup,
            duration: options.duration,
        };
        generator.run(&phase, measured.clock.as_ref(), show)
    };
    let outstanding = options.outstanding.unwrap_or(OUTSTANDING);
    let saturated = phase(Load::Outstanding(outstanding))?;
    let most = saturated.messages as f64 / saturated.elapsed.as_secs_f64();
    let mut steps = Vec::new();
    for percent in percents {
        let rate = most * f64::from(*percent) / 100.0;
        steps.push(Step {
            percent: *percent,
            rate,
            figures: Figures::of(&phase(Load::Rate(rate))?),
        });
    }
    Ok(SaturationReport {
        url: measured.target.to_string(),
        members: options.members,
        rooms: options.rooms,
        payload_bytes: options.payload,
        outstanding,
        messages_per_second: most,
        saturated: Figures::of(&saturated),
        steps,
        cores: measured.cores.clone(),
    })
}

impl Figures {
    fn of(sample: &Sample) -> Self {
        Self {
            deliveries_per_second: sample.deliveries as f64 / sample.elapsed.as_secs_f64(),
            frames_per_read: sample.frames_per_read(),
            latency_ms: Latency::of(sample),
            cpu_us_per_delivery: sample.cpu_per_delivery(),
            generator_busy: sample.busy,
        }
    }
}

impl Outcome for SaturationReport {
    fn svg(&self) -> String {
        let steps = CLASSES.iter().cycle().zip(&self.steps);
        Latencies {
            head: format!(
                "Fan-out to {} members at shares of the most: latency of a delivery",
                grouped(self.members as u64)
            ),
            caption: format!(
                "100 %: {} messages/s, {} deliveries/s; from when a message was due",
                grouped(self.messages_per_second as u64),
                grouped(self.saturated.deliveries_per_second as u64)
            ),
            lines: steps
                .map(|(class, step)| {
                    let figures = &step.figures;
                    let k = rounded(Some(figures.frames_per_read));
                    let name = format!("{} %, K {k}", step.percent);
                    (*class, name, &figures.latency_ms.curve[..])
                })
                .collect(),
        }
        .svg()
    }
}

impl fmt::Display for SaturationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} members in {} rooms, {} bytes of text; 100 %: {} messages/s",
            self.url,
            grouped(self.members as u64),
            grouped(self.rooms as u64),
            grouped(self.payload_bytes as u64),
            rounded(Some(self.messages_per_second))
        )?;
        writeln!(
            f,
            "  {:16} {:>13} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "", "deliveries/s", "K", "CPU us", "p50 ms", "p90 ms", "p99 ms", "max ms", "gen. busy"
        )?;
        let all = format!("{} in flight", self.outstanding);
        row(f, &all, &self.saturated)?;
        for step in &self.steps {
            row(f, &format!("{} %", step.percent), &step.figures)?;
        }
        if self.saturated.generator_busy >= BUSY {
            writeln!(f, "  the generator may be the limit, and not the server")?;
        }
        if self.cores.is_none() {
            writeln!(
                f,
                "  NOT APART: server and generator may disturb each other"
            )?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, figures: &Figures) -> fmt::Result {
    let it = &figures.latency_ms;
    let [p50, p90, p99, max] = [it.p50, it.p90, it.p99, it.max].map(|it| rounded(Some(it)));
    writeln!(
        f,
        "  {name:16} {:>13} {:>8} {:>8} {p50:>9} {p90:>9} {p99:>9} {max:>9} {:>9}",
        grouped(figures.deliveries_per_second as u64),
        rounded(Some(figures.frames_per_read)),
        match figures.cpu_us_per_delivery {
            Some(cpu) => rounded(Some(cpu)),
            None => "-".into(),
        },
        rounded(Some(figures.generator_busy)),
    )
}
