//! `parlour user …`: who may sign in.

mod password;
mod table;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use parlour_server::settings::SettingsError;
use parlour_server::users::{Code, Ended, Users, UsersError};

use crate::place::{Data, Place, quoted};
use password::{Asked, PasswordError};

/// Who may sign in
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user; asks for the password
    #[command(after_help = ADD_EXAMPLES)]
    Add(Given),
    /// List the users
    #[command(after_help = LIST_EXAMPLES)]
    List(Listing),
    /// Remove a user: ends the sessions and closes the connections of that user at once
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove(Named),
    /// Give a user another password: ends the sessions and closes the connections of that user
    #[command(after_help = PASSWD_EXAMPLES)]
    Passwd(Given),
}

/// The help of `parlour user`.
pub(crate) const EXAMPLES: &str = "\
Works on a running server at once, and on a stopped one. Names are told apart without regard to
case; Ann signs in as ann, too.

Examples:
  parlour user add ann                add a user to ./parlour-data, made if it is not there
  parlour user list                   who there is, and who has open sessions
  parlour user passwd ann             another password
  parlour user remove ann             and every device of that user is out";

const ADD_EXAMPLES: &str = "\
Examples:
  parlour user add ann
      Ask for the password twice, without showing it.
  parlour user add ann --data /var/lib/parlour
      Add the user to the server with data elsewhere.
  parlour user add ann --config /etc/parlour.toml
      The same, where the server's own file says where that is.
  pass show chat/ann | head -n 1 | parlour user add ann --password-stdin
      Take the password from another program; it is never an argument, which others could see.";

const LIST_EXAMPLES: &str = "\
Examples:
  parlour user list
  parlour user list --json | jq -r .name
      One JSON object per line: name, made, changed (RFC 3339) and sessions.";

const REMOVE_EXAMPLES: &str = "\
Examples:
  parlour user remove ann
      Nothing is asked; what ann has said stays in the rooms.";

const PASSWD_EXAMPLES: &str = "\
Examples:
  parlour user passwd ann
      Ask for the new password twice; every device of ann has to sign in again.
  openssl rand -base64 18 | tee /dev/stderr | parlour user passwd ann --password-stdin
      Make a password, and show it once.";

/// Who.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Name of the user, in whatever case
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Who, and with which password.
#[derive(Debug, Args)]
pub(crate) struct Given {
    #[command(flatten)]
    who: Named,
    /// Read the password from standard input: one line, without its end
    #[arg(long)]
    password_stdin: bool,
}

/// In which form.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error(transparent)]
    Users(UsersError),
    #[error("{0}: {fix}", fix = .1)]
    Refused(String, String),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("the result cannot be written: {0}; give standard output a reader")]
    Output(#[from] io::Error),
}

/// Does it, and says what was done.
pub(crate) fn run(user: &User) -> Result<(), UserError> {
    match user {
        User::Add(given) => add(given),
        User::List(listing) => list(listing),
        User::Remove(named) => remove(named),
        User::Passwd(given) => passwd(given),
    }
}

fn add(given: &Given) -> Result<(), UserError> {
    let who = given.who.found()?;
    let (name, data) = (&who.name, &who.data.0);
    let users = who.users();
    // Nobody types a password twice to be told then that there is such a user.
    match users.find(name) {
        Ok(None) | Err(UsersError::NoData(_)) => {}
        Ok(Some(found)) => return Err(who.exists(&found)),
        Err(error) => return Err(who.failed(error)),
    }
    let password = password::ask(Asked::of(name, given.password_stdin))?;
    let is_new = !data.exists();
    let added = users.add(name, password);
    let name = added.map_err(|error| who.failed(error))?;
    if is_new {
        say(&format!("made the data directory {}", data.display()))?;
    }
    say(&format!("added {name}"))
}

fn passwd(given: &Given) -> Result<(), UserError> {
    let who = given.who.found()?;
    let users = who.users();
    let found = users.find(who.name).map_err(|error| who.failed(error))?;
    let Some(name) = found else {
        return Err(who.unknown());
    };
    let password = password::ask(Asked::of(&name, given.password_stdin))?;
    let changed = users.set_password(&name, password);
    let ended = changed.map_err(|error| who.failed(error))?;
    say(&format!(
        "{} has a new password; {}",
        ended.name,
        what_ended(&ended)
    ))
}

fn remove(named: &Named) -> Result<(), UserError> {
    let who = named.found()?;
    let removed = who.users().remove(who.name);
    let ended = removed.map_err(|error| who.failed(error))?;
    say(&format!("removed {}; {}", ended.name, what_ended(&ended)))
}

fn list(listing: &Listing) -> Result<(), UserError> {
    let data = listing.place.found()?;
    let users = Users::of(&data.0);
    let users = users.list().map_err(UserError::Users)?;
    let mut out = io::stdout().lock();
    if listing.json {
        table::json(&users, &mut out)?;
    } else if users.is_empty() {
        let flag = data.flag();
        writeln!(
            out,
            "no users; add the first one with: parlour user add NAME{flag}"
        )?;
    } else {
        table::text(&users, &mut out)?;
    }
    out.flush()?;
    Ok(())
}

fn what_ended(ended: &Ended) -> String {
    match ended.sessions {
        0 => "no session was open".into(),
        1 => "ended 1 session".into(),
        sessions => format!("ended {sessions} sessions"),
    }
}

fn say(words: &str) -> Result<(), UserError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{words}")?;
    out.flush()?;
    Ok(())
}

/// Who, and where.
struct Who<'a> {
    name: &'a str,
    data: Data,
}

impl Named {
    fn found(&self) -> Result<Who<'_>, SettingsError> {
        Ok(Who {
            name: &self.name,
            data: self.place.found()?,
        })
    }
}

impl Who<'_> {
    fn users(&self) -> Users {
        Users::of(&self.data.0)
    }

    /// With the command that helps.
    fn failed(&self, error: UsersError) -> UserError {
        let UsersError::Refused(refused) = error else {
            return UserError::Users(error);
        };
        match refused.code {
            Code::Exists => self.exists(self.name),
            Code::Unknown => self.unknown(),
            Code::Busy => UserError::Refused(refused.message, "try again".into()),
            _ => UserError::Users(refused.into()),
        }
    }

    fn exists(&self, found: &str) -> UserError {
        let words = format!("there is a user {found} already");
        let flag = self.data.flag();
        let fix = format!(
            "choose another name, or give a new password with: parlour user passwd {}{flag}",
            quoted(found)
        );
        UserError::Refused(words, fix)
    }

    fn unknown(&self) -> UserError {
        let words = format!("there is no user {}", self.name);
        let fix = format!(
            "see who there is with: parlour user list{}",
            self.data.flag()
        );
        UserError::Refused(words, fix)
    }
}
