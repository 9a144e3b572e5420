//! What the application is asked, and what comes of its answers.

use parlour_proto::{
    CloseReason, Command, ConnectionId, Draft, EntryKind, Event, Join, Refusal, RoomName, ShardId,
    UserName, renamed,
};

use super::Shard;
use super::commands::Publication;
use crate::ask::{Answer, Asked, Asks, Brought, DeniedRoom, NotTold, OwnedTold, What};
use crate::connection::{Asking, State};
use crate::letter::Body;
use crate::store::Store;

impl<S: Store> Shard<S> {
    /// What the application is to be asked or told since the last call, in order for each connection.
    pub fn take_asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.asked)
    }

    /// The application's answer to the question of a connection. One for a connection that is gone,
    /// is closing or has no question is dropped.
    pub fn answer(&mut self, id: ConnectionId, answer: Answer) {
        let Some(connection) = self.connection(id) else {
            return;
        };
        if connection.state != State::Open {
            return;
        }
        let Some(asking) = connection.rare.as_mut().and_then(|rare| rare.asking.take()) else {
            return;
        };
        connection.is_asking = false;
        self.take_answer(id.index, asking, answer);
        if let Some(connection) = self.connection(id)
            && !connection.is_asking
            && let Some(rare) = &mut connection.rare
        {
            // Whoever was not let into his first room comes later as anybody does.
            rare.first = None;
        }
        self.reconsider_asking(id.index);
    }

    /// Carries out a command on behalf of a connection, without its rate and without a question. A new
    /// name is given by [`rename`](Self::rename) instead.
    pub fn command(&mut self, id: ConnectionId, command: Command<'static>) {
        if self.is_open(id) {
            self.carry_out(id.index, command);
        }
    }

    /// The application tells a connection something.
    ///
    /// # Errors
    /// [`NotTold`]; nothing of it was sent.
    pub fn tell_one(&mut self, id: ConnectionId, told: &OwnedTold) -> Result<(), NotTold> {
        let full = self.limits.private_bytes_max;
        match self.connection(id) {
            Some(connection) if connection.state == State::Open => {
                if connection.private.waiting().len() >= full {
                    return Err(NotTold::Full);
                }
            }
            _ => return Err(NotTold::Gone),
        }
        let OwnedTold {
            kind,
            payload,
            frame,
        } = told;
        let event = Event::Told {
            kind,
            payload,
            frame: *frame,
        };
        if self.tell(id.index, &event) {
            Ok(())
        } else {
            Err(NotTold::NoWords)
        }
    }

    /// Closes a connection, if it is still there.
    pub fn close_one(&mut self, id: ConnectionId, reason: CloseReason) {
        if self.is_open(id) {
            self.begin_close(id.index, reason);
        }
    }

    /// Calls a connection by another name. Its rooms are told by an entry of kind
    /// [`EntryKind::NICK`], behind what it has said before and in front of what it says from now on.
    pub fn rename(&mut self, id: ConnectionId, who: &UserName) {
        if !self.is_open(id) {
            return;
        }
        let index = id.index;
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if connection.who == *who {
            return;
        }
        let was = std::mem::replace(&mut connection.who, who.clone());
        let author = connection.author();
        self.note_other_name(index, &was);
        let draft = Draft::new(who.shared(), EntryKind::NICK, renamed(&was, who)).by(author);
        for (room, home) in self.rooms_of(index) {
            let (draft, from) = (draft.clone(), None);
            self.link(home).command(Body::Publish { room, draft, from });
        }
    }

    fn is_open(&mut self, id: ConnectionId) -> bool {
        let connection = self.connection(id);
        connection.is_some_and(|connection| connection.state == State::Open)
    }

    /// A connection that has just come: the application is asked for it first, if it handles such.
    pub(super) fn open(&mut self, index: u32, room: Option<RoomName>, brought: Option<Brought>) {
        let Some(connection) = self.connections.at_mut(index) else {
            return;
        };
        if !self.wires[usize::from(connection.wire.0)].is_handled {
            return self.enter_first(index, room);
        }
        connection.rare().is_handled = true;
        self.ask(index, Asking::Opening(room), What::Opened { brought });
    }

    /// The room that a connection comes with.
    fn enter_first(&mut self, index: u32, room: Option<RoomName>) {
        if let Some(room) = room {
            let rooms = vec![Join::next(room)];
            self.consider(index, Command::Join { rooms });
        }
    }

    /// Carries out what a client has asked for, when the application has been asked if it must be.
    pub(super) fn consider(&mut self, index: u32, command: Command<'_>) {
        let asks = self.asks_of(index);
        match command {
            Command::Ask {
                kind,
                payload,
                frame,
            } => {
                let room = self.room_to_publish(index, None).ok();
                let what = What::Ask {
                    kind,
                    payload,
                    frame,
                    room,
                };
                self.ask(index, Asking::Frame, what);
            }
            Command::Rename { name } => self.ask(index, Asking::Frame, What::Rename { name }),
            Command::Join { rooms } if asks.joins => {
                let what = What::Join(rooms.clone());
                self.ask(index, Asking::Policy(Command::Join { rooms }), what);
            }
            Command::Enter { room } if asks.joins => {
                let what = What::Enter(room.clone());
                self.ask(index, Asking::Policy(Command::Enter { room }), what);
            }
            Command::Publish {
                room,
                id,
                since,
                kind,
                payload,
            } if asks.publishes => {
                let publication = Publication {
                    id,
                    since,
                    kind,
                    payload,
                };
                self.ask_to_publish(index, room, publication);
            }
            command => self.carry_out(index, command),
        }
    }

    /// What is asked of this connection: nothing of one in this process, which the application has
    /// opened itself.
    fn asks_of(&self, index: u32) -> Asks {
        let connection = self.connections.at(index);
        match connection.is_some_and(|connection| connection.is_local) {
            true => Asks::default(),
            false => self.asks,
        }
    }

    fn ask_to_publish(&mut self, index: u32, room: Option<RoomName>, publication: Publication) {
        let Publication {
            id,
            since,
            kind,
            payload,
        } = publication;
        let room = match self.room_to_publish(index, room) {
            Ok(room) => room,
            Err(room) => {
                return self.refuse(index, room.as_ref(), id.as_ref(), Refusal::NotInRoom);
            }
        };
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        let draft = Draft {
            id: id.clone(),
            since,
            from: connection.who.shared(),
            author: connection.author(),
            kind: kind.clone(),
            payload: payload.clone(),
        };
        let what = What::Publish {
            room: room.clone(),
            draft,
        };
        let room = Some(room);
        let asked = Command::Publish {
            room,
            id,
            since,
            kind,
            payload,
        };
        self.ask(index, Asking::Policy(asked), what);
    }

    fn ask(&mut self, index: u32, asking: Asking, what: What) {
        let Some(id) = self.id_at(index) else { return };
        let Some(connection) = self.connection(id) else {
            return;
        };
        if connection.is_asking {
            // Nothing of it is read meanwhile, so it is not what its client has sent.
            tracing::error!("a connection has a question already; another one is dropped");
            return;
        }
        connection.is_asking = true;
        connection.rare().asking = Some(asking);
        let asked = Asked {
            connection: id,
            wire: connection.wire,
            who: connection.who.clone(),
            session: connection.session,
            what,
        };
        self.asked.push(asked);
    }

    /// The shard ends without its connections having gone: the application is told of their end.
    pub fn end_all(&mut self, reason: CloseReason) {
        for index in self.connections.indices() {
            self.end_asking(index, reason);
        }
    }

    /// A connection takes no more commands: its question is void, and its handlers are told.
    pub(super) fn end_asking(&mut self, index: u32, reason: CloseReason) {
        let Some(id) = self.id_at(index) else { return };
        let Some(connection) = self.connection(id) else {
            return;
        };
        connection.is_asking = false;
        let Some(rare) = &mut connection.rare else {
            return;
        };
        rare.asking = None;
        if !std::mem::take(&mut rare.is_handled) {
            return;
        }
        let asked = Asked {
            connection: id,
            wire: connection.wire,
            who: connection.who.clone(),
            session: connection.session,
            what: What::Closed(reason),
        };
        self.asked.push(asked);
    }

    fn take_answer(&mut self, index: u32, asking: Asking, answer: Answer) {
        match (asking, answer) {
            (Asking::Opening(room), Answer::Done) => self.enter_first(index, room),
            (Asking::Opening(_), Answer::Refused(_)) => {
                self.begin_close(index, CloseReason::NotAllowed);
            }
            (Asking::Frame, Answer::Done) => {}
            (Asking::Policy(command), Answer::Done) => self.carry_out(index, command),
            (_, Answer::Joins { rooms, denied }) => self.join_allowed(index, rooms, denied),
            (asking, Answer::Go(command)) => self.go(index, &asking, command),
            (Asking::Frame, Answer::Refused(refusal)) => self.refuse(index, None, None, refusal),
            (Asking::Policy(command), Answer::Refused(refusal)) => {
                self.refuse_command(index, &command, refusal);
            }
            (asking, Answer::Failed { code, message }) => {
                let about = match &asking {
                    Asking::Policy(command) => command.about(),
                    Asking::Opening(_) | Asking::Frame => (None, None),
                };
                let (room, id) = about;
                let failed = Event::Failed {
                    room,
                    id,
                    code: &code,
                    message: &message,
                };
                let is_told = self.tell(index, &failed);
                let nowhere = self
                    .connections
                    .at(index)
                    .is_some_and(|c| c.rooms.is_empty());
                if matches!(asking, Asking::Opening(_)) || nowhere && !is_told {
                    self.begin_close(index, CloseReason::NotAllowed);
                }
            }
            (asking, Answer::Renamed(who)) => {
                if let Some(id) = self.id_at(index) {
                    self.rename(id, &who);
                }
                if let Asking::Opening(room) = asking {
                    self.enter_first(index, room);
                }
            }
        }
    }

    /// Something else than what was asked is carried out.
    fn go(&mut self, index: u32, asking: &Asking, command: Command<'static>) {
        let left_out = match (asking, &command) {
            (Asking::Policy(Command::Join { rooms: asked }), Command::Join { rooms }) => {
                let is_in = |join: &&Join| rooms.iter().any(|go| go.room == join.room);
                asked.iter().filter(|join| !is_in(join)).cloned().collect()
            }
            _ => Vec::new(),
        };
        self.carry_out(index, command);
        if !left_out.is_empty() {
            let rooms = left_out;
            self.refuse_command(index, &Command::Join { rooms }, Refusal::NotAllowed);
        }
    }

    /// Every room is answered by itself, those that are not allowed in the application's words.
    fn join_allowed(&mut self, index: u32, rooms: Vec<Join>, denied: Vec<DeniedRoom>) {
        self.carry_out(index, Command::Join { rooms });
        let is_any = !denied.is_empty();
        for DeniedRoom {
            room,
            code,
            message,
        } in denied
        {
            let failed = Event::Failed {
                room: Some(&room),
                id: None,
                code: &code,
                message: &message,
            };
            self.counts.refusal(Refusal::NotAllowed);
            self.tell(index, &failed);
        }
        if is_any {
            self.close_if_nowhere(index, Refusal::NotAllowed);
        }
    }

    /// Every room of a join is answered by itself.
    fn refuse_command(&mut self, index: u32, command: &Command<'_>, refusal: Refusal) {
        match command {
            Command::Join { rooms } => {
                for Join { room, .. } in rooms {
                    self.refuse(index, Some(room), None, refusal);
                }
                self.close_if_nowhere(index, refusal);
            }
            command => {
                let (room, id) = command.about();
                self.refuse(index, room, id, refusal);
            }
        }
    }

    /// Who is not let into its room and has no words to be told so is there for nothing.
    pub(super) fn close_if_nowhere(&mut self, index: u32, refusal: Refusal) {
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        let wire = &self.wires[usize::from(connection.wire.0)];
        let refused = Event::Refused {
            room: None,
            id: None,
            refusal,
            retry_after: None,
        };
        let nowhere = connection.rooms.is_empty();
        if nowhere && !wire.put(&refused, &mut self.scratch, &mut Vec::new()) {
            let reason = match refusal {
                Refusal::NotAllowed => CloseReason::NotAllowed,
                _ => CloseReason::Failed,
            };
            self.begin_close(index, reason);
        }
    }

    fn rooms_of(&self, index: u32) -> Vec<(RoomName, ShardId)> {
        let rooms = self.connections.at(index).map(|c| &c.rooms[..]);
        let views = rooms.unwrap_or_default().iter().map(|room| room.view);
        let views = views.filter_map(|view| self.views.at(view));
        views.map(|view| (view.room.clone(), view.home)).collect()
    }
}
