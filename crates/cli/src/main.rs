//! `parlour`: the one binary.

mod bench;
mod command;
mod serve;
mod user;
mod version;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use parlour_server::ServeError;

use command::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result: Result<(), Box<dyn Error>> = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(&arguments).map_err(Into::into),
        Command::User(what) => user::run(&what).map_err(Into::into),
        Command::Bench(what) => bench::run(&what).map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parlour: {error}");
            status(&*error)
        }
    }
}

/// 2 if the command line could not be understood, as the parser itself has it; else 1.
fn status(error: &(dyn Error + 'static)) -> ExitCode {
    match error.downcast_ref() {
        Some(ServeError::Settings(error)) if error.is_usage() => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}
