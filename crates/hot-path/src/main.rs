//! The way of a message without sockets: one step of it, a given number of times, so that
//! `cargo xtask instructions` can count what it costs. Where the kernel would be there is nothing, so
//! what is counted is this project's part of a delivery.

mod fan_out;
mod frames;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// One step, so many times.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which step.
    step: Step,
    /// How many times.
    times: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Step {
    /// A masked frame of `parlour.v1` becomes a command.
    Decode,
    /// An entry becomes a frame of `parlour.v1`.
    Encode,
    /// A frame is numbered, encoded, and sent to each of 1,000 members.
    FanOut,
}

fn main() -> ExitCode {
    let Arguments { step, times } = Arguments::parse();
    let done = match step {
        Step::Decode => frames::decode(times),
        Step::Encode => frames::encode(times),
        Step::FanOut => fan_out::run(times),
    };
    // What was done is looked at, or it might be left out.
    println!("{done}");
    ExitCode::SUCCESS
}
