//! The users of a data directory, whether a server runs on it or not.

mod error;

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

use parlour::UserName;
use parlour_accounts::{Book, BookConfig, BookError};
use tokio::runtime;

use crate::ServeError;
use crate::control::{self, Answer, Request, Spoken, do_one};
use crate::data::{self, DataLock};
use crate::turn::{Access, access, in_turn};

pub use crate::control::{Code, ControlError, Listed, Refused};
pub use crate::turn::NoAccess;
pub use error::UsersError;
pub use parlour::Password;
pub use parlour_accounts::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN};

/// The users of a data directory. On a live server they are asked for and changed through its
/// control socket, else in the file, under the lock of the directory.
#[derive(Clone, Debug)]
pub struct Users {
    data: PathBuf,
}

/// Whose sessions a change has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// The user, as the name was stored.
    pub name: String,
    /// How many sessions were open.
    pub sessions: usize,
}

impl Users {
    /// Those of the data directory at `data`.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self { data: data.into() }
    }

    /// The user of that name, as the name is stored, in whatever case it is asked for.
    ///
    /// # Errors
    /// [`UsersError`]: [`UsersError::NoData`] where nobody was ever added.
    pub fn find(&self, name: &str) -> Result<Option<String>, UsersError> {
        let checked = UserName::user(name);
        checked.map_err(|error| Refused::new(Code::BadName, format!("{name:?}: {error}")))?;
        let name = name.to_owned();
        match self.ask(Request::UserFind { name })? {
            Answer::Found { name } => Ok(name),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Adds a user; gives the name as it is stored. Makes the data directory if it is not there.
    ///
    /// # Errors
    /// [`UsersError`]: nothing was changed.
    pub fn add(&self, name: &str, password: Password) -> Result<String, UsersError> {
        let (name, password) = (name.to_owned(), Spoken(password));
        match self.ask(Request::UserAdd { name, password })? {
            Answer::Added { name } => Ok(name),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Removes a user and ends all sessions of that user.
    ///
    /// # Errors
    /// [`UsersError`]: nothing was changed.
    pub fn remove(&self, name: &str) -> Result<Ended, UsersError> {
        let name = name.to_owned();
        self.end(Request::UserRemove { name })
    }

    /// Gives a user another password and ends all sessions of that user.
    ///
    /// # Errors
    /// [`UsersError`]: nothing was changed.
    pub fn set_password(&self, name: &str, password: Password) -> Result<Ended, UsersError> {
        let (name, password) = (name.to_owned(), Spoken(password));
        self.end(Request::UserPasswd { name, password })
    }

    /// All users, in the order of their names in lower case.
    ///
    /// # Errors
    /// [`UsersError`].
    pub fn list(&self) -> Result<Vec<Listed>, UsersError> {
        let mut all: Vec<Listed> = Vec::new();
        loop {
            let after = all.last().map(|last| last.name.clone());
            match self.ask(Request::UserList { after })? {
                Answer::Users { users, is_last } => {
                    let is_last = is_last || users.is_empty();
                    all.extend(users);
                    if is_last {
                        return Ok(all);
                    }
                }
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    fn end(&self, request: Request) -> Result<Ended, UsersError> {
        match self.ask(request)? {
            Answer::Ended { name, sessions } => Ok(Ended { name, sessions }),
            other => Err(self.unexpected(&other)),
        }
    }

    fn ask(&self, request: Request) -> Result<Answer, UsersError> {
        if let Access::ServerOnly { owner } = self.access(&request)? {
            let answer = self.ask_server(&request)?;
            return answer.ok_or_else(|| NoAccess::not_owner(&self.data, owner).into());
        }
        let request = RefCell::new(Some(request));
        let on_file = || match self.on_file() {
            Ok((_lock, book)) => {
                let request = request.take();
                request.map(|it| self.do_one(&book, it)).transpose()
            }
            // Who ends lets go of the lock a moment before the file.
            Err(UsersError::Data(ServeError::DataInUse(_)))
            | Err(UsersError::Book(BookError::InUse(_))) => Ok(None),
            Err(error) => Err(error),
        };
        let on_server = || match &*request.borrow() {
            Some(request) => self.ask_server(request),
            None => Ok(None),
        };
        let answer = in_turn(on_file, on_server)?;
        answer.ok_or_else(|| UsersError::NoAnswer(self.data.clone()))
    }

    fn access(&self, request: &Request) -> Result<Access, UsersError> {
        let is_adding = matches!(request, Request::UserAdd { .. });
        if is_adding && !self.data.exists() {
            return Ok(Access::Own);
        }
        if !self.data.is_dir() {
            return Err(UsersError::NoData(self.data.clone()));
        }
        let access = access(&self.data)?;
        if matches!(access, Access::Own) && !is_adding && !self.has_been_used() {
            return Err(UsersError::NoData(self.data.clone()));
        }
        Ok(access)
    }

    /// A wrong directory must not become a data directory by being asked.
    fn has_been_used(&self) -> bool {
        [data::LOCK, Book::FILE_NAME]
            .iter()
            .any(|file| self.data.join(file).exists())
    }

    fn on_file(&self) -> Result<(DataLock, Book), UsersError> {
        let lock = data::open(&self.data)?;
        let book = Book::open(&self.data.join(Book::FILE_NAME), BookConfig::default())?;
        Ok((lock, book))
    }

    fn do_one(&self, book: &Book, request: Request) -> Result<Answer, UsersError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|source| ServeError::System {
                what: "threads",
                source,
            })?;
        self.granted(runtime.block_on(do_one(book, request, |_, _| ())))
    }

    fn ask_server(&self, request: &Request) -> Result<Option<Answer>, UsersError> {
        let answer = control::ask(&self.data, request);
        let answer = answer.map_err(|source| self.bad_answer(source))?;
        answer.map(|answer| self.granted(answer)).transpose()
    }

    fn granted(&self, answer: Answer) -> Result<Answer, UsersError> {
        match answer {
            Answer::Refused(refused) => Err(refused.into()),
            granted => Ok(granted),
        }
    }

    fn unexpected(&self, answer: &Answer) -> UsersError {
        self.bad_answer(io::Error::other(format!("{answer:?}")))
    }

    fn bad_answer(&self, source: io::Error) -> UsersError {
        UsersError::BadAnswer {
            path: self.data.clone(),
            source,
        }
    }
}
