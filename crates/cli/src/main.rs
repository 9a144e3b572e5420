//! `parlour`: the one binary.

mod bench;
mod chat;
mod command;
mod harmless;
mod joins;
mod lines;
mod place;
mod publish;
mod remote;
mod room;
mod serve;
mod subscribe;
mod torture;
mod user;
mod version;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use parlour_server::ServeError;

use command::{Cli, Command};

fn main() -> ExitCode {
    parlour_allocator::give_back_at_once();
    let done = |()| ExitCode::SUCCESS;
    let result: Result<ExitCode, Box<dyn Error>> = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(&arguments).map(done).map_err(Into::into),
        Command::Chat(arguments) => chat::run(arguments).map_err(Into::into),
        Command::Pub(arguments) => publish::run(&arguments).map_err(Into::into),
        Command::Sub(arguments) => subscribe::run(&arguments).map_err(Into::into),
        Command::Room(what) => room::run(&what).map_err(Into::into),
        Command::User(what) => user::run(&what).map(done).map_err(Into::into),
        Command::Bench(what) => bench::run(&what).map(done).map_err(Into::into),
        Command::Torture(what) => torture::run(&what).map_err(Into::into),
    };
    match result {
        Ok(status) => status,
        Err(error) => {
            harmless::tell(&error);
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
