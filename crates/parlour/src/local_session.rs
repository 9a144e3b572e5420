//! An in-process client: a connection without a socket.

mod kept;
pub(crate) mod line;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use parlour_hub::Attach;
use parlour_proto::dialect::{Dialect as _, V1};
use parlour_proto::told::{Told, ask};
use parlour_proto::{EntryId, EntryKind, Join, Limits, Position, RoomName, Seq, UserName};
use parlour_ws::Opcode;
use serde::Serialize;

use crate::hub::Hub;
use crate::occupancy::Full;
use crate::plane::{Arrival, Driver, Transport, pipe};
use kept::Kept;
use line::{Heard, Line};

/// Things that a session tells in a row before it lets other tasks go on.
const IN_A_ROW_MAX: u8 = 64;

/// A client of the hub in its own process: `parlour.v1` without a socket.
///
/// It is a connection like any other: it has its place among them, its publishes are numbered,
/// acknowledged and seen by everybody, and it is told everything in order. Who does not call
/// [`next`](Self::next) for long falls behind and is told the exact gap, as a browser would be; who
/// waits for answers meanwhile has at most 1,024 things or 1 MiB of them kept. It is never pinged, and
/// never closed for being slow. Dropping it leaves all its rooms.
///
/// Works on any executor. Every method may be dropped before its end; what it has asked may have
/// happened then.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use parlour::{Hub, HubConfig, Join, RoomName, Told, UserName};
/// let hub = Hub::start(HubConfig::default())?;
/// let den = RoomName::new("den")?;
/// let mut ann = hub.session(UserName::user("ann")?)?;
/// let mut bob = hub.session(UserName::user("bob")?)?;
/// ann.join(Join::next(den.clone())).await?;
/// bob.join(Join::next(den.clone())).await?;
///
/// let position = ann.say(&den, "hello").await?;
/// let Some(Told::Entry(said)) = bob.next().await else { panic!("an entry") };
/// assert_eq!((said.position, said.text().as_deref()), (position, Some("hello")));
/// assert_eq!(&*said.from, "ann");
/// # Ok(())
/// # }
/// ```
pub struct LocalSession {
    line: Line,
    who: UserName,
    limits: Arc<Limits>,
    kept: Kept,
    last_id: u64,
    end: Option<SessionEnd>,
    is_over: bool,
    in_a_row: u8,
}

/// Where a session begins in a room.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use parlour::{Hub, HubConfig, Join, RoomName, Seq, UserName};
/// let hub = Hub::start(HubConfig::default())?;
/// let mut ann = hub.session(UserName::user("ann")?)?;
/// let joined = ann.join(Join::next(RoomName::new("den")?)).await?;
/// assert_eq!(joined.head, Seq(0), "nothing was said yet");
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Everything after it is told.
    pub position: Position,
    /// The room's last entry at that moment: what comes up to it is a replay.
    pub head: Seq,
}

/// Why a session has ended.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use parlour::{Hub, HubConfig, UserName};
/// let hub = Hub::start(HubConfig::default())?;
/// let mut ann = hub.session(UserName::user("ann")?)?;
/// let to_its_end = async { while ann.next().await.is_some() {} };
/// tokio::join!(hub.shutdown(std::time::Duration::from_secs(5)), to_its_end);
/// let end = ann.end().expect("it was told why");
/// println!("{}, so come back after {:?}", end.message, end.retry_after);
/// assert_eq!(end.why, "going_away");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// For programs, such as `going_away`.
    pub why: String,
    /// For people.
    pub message: String,
    /// After this time a new session helps.
    pub retry_after: Option<Duration>,
}

/// Why a session did not do what it was asked.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use parlour::{Hub, HubConfig, RoomName, UserName};
/// use parlour::SessionError;
/// let hub = Hub::start(HubConfig::default())?;
/// let mut ann = hub.session(UserName::user("ann")?)?;
/// let refused = ann.say(&RoomName::new("den")?, "hello").await;
/// assert!(matches!(refused, Err(SessionError::Refused { code, .. }) if code == "not_in_room"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The command was refused. `code` is one of [`Refusal::code`](crate::Refusal::code), or the
    /// application's own.
    #[error("{message} ({code})")]
    Refused {
        /// For programs.
        code: String,
        /// For people.
        message: String,
        /// After this time the same command may succeed.
        retry_after: Option<Duration>,
    },
    /// The frame would be larger than `Limits::message_bytes_max`; nothing was sent.
    #[error("a message and the {} bytes around it may have at most {max} bytes", .bytes.saturating_sub(*.payload))]
    TooLarge {
        /// Of the whole frame.
        bytes: usize,
        /// Of the payload in it.
        payload: usize,
        /// What there may be.
        max: usize,
    },
    /// What was to be published is no JSON; nothing was sent.
    #[error("it cannot be written as JSON: {0}")]
    NotJson(String),
    /// As much as may be kept waits to be read with [`LocalSession::next`]; nothing was sent.
    #[error("too much is waiting to be read from this session; read it first")]
    Unread,
    /// The session has ended. A publish that had no answer yet may be there.
    #[error("the session has ended")]
    Ended,
    /// The hub does not speak `parlour.v1`: `HubConfig::dialects` has it by default.
    #[error("the hub does not speak parlour.v1, which sessions need; add it to its dialects")]
    Unspoken,
    /// The hub has as many connections as it may have, or is going away.
    #[error("{0}")]
    NoPlace(&'static str),
}

impl Hub {
    /// A client in this process, which speaks as `who`; that is believed, so it is the caller's to
    /// have made sure.
    ///
    /// # Errors
    /// [`SessionError::NoPlace`] and [`SessionError::Unspoken`].
    ///
    /// ```
    /// use parlour::{Hub, HubConfig, UserName};
    /// let hub = Hub::start(HubConfig::default()).unwrap();
    /// let session = hub.session(UserName::user("ann").unwrap()).unwrap();
    /// assert_eq!(session.who().as_str(), "ann");
    /// assert_eq!(hub.connections(), 1);
    /// ```
    pub fn session(&self, who: UserName) -> Result<LocalSession, SessionError> {
        let wire = self.wire(V1.name()).ok_or(SessionError::Unspoken)?;
        self.open_session(Attach::new(wire, who), Driver::Nobody)
    }

    /// One that a task of this crate reads for the application itself.
    pub(crate) fn own_session(&self) -> Result<LocalSession, SessionError> {
        let wire = self.wire(V1.name()).ok_or(SessionError::Unspoken)?;
        let who = UserName::user("$topic").map_err(|_| SessionError::Unspoken)?;
        let attach = Attach {
            is_own: true,
            ..Attach::new(wire, who)
        };
        self.open_session(attach, Driver::Task)
    }

    fn open_session(&self, attach: Attach, driver: Driver) -> Result<LocalSession, SessionError> {
        let who = attach.who.clone();
        let place = self.take_local_place().map_err(no_place)?;
        let (near, far) = pipe(self.inbox(place.shard()), driver);
        self.attach(Arrival {
            transport: Transport::Pipe(near),
            unread: Vec::new(),
            attach: Attach {
                is_local: true,
                ..attach
            },
            place,
        });
        Ok(LocalSession {
            line: Line::new(far),
            who,
            limits: self.shared_limits(),
            kept: Kept::default(),
            last_id: 0,
            end: None,
            is_over: false,
            in_a_row: 0,
        })
    }
}

fn no_place(full: Full) -> SessionError {
    SessionError::NoPlace(match full {
        Full::GoingAway => "the hub is going away",
        Full::Server | Full::Address => "the hub has as many connections as it may have",
    })
}

impl LocalSession {
    /// Who it speaks as.
    #[must_use]
    pub fn who(&self) -> &UserName {
        &self.who
    }

    /// Why it has ended, if the hub has said so.
    #[must_use]
    pub fn end(&self) -> Option<&SessionEnd> {
        self.end.as_ref()
    }

    /// Is in a room: from its next entry on, or from a position. What comes up to `head` is a
    /// replay; where it does not begin at that position, a gap says so.
    ///
    /// # Errors
    /// [`SessionError`]; the session is not in the room then, or was in it already.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, Join, RoomName, SessionError, Told, UserName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let den = RoomName::new("den")?;
    /// # let mut ann = hub.session(UserName::user("ann")?)?;
    /// let start = ann.join(Join::next(den.clone())).await?.position;
    /// ann.say(&den, "one").await?;
    /// drop(ann);
    /// // Later, from where it was:
    /// let mut ann = hub.session(UserName::user("ann")?)?;
    /// let join = Join { from: Some(start), ..Join::next(den.clone()) };
    /// assert_eq!(ann.join(join).await?.head.0, 1);
    /// assert!(matches!(ann.next().await, Some(Told::Entry(said)) if said.position.seq.0 == 1));
    /// let again = ann.join(Join::next(den)).await;
    /// assert!(matches!(again, Err(SessionError::Refused { code, .. }) if code == "already_joined"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn join(&mut self, join: Join) -> Result<Joined, SessionError> {
        if self.kept.is_full() {
            return Err(SessionError::Unread);
        }
        let wanted = join.room.clone();
        let mut frame = Vec::new();
        ask::join(&[join], &mut frame);
        self.ask(&frame, 0, |told| match told {
            Told::Joined {
                room,
                position,
                head,
            } if *room == wanted => Some(Ok(Joined {
                position: *position,
                head: *head,
            })),
            told => refusal(told, Some(&wanted), None),
        })
        .await
    }

    /// Is in a room no longer: after it nothing more of that room is told, but what was kept.
    ///
    /// # Errors
    /// [`SessionError`], e.g. `not_in_room`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, Join, RoomName, SessionError, Told, UserName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let den = RoomName::new("den")?;
    /// # let mut ann = hub.session(UserName::user("ann")?)?;
    /// ann.join(Join::next(den.clone())).await?;
    /// ann.leave(&den).await?;
    /// assert!(ann.say(&den, "too late").await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn leave(&mut self, room: &RoomName) -> Result<(), SessionError> {
        if self.kept.is_full() {
            return Err(SessionError::Unread);
        }
        let mut frame = Vec::new();
        ask::leave(std::slice::from_ref(room), &mut frame);
        self.ask(&frame, 0, |told| match told {
            Told::Left { room: left } if left == room => Some(Ok(())),
            told => refusal(told, Some(room), None),
        })
        .await
    }

    /// Says a text in a room that it is in; its place in it, once that is final.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn say(&mut self, room: &RoomName, text: &str) -> Result<Position, SessionError> {
        self.publish(room, &EntryKind::MESSAGE, text).await
    }

    /// Publishes anything to a room that it is in; its place in it, once that is final. The session
    /// is told its own entries, too.
    ///
    /// # Errors
    /// [`SessionError`]. After [`SessionError::Ended`] nobody knows whether it is there; after every
    /// other it is not.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{EntryKind, Hub, HubConfig, Join, RoomName, Told, UserName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let den = RoomName::new("den")?;
    /// # let mut ann = hub.session(UserName::user("ann")?)?;
    /// # ann.join(Join::next(den.clone())).await?;
    /// let kind = EntryKind::new("app:move").unwrap();
    /// assert_eq!(ann.publish(&den, &kind, &(4, 2)).await?.seq.0, 1);
    /// let Some(Told::Entry(said)) = ann.next().await else { panic!("its own entry") };
    /// assert_eq!(said.payload, "[4,2]");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish<T: Serialize + ?Sized>(
        &mut self,
        room: &RoomName,
        kind: &EntryKind,
        payload: &T,
    ) -> Result<Position, SessionError> {
        let payload = serde_json::to_vec(payload);
        let payload = payload.map_err(|error| SessionError::NotJson(error.to_string()))?;
        let id = self.next_id();
        let mut frame = Vec::new();
        ask::publish(room, Some(&id), kind, &payload, &mut frame);
        self.ask(&frame, payload.len(), |told| match told {
            Told::Ack {
                id: Some(acked),
                position,
                ..
            } if *acked == id => Some(Ok(*position)),
            told => refusal(told, None, Some(&id)),
        })
        .await
    }

    /// The next that it is told, in order; `None` at its end, for which see [`end`](Self::end).
    /// Answers to `join`, `leave` and `publish` go to who waits for them, not here.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use parlour::{Hub, HubConfig, Join, RoomName, SessionError, Told, UserName};
    /// # let hub = Hub::start(HubConfig::default())?;
    /// # let den = RoomName::new("den")?;
    /// # let mut ann = hub.session(UserName::user("ann")?)?;
    /// ann.join(Join::next(den.clone())).await?;
    /// hub.shutdown(std::time::Duration::from_secs(9)).await;
    /// assert_eq!(ann.next().await, None);
    /// assert_eq!(ann.end().expect("it was told").why, "going_away");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Told> {
        poll_fn(|context| self.poll_told(context)).await
    }

    fn next_id(&mut self) -> EntryId {
        loop {
            self.last_id += 1;
            // So short a text is an id.
            if let Ok(id) = EntryId::new(&format!("s{}", self.last_id)) {
                return id;
            }
        }
    }

    /// Sends a frame and waits for what `answers` it; everything else that is told is kept.
    async fn ask<T>(
        &mut self,
        frame: &[u8],
        payload: usize,
        answers: impl Fn(&Told) -> Option<Result<T, SessionError>>,
    ) -> Result<T, SessionError> {
        let max = self.limits.message_bytes_max;
        if frame.len() > max {
            return Err(SessionError::TooLarge {
                bytes: frame.len(),
                payload,
                max,
            });
        }
        // The rest of a frame whose asker has gone.
        poll_fn(|context| self.poll_sent(context)).await?;
        self.line.put(Opcode::Text, frame);
        poll_fn(|context| self.poll_answer(context, &answers)).await
    }

    /// Reads on while the shard takes nothing: it may wait for that.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SessionError>> {
        while self.line.poll_flush(context).is_pending() {
            match ready!(self.poll_heard(context)) {
                Some(told) => self.keep(told),
                None => return Poll::Ready(Err(SessionError::Ended)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_answer<T>(
        &mut self,
        context: &mut Context<'_>,
        answers: impl Fn(&Told) -> Option<Result<T, SessionError>>,
    ) -> Poll<Result<T, SessionError>> {
        loop {
            let _ = self.line.poll_flush(context);
            let Some(told) = ready!(self.poll_heard(context)) else {
                return Poll::Ready(Err(SessionError::Ended));
            };
            match answers(&told) {
                Some(answer) => return Poll::Ready(answer),
                None => self.keep(told),
            }
        }
    }

    /// Keeps what is not the answer to a publish: who has asked for that has gone.
    fn keep(&mut self, told: Told) {
        if !is_answer(&told) {
            self.kept.keep(told);
        }
    }

    fn poll_told(&mut self, context: &mut Context<'_>) -> Poll<Option<Told>> {
        let _ = self.line.poll_flush(context);
        if let Some(told) = self.kept.take() {
            return Poll::Ready(Some(told));
        }
        loop {
            match ready!(self.poll_heard(context)) {
                Some(told) if is_answer(&told) => {}
                told => return Poll::Ready(told),
            }
        }
    }

    /// The next that comes out of the pipe and is for somebody.
    fn poll_heard(&mut self, context: &mut Context<'_>) -> Poll<Option<Told>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if self.in_a_row >= IN_A_ROW_MAX {
            self.in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            let Poll::Ready(heard) = self.line.poll_hear(context) else {
                self.in_a_row = 0;
                return Poll::Pending;
            };
            match heard {
                Some(Heard::Text(text)) => {
                    if let Some(told) = self.hear(&text) {
                        self.in_a_row += 1;
                        return Poll::Ready(Some(told));
                    }
                }
                Some(Heard::Ping(payload)) => {
                    self.line.put(Opcode::Pong, &payload);
                    let _ = self.line.poll_flush(context);
                }
                Some(Heard::Binary(_) | Heard::Pong(_)) => {}
                Some(Heard::Close(_)) | None => {
                    self.is_over = true;
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn hear(&mut self, text: &str) -> Option<Told> {
        match Told::parse(text) {
            Ok(Told::Hello(_) | Told::Unknown { .. }) => None,
            Ok(Told::Closing {
                why,
                message,
                retry_after,
            }) => {
                self.end = Some(SessionEnd {
                    why,
                    message,
                    retry_after,
                });
                None
            }
            Ok(told) => Some(told),
            Err(error) => {
                tracing::error!(%error, "this server broke its own protocol");
                None
            }
        }
    }
}

/// Whether it answers a publish. Each of a session's own has an id.
fn is_answer(told: &Told) -> bool {
    matches!(told, Told::Ack { .. } | Told::Error { id: Some(_), .. })
}

/// The refusal of a command about `room`, or of the publish `id`.
fn refusal<T>(
    told: &Told,
    about: Option<&RoomName>,
    called: Option<&EntryId>,
) -> Option<Result<T, SessionError>> {
    let Told::Error {
        code,
        message,
        room,
        id,
        retry_after,
    } = told
    else {
        return None;
    };
    let is_meant = match (called, id) {
        (Some(called), Some(id)) => called == id,
        (None, None) => room.is_none() || room.as_ref() == about,
        // It was thrown away unread, so its answer does not name it; one command at a time waits.
        (Some(_), None) => room.is_none(),
        (None, Some(_)) => false,
    };
    is_meant.then(|| {
        Err(SessionError::Refused {
            code: code.clone(),
            message: message.clone(),
            retry_after: *retry_after,
        })
    })
}

/// As [`LocalSession::next`].
impl Stream for LocalSession {
    type Item = Told;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Told>> {
        self.poll_told(context)
    }
}
