//! The rooms on disk of a data directory, whether a server runs on it or not.

mod error;

use std::io;
use std::path::{Path, PathBuf};

use parlour_store_redb::{StoreConfig, Stores};

use crate::ServeError;
use crate::control::{self, Answer, Request, RoomAnswer, RoomRequest, do_room};
use crate::data::{self, DataLock};
use crate::store::has_rooms;
use crate::turn::{Access, access, in_turn};

pub use crate::control::{Damage, KeptEntry, KeptRoom, Looked};
pub use crate::turn::NoAccess;
pub use error::RoomsError;

/// The rooms of a data directory. On a live server they are asked for through its control socket, else
/// they are opened, under the lock of the directory, for as long as this lives.
#[derive(Debug)]
pub struct Rooms {
    data: PathBuf,
    way: Way,
}

/// How they are reached.
#[derive(Debug)]
enum Way {
    /// Closed before the lock is let go of.
    Files {
        stores: Stores,
        _lock: DataLock,
    },
    Server,
}

/// What looking at everything has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// How much was looked at.
    pub looked: Looked,
    /// What is damaged; of very many not all are named.
    pub damaged: Vec<Damage>,
}

/// All rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Those that can be read, in the order of their names.
    pub rooms: Vec<KeptRoom>,
    /// Those that cannot.
    pub damaged: Vec<Damage>,
}

impl Rooms {
    /// Finds those of the data directory at `data`. Files that were not closed in order are recovered
    /// first, which may take a while.
    ///
    /// # Errors
    /// [`RoomsError`]: [`RoomsError::NoData`] where there are none.
    pub fn of(data: &Path) -> Result<Self, RoomsError> {
        let no_data = || RoomsError::NoData(data.to_owned());
        if !data.is_dir() {
            return Err(no_data());
        }
        let is_live = || match control::ask(data, &Request::Ping) {
            Ok(Some(_)) => Ok(Some(Way::Server)),
            Ok(None) => Ok(None),
            Err(source) => Err(bad_answer(data, source)),
        };
        let way = match access(data)? {
            Access::ServerOnly { owner } => {
                let live = is_live()?;
                Some(live.ok_or_else(|| NoAccess::not_owner(data, owner))?)
            }
            // A wrong directory must not become a data directory by being asked.
            Access::Own if !has_rooms(data) && !data.join(data::LOCK).exists() => {
                return Err(no_data());
            }
            Access::Own => in_turn(|| on_files(data), is_live)?,
        };
        Ok(Self {
            way: way.ok_or_else(|| RoomsError::NoAnswer(data.into()))?,
            data: data.into(),
        })
    }

    /// All of them.
    ///
    /// # Errors
    /// [`RoomsError`].
    pub fn list(&self) -> Result<Listing, RoomsError> {
        let mut listing = Listing::default();
        let mut after = None;
        loop {
            match self.ask(RoomRequest::List { after }, |_| ())? {
                RoomAnswer::Listed {
                    rooms,
                    damaged,
                    next,
                } => {
                    listing.rooms.extend(rooms);
                    listing.damaged.extend(damaged);
                    if next.is_none() {
                        return Ok(listing);
                    }
                    after = next;
                }
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    /// One room; `None`: nothing was ever said in it that is on disk.
    ///
    /// # Errors
    /// [`RoomsError`].
    pub fn find(&self, room: &str) -> Result<Option<KeptRoom>, RoomsError> {
        let room = room.to_owned();
        match self.ask(RoomRequest::Find { room }, |_| ())? {
            RoomAnswer::Found(found) => Ok(found),
            other => Err(self.unexpected(&other)),
        }
    }

    /// The entries after `after`, at most `most`, and none if there are no more. They may begin later than
    /// asked for, if what was between is no longer kept.
    ///
    /// # Errors
    /// [`RoomsError`].
    pub fn read(&self, room: &str, after: u64, most: u32) -> Result<Vec<KeptEntry>, RoomsError> {
        let room = room.to_owned();
        match self.ask(RoomRequest::Read { room, after, most }, |_| ())? {
            RoomAnswer::Read(entries) => Ok(entries),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Looks at every entry of a room, or of all. `tell` is told how far it is.
    ///
    /// # Errors
    /// [`RoomsError`]: it could not be looked at. Damage is no error but the verdict.
    pub fn verify(
        &self,
        room: Option<&str>,
        tell: impl FnMut(Looked),
    ) -> Result<Verdict, RoomsError> {
        let room = room.map(ToOwned::to_owned);
        match self.ask(RoomRequest::Verify { room }, tell)? {
            RoomAnswer::Verified { looked, damaged } => Ok(Verdict { looked, damaged }),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Takes away the entries before `before`, for ever. The oldest that is kept then; `None`: there is no
    /// such room.
    ///
    /// # Errors
    /// [`RoomsError`].
    pub fn trim(&self, room: &str, before: u64) -> Result<Option<u64>, RoomsError> {
        let room = room.to_owned();
        match self.ask(RoomRequest::Trim { room, before }, |_| ())? {
            RoomAnswer::Trimmed(first) => Ok(first),
            other => Err(self.unexpected(&other)),
        }
    }

    fn ask(
        &self,
        request: RoomRequest,
        mut tell: impl FnMut(Looked),
    ) -> Result<RoomAnswer, RoomsError> {
        if let Way::Files { stores, .. } = &self.way {
            return Ok(do_room(stores, &request, tell)?);
        }
        let answer =
            control::ask_long(&self.data, &Request::Room(request), |answer| match answer {
                Answer::Room(RoomAnswer::Verifying(looked)) => {
                    tell(*looked);
                    true
                }
                _ => false,
            });
        match answer.map_err(|source| bad_answer(&self.data, source))? {
            Some(Answer::Room(answer)) => Ok(answer),
            Some(Answer::Refused(refused)) => Err(refused.into()),
            Some(other) => Err(self.unexpected(&other)),
            None => Err(RoomsError::Gone(self.data.clone())),
        }
    }

    fn unexpected(&self, answer: &impl std::fmt::Debug) -> RoomsError {
        bad_answer(&self.data, io::Error::other(format!("{answer:?}")))
    }
}

/// `None`: somebody else has the lock.
fn on_files(data: &Path) -> Result<Option<Way>, RoomsError> {
    let lock = match data::open(data) {
        Ok(lock) => lock,
        Err(ServeError::DataInUse(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !has_rooms(data) {
        return Err(RoomsError::NoData(data.to_owned()));
    }
    // What is kept of rooms is the server's to know: a look takes nothing away.
    let stores = Stores::open(data, &StoreConfig::default(), |_, _| ())?;
    Ok(Some(Way::Files {
        stores,
        _lock: lock,
    }))
}

fn bad_answer(data: &Path, source: io::Error) -> RoomsError {
    RoomsError::BadAnswer {
        path: data.into(),
        source,
    }
}
