//! The server's end of the control socket.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parlour::{Doors, UserName};
use parlour_accounts::Book;
use parlour_store_redb::Stores;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::place::{ControlError, Place, check_directory, own_user};
use super::words::{Answer, Code, Refused, Request};
use super::{Change, Looked, REQUEST_BYTES_MAX, RoomAnswer, RoomRequest, do_one, do_room};

/// Commands at once; further ones wait in the kernel's queue.
pub(super) const CONNECTIONS_MAX: usize = 16;
/// For a request to come, and again for its answer to be taken.
const LINE_TIME: Duration = Duration::from_secs(10);
/// After so long without news of what takes long, the last ones are told again.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is read and thrown away after an answer, in bytes.
const REST_BYTES_MAX: u64 = 1024 * 1024;
/// After a failed accept, mostly for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The bound socket. Taken away when it is dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    place: Place,
}

impl ControlSocket {
    /// Binds the socket in the data directory, in place of one that a dead server left. To be
    /// called on a tokio runtime by who holds the lock of the directory.
    pub(crate) fn bind(data: &Path) -> Result<Self, ControlError> {
        check_directory(data)?;
        let failed = |source| ControlError::Socket {
            path: data.into(),
            source,
        };
        let place = Place::of(data).map_err(failed)?;
        match fs::symlink_metadata(&place.path) {
            Ok(metadata) if metadata.file_type().is_socket() => {
                fs::remove_file(&place.path).map_err(failed)?;
            }
            Ok(_) => return Err(ControlError::InTheWay(data.join("control.sock"))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = UnixListener::bind(&place.path).map_err(failed)?;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&place.path, private).map_err(failed)?;
        Ok(Self { listener, place })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // A socket that stays is replaced at the next start.
        let _ = fs::remove_file(&self.place.path);
    }
}

/// Serves the socket until it is dropped. After a command that ends sessions, their connections
/// are closed; after one that makes an account, nobody has its name as a nickname.
pub(crate) async fn serve(socket: ControlSocket, book: Book, stores: Option<Stores>, doors: Doors) {
    let serving = Arc::new(Serving {
        book,
        stores,
        doors,
        verifying: Arc::new(Semaphore::new(1)),
    });
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match socket.listener.accept().await {
            Ok((stream, _)) => {
                let serving = Arc::clone(&serving);
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &serving).await {
                        tracing::debug!(%error, "a control connection failed");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket takes nobody now");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What is served.
struct Serving {
    book: Book,
    stores: Option<Stores>,
    doors: Doors,
    /// Looking at all rooms is for one at a time: the disk has other things to do.
    verifying: Arc<Semaphore>,
}

/// One line in, one line out; before that lines that say how far it is.
async fn converse(stream: UnixStream, serving: &Serving) -> io::Result<()> {
    let is_allowed = is_own_or_root(&stream)?;
    let mut stream = BufReader::new(stream);
    let answer = if is_allowed {
        match timeout(LINE_TIME, read_request(&mut stream)).await? {
            Ok(request) => {
                let (user, room) = (request.user(), request.room());
                let command = request.name();
                if request.only_looks() {
                    tracing::debug!(command, user, room, "control");
                } else {
                    tracing::info!(command, user, room, "control");
                }
                match request {
                    Request::Room(request) => serving.ask_rooms(request, &mut stream).await?,
                    request => serving.ask_book(request).await,
                }
            }
            Err(refused) => Answer::Refused(refused),
        }
    } else {
        Answer::Refused(Refused::new(
            Code::Forbidden,
            "the control socket is for the user who runs the server, and for root",
        ))
    };
    write_line(&mut stream, &answer).await?;
    stream.get_mut().shutdown().await?;
    // Hanging up on what was not read would take the answer away from its reader.
    let mut rest = stream.take(REST_BYTES_MAX);
    timeout(
        LINE_TIME,
        tokio::io::copy(&mut rest, &mut tokio::io::sink()),
    )
    .await??;
    Ok(())
}

async fn write_line(stream: &mut BufReader<UnixStream>, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    timeout(LINE_TIME, stream.get_mut().write_all(&line)).await?
}

impl Serving {
    async fn ask_book(&self, request: Request) -> Answer {
        let tell = |change, user: &UserName| match change {
            Change::Added => self.doors.user_added(user),
            Change::Ended => self.doors.end_user(user),
        };
        do_one(&self.book, request, tell).await
    }

    /// Off this thread, as it reads from the disk; who asked is told how far it is.
    async fn ask_rooms(
        &self,
        request: RoomRequest,
        stream: &mut BufReader<UnixStream>,
    ) -> io::Result<Answer> {
        let refused = |code, words: &str| Ok(Answer::Refused(Refused::new(code, words)));
        let Some(stores) = self.stores.clone() else {
            return refused(
                Code::Unknown,
                "this server keeps no rooms on disk: its setting --rooms makes all volatile",
            );
        };
        let turn = match &request {
            RoomRequest::Verify { .. } => match Arc::clone(&self.verifying).try_acquire_owned() {
                Ok(turn) => Some(turn),
                Err(_) => {
                    return refused(
                        Code::Busy,
                        "the rooms are being verified already: wait for that",
                    );
                }
            },
            _ => None,
        };
        let (progress, mut told) = mpsc::channel(1);
        let asking = spawn_blocking(move || {
            // Held to the end, also when who asked has hung up.
            let _turn = turn;
            do_room(&stores, &request, |looked| {
                // Who reads slowly is told less often.
                let _ = progress.try_send(looked);
            })
        });
        let mut so_far = Looked::default();
        loop {
            match timeout(PATIENCE, told.recv()).await {
                Ok(Some(looked)) => so_far = looked,
                Ok(None) => break,
                // Who asked is to know that somebody is at it.
                Err(_) => {}
            }
            write_line(stream, &Answer::Room(RoomAnswer::Verifying(so_far))).await?;
        }
        Ok(match asking.await {
            Ok(Ok(answer)) => Answer::Room(answer),
            Ok(Err(why)) => Answer::Refused(why),
            Err(_) => {
                return refused(Code::Broken, "that failed: please report what the log says");
            }
        })
    }
}

/// The kernel knows who is at the other end.
fn is_own_or_root(stream: &UnixStream) -> io::Result<bool> {
    Ok(is_allowed(stream.peer_cred()?.uid(), own_user()?))
}

fn is_allowed(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

async fn read_request(stream: &mut BufReader<UnixStream>) -> Result<Request, Refused> {
    let bad = |message: String| Refused::new(Code::BadRequest, message);
    let mut line = Zeroizing::new(Vec::with_capacity(REQUEST_BYTES_MAX));
    let mut bounded = stream.take(REQUEST_BYTES_MAX as u64);
    let read = bounded.read_until(b'\n', &mut line).await;
    read.map_err(|error| bad(format!("the request cannot be read: {error}")))?;
    if line.last() != Some(&b'\n') {
        let words = format!("a request is one line of at most {REQUEST_BYTES_MAX} bytes");
        return Err(bad(words));
    }
    serde_json::from_slice(&line).map_err(|error| {
        // Where it is wrong, and not what it says there: that may be a password.
        bad(format!(
            "no request that this version knows (column {} of the line)",
            error.column()
        ))
    })
}

impl Request {
    /// For the log.
    fn name(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::UserFind { .. } => "user_find",
            Self::UserAdd { .. } => "user_add",
            Self::UserList { .. } => "user_list",
            Self::UserRemove { .. } => "user_remove",
            Self::UserPasswd { .. } => "user_passwd",
            Self::Room(request) => request.name(),
        }
    }

    /// Whom it is about.
    fn user(&self) -> Option<&str> {
        match self {
            Self::Ping | Self::UserList { .. } | Self::Room(_) => None,
            Self::UserFind { name }
            | Self::UserAdd { name, .. }
            | Self::UserRemove { name }
            | Self::UserPasswd { name, .. } => Some(name),
        }
    }

    /// Whether it leaves everything as it is and is asked again and again.
    fn only_looks(&self) -> bool {
        match self {
            Self::Ping => true,
            Self::Room(request) => !matches!(request, RoomRequest::Trim { .. }),
            _ => false,
        }
    }

    /// Which room it is about.
    fn room(&self) -> Option<&str> {
        match self {
            Self::Room(
                RoomRequest::Find { room }
                | RoomRequest::Read { room, .. }
                | RoomRequest::Trim { room, .. },
            ) => Some(room),
            Self::Room(RoomRequest::Verify { room }) => room.as_deref(),
            _ => None,
        }
    }
}

impl RoomRequest {
    /// For the log.
    fn name(&self) -> &'static str {
        match self {
            Self::List { .. } => "room_list",
            Self::Find { .. } => "room_find",
            Self::Read { .. } => "room_read",
            Self::Verify { .. } => "room_verify",
            Self::Trim { .. } => "room_trim",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn the_same_user_and_root_are_allowed_and_no_other() {
        assert!(is_allowed(1000, 1000));
        assert!(is_allowed(0, 1000));
        assert!(!is_allowed(1001, 1000));
        assert!(!is_allowed(1000, 0));
    }
}
