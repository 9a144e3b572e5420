//! `parlour`: the one binary.

mod bench;
mod command;
mod serve;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use command::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result: Result<(), Box<dyn Error>> = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(&arguments).map_err(Into::into),
        Command::Bench(what) => bench::run(&what).map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parlour: {error}");
            ExitCode::FAILURE
        }
    }
}
