//! Which server `chat`, `pub` and `sub` talk to, and as whom.

use std::io::{self, IsTerminal, Stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use parlour_client::{
    AddressError, Away, CaError, CallError, Client, Config, ConnectError, Ended, Events, Hello,
    Missed, PathError, RoomName, RoomNameError,
};

use crate::lines::{LineError, Lines};

/// What is said of the exit status in the help of each.
pub(crate) const NOT_KNOWN: u8 = 3;
/// The same of `chat` and `pub`: not delivered, and kept in a file.
pub(crate) const KEPT: u8 = 4;

/// Where a server is that was told nothing else.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Which server, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// Address of the server, with http:// or https://
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    url: String,
    /// Come in as the guest guest-NAME [default: a name that the server chooses]
    #[arg(long = "as", value_name = "NAME", conflicts_with = "user")]
    guest: Option<String>,
    /// Sign in as this user; asks for the password
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Read the password from standard input: its first line, without the end
    #[arg(long, requires = "user")]
    password_stdin: bool,
    /// Send the password over http:// to another machine, where nobody listens in
    #[arg(long, requires = "user")]
    insecure: bool,
    /// Trust the certificates in this PEM file, and no others
    ///
    /// For a self-signed server that is tls/cert.pem in its data directory.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Where the server's --ws-path is
    #[arg(long, value_name = "PATH", default_value = "/ws")]
    ws_path: String,
    /// Where its --ticket-path is
    #[arg(long, value_name = "PATH", default_value = "/ticket")]
    ticket_path: String,
    /// Where its --login-path is
    #[arg(long, value_name = "PATH", default_value = "/login")]
    login_path: String,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("{0}")]
    Path(#[from] PathError),
    #[error("{0}")]
    Ca(#[from] CaError),
    #[error("{name:?} is no room: {why}")]
    Room { name: String, why: RoomNameError },
    #[error("{0}{hint}", hint = hint(.0))]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Call(#[from] CallError),
    #[error("{0}")]
    Ended(Ended),
    #[error("there is no terminal to ask for the password ({0}): give it with --password-stdin")]
    NoTerminal(io::Error),
    #[error("an outbox is of one user: say which with --as NAME or --user NAME")]
    NoName,
    #[error("standard input is empty: give the password as its first line")]
    NoPassword,
    #[error(
        "everybody on the way to {0} could read the password: use https://, or --insecure where nobody \
         listens in; or come in as a guest with --as NAME"
    )]
    Overheard(String),
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("cannot start: {0}")]
    Start(io::Error),
    #[error("the result cannot be written: {0}")]
    Output(io::Error),
}

impl RemoteError {
    pub(crate) fn room(name: &str) -> Result<RoomName, Self> {
        RoomName::new(name).map_err(|why| Self::Room {
            name: name.to_owned(),
            why,
        })
    }
}

/// What to do at this command line.
fn hint(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Refused { code, .. } => hint_of(code),
        ConnectError::Unreachable { .. } => " (start one with: parlour serve; --url names another)",
        ConnectError::Tls { .. } => ": --ca FILE",
        _ => "",
    }
}

fn hint_of(code: &str) -> &'static str {
    match code {
        "guests_not_allowed" => "; sign in with --user NAME",
        "bad_name" => "; choose another one with --as NAME",
        _ => "",
    }
}

/// What is said of a client that does not come back.
pub(crate) fn ended(ended: &Ended) -> String {
    match ended {
        Ended::NeverIn { code, message } => format!("{message}{}", hint_of(code)),
        ended => ended.to_string(),
    }
}

/// Standard input as lines, and whether somebody types them.
pub(crate) type Input = Lines<io::BufReader<Stdin>>;

impl Remote {
    /// Connects. The input comes back without the password.
    pub(crate) async fn connect(&self) -> Result<(Client, Events, Input), RemoteError> {
        self.connect_with(None).await
    }

    /// As [`connect`](Self::connect), with an outbox in this file: then it comes back before there is a connection.
    pub(crate) async fn connect_with(
        &self,
        outbox: Option<&Path>,
    ) -> Result<(Client, Events, Input), RemoteError> {
        let mut input = Lines::new(io::BufReader::new(io::stdin()));
        let mut config = Config::new(&self.url)?
            .ws_path(&self.ws_path)?
            .ticket_path(&self.ticket_path)?
            .login_path(&self.login_path)?;
        if let Some(ca) = &self.ca {
            config = config.ca_file(ca)?;
        }
        if let Some(outbox) = outbox {
            if self.guest.is_none() && self.user.is_none() {
                return Err(RemoteError::NoName);
            }
            config = config.outbox(outbox);
        }
        if let Some(name) = &self.guest {
            config = config.guest(name);
        }
        if let Some(name) = &self.user {
            if !config.is_private() && !self.insecure {
                return Err(RemoteError::Overheard(self.url.clone()));
            }
            let password = if self.password_stdin {
                input
                    .next()?
                    .filter(|it| !it.is_empty())
                    .ok_or(RemoteError::NoPassword)?
            } else {
                let prompt = format!("Password for {name}: ");
                rpassword::prompt_password(prompt).map_err(RemoteError::NoTerminal)?
            };
            config = config.user(name, password);
        }
        let (client, events) = match outbox {
            // What is said is kept, whether there is a server or not.
            Some(_) => Client::start(config).map_err(ConnectError::from)?,
            None => Client::connect(config).await?,
        };
        Ok((client, events, input))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Runs one of the commands.
pub(crate) fn block_on(
    command: impl Future<Output = Result<ExitCode, RemoteError>>,
) -> Result<ExitCode, RemoteError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RemoteError::Start)?;
    let done = runtime.block_on(command);
    // A thread that waits for standard input is not waited for.
    runtime.shutdown_background();
    done
}

/// Whether it is somebody who types and reads.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// What is said when the connection is lost.
pub(crate) fn away(why: &Away, retry_in: Duration) -> String {
    let hint = match why {
        Away::Failed(error) => hint(error),
        _ => "",
    };
    format!(
        "{why}{hint}; trying again in {:.1} s",
        retry_in.as_secs_f64()
    )
}

/// What is said when the outbox cannot be written.
pub(crate) fn outbox_failed(why: &str) -> String {
    format!("the outbox cannot be written: {why}; what is said is refused until it can")
}

/// The same when it can.
pub(crate) const OUTBOX_MENDED: &str = "the outbox is written again";

/// What is said when it is open.
pub(crate) fn connected(url: &str, hello: &Hello) -> String {
    format!("connected to {url} as {}", hello.user)
}

/// What is said of entries that will not come.
pub(crate) fn gap(room: &RoomName, missed: &Missed) -> String {
    match missed {
        Missed::Entries { first, last, .. } => match last.0.saturating_sub(first.0) + 1 {
            1 => format!("one entry of {room} was missed and is no longer kept"),
            count => format!("{count} entries of {room} were missed and are no longer kept"),
        },
        Missed::Epoch { .. } => {
            format!("{room} began anew: what was said there meanwhile is not known")
        }
    }
}
