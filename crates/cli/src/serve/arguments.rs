//! The flags of `parlour serve`, made of the server's table of settings.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};
use parlour_server::settings::{Given, Group, Setting, groups};

const CONFIG: &str = "config";
const PRINT_CONFIG: &str = "print-config";

/// What was typed after `parlour serve`.
#[derive(Debug)]
pub(crate) struct ServeArguments {
    given: Given,
    /// Whether to print the configuration instead of serving.
    pub(crate) prints_config: bool,
}

impl ServeArguments {
    /// With the variables of the environment.
    pub(crate) fn given(&self) -> Given {
        Given {
            variables: std::env::vars_os().collect(),
            ..self.given.clone()
        }
    }
}

impl Args for ServeArguments {
    fn augment_args(command: Command) -> Command {
        let command = command.args([config(), print_config()]);
        groups().iter().fold(command, |command, group| {
            let arguments = group.settings.iter().map(argument);
            command.next_help_heading(heading(group)).args(arguments)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn config() -> Arg {
    Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("TOML file with settings; its keys are the flags without dashes")
        .long_help(
            "TOML file with settings; its keys are the flags without dashes. A flag wins over a variable, a \
             variable over the file, the file over the default\n\nVariable: PARLOUR_CONFIG",
        )
}

fn print_config() -> Arg {
    Arg::new(PRINT_CONFIG)
        .long(PRINT_CONFIG)
        .action(ArgAction::SetTrue)
        .help("Print the settings that hold, and where each comes from, as such a file; serve nothing")
}

fn heading(group: &Group) -> &'static str {
    group.title
}

fn argument(setting: &'static Setting) -> Arg {
    let argument = Arg::new(setting.flag())
        .long(setting.flag())
        .value_name(setting.value_name())
        .help(setting.short_help())
        .long_help(setting.long_help());
    if setting.is_list() {
        argument.action(ArgAction::Append)
    } else if setting.is_switch() {
        argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
    } else {
        argument
    }
}

impl FromArgMatches for ServeArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let settings = groups().iter().flat_map(|group| group.settings);
        let typed = |setting: &Setting| {
            let values = matches.get_many::<String>(setting.flag())?;
            Some((setting.flag().to_owned(), values.cloned().collect()))
        };
        Ok(Self {
            given: Given {
                flags: settings.filter_map(typed).collect(),
                config: matches.get_one::<PathBuf>(CONFIG).cloned(),
                variables: Vec::new(),
            },
            prints_config: matches.get_flag(PRINT_CONFIG),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
