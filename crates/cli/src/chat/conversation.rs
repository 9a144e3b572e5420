//! Lines in, things to do and things to show out: no screen, no socket, no clock.

use std::collections::{BTreeMap, BTreeSet};

use parlour_client::{CallError, Event, Position, RoomName};

use super::doing::Done;
use super::words::{self, Line};
use crate::remote;

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Say { room: RoomName, text: String },
    Join(RoomName),
    Part(RoomName),
    Rename(String),
    Show(Shown),
    Quit,
}

/// What is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A message.
    Message(Line),
    /// What happens beside.
    Note(String),
    /// Something was not done.
    Refusal(String),
}

/// The rooms that one person is in, one of them to talk in.
pub(super) struct Conversation {
    url: String,
    me: String,
    /// The rooms that were asked for, in the order in which they were talked in: lines go to the last.
    /// They go there at once, since what was typed is done in order.
    talked_in: Vec<RoomName>,
    rooms: BTreeMap<RoomName, Room>,
    /// Whether it was connected before.
    was_here: bool,
}

#[derive(Default)]
struct Room {
    /// Who is here, as far as the room tells.
    users: Option<Vec<String>>,
    count: u64,
    /// Of the last message that was acknowledged.
    said: Option<Position>,
    /// Of the last entry that came.
    heard: Option<Position>,
}

impl Conversation {
    /// To begin in `room`, and to be in the others, too, for which something is left to say.
    pub(super) fn new(url: &str, room: RoomName, also: impl IntoIterator<Item = RoomName>) -> Self {
        let others: BTreeSet<_> = also.into_iter().filter(|it| *it != room).collect();
        Self {
            url: url.to_owned(),
            me: String::new(),
            talked_in: others.into_iter().chain([room]).collect(),
            rooms: BTreeMap::new(),
            was_here: false,
        }
    }

    /// What is to be done first.
    pub(super) fn begin(&self) -> Vec<Act> {
        self.talked_in.iter().cloned().map(Act::Join).collect()
    }

    /// Where lines go.
    fn room(&self) -> Option<&RoomName> {
        self.talked_in.last()
    }

    fn forget(&mut self, room: &RoomName) {
        self.talked_in.retain(|it| it != room);
    }

    /// What stands before the line that is being typed.
    pub(super) fn prompt(&self) -> String {
        match self.room() {
            Some(room) => format!("{room}> "),
            None => "> ".into(),
        }
    }

    /// Takes a line.
    pub(super) fn typed(&mut self, line: &str) -> Vec<Act> {
        let line = line.trim_end();
        if line.is_empty() {
            return Vec::new();
        }
        match line.strip_prefix('/') {
            None => vec![self.say(line.to_owned())],
            Some(text) if text.starts_with('/') => vec![self.say(text.to_owned())],
            Some(command) => {
                let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
                self.command(name, rest.trim())
            }
        }
    }

    fn say(&self, text: String) -> Act {
        match self.room() {
            Some(room) => Act::Say {
                room: room.clone(),
                text,
            },
            None => refusal("not in a room; go into one with: /join ROOM"),
        }
    }

    fn command(&mut self, name: &str, rest: &str) -> Vec<Act> {
        match (name, rest) {
            ("quit", _) => vec![Act::Quit],
            ("help", _) => {
                let lines = words::COMMANDS.lines();
                lines.map(|line| note(line.to_owned())).collect()
            }
            ("who", _) => vec![self.who()],
            ("join", "") => vec![refusal("say which room: /join ROOM")],
            ("join", room) => vec![self.join(room)],
            ("part", room) => vec![self.part(room)],
            ("nick", "") => vec![refusal("say which name: /nick NAME")],
            ("nick", name) => vec![Act::Rename(name.to_owned())],
            ("me", "") => vec![refusal("say what you do: /me WAVES")],
            // The form that XMPP uses (XEP-0245), so that others can show it in their way.
            ("me", what) => vec![self.say(format!("/me {what}"))],
            _ => {
                vec![refusal(&format!(
                    "there is no command /{name}; /help lists them, and //{name} says it"
                ))]
            }
        }
    }

    fn join(&mut self, name: &str) -> Act {
        let room = match RoomName::new(name) {
            Ok(room) => room,
            Err(why) => return refusal(&why.to_string()),
        };
        let is_new = !self.talked_in.contains(&room);
        self.forget(&room);
        self.talked_in.push(room.clone());
        if is_new {
            return Act::Join(room);
        }
        note(format!("talking in {room}"))
    }

    fn part(&mut self, name: &str) -> Act {
        let room = match (name, self.room()) {
            ("", Some(room)) => room.clone(),
            ("", None) => return refusal("not in a room"),
            (name, _) => match RoomName::new(name) {
                Ok(room) => room,
                Err(why) => return refusal(&why.to_string()),
            },
        };
        self.forget(&room);
        Act::Part(room)
    }

    fn who(&self) -> Act {
        let Some(name) = self.room() else {
            return refusal("not in a room; go into one with: /join ROOM");
        };
        match self.rooms.get(name) {
            Some(Room {
                users: Some(users),
                count,
                ..
            }) => note(words::here(name, *count, users)),
            Some(Room { count, .. }) if *count > 0 => note(words::many_here(name, *count)),
            _ => note(format!("{name} has not told yet who is here")),
        }
    }

    /// Takes an event.
    pub(super) fn hear(&mut self, event: &Event) -> Vec<Shown> {
        match event {
            Event::Connected(hello) => {
                self.me.clone_from(&hello.user);
                let words = remote::connected(&self.url, hello);
                let is_back = std::mem::replace(&mut self.was_here, true);
                vec![Shown::Note(if is_back {
                    format!("back: {words}")
                } else {
                    words
                })]
            }
            Event::Away { why, retry_in } => vec![Shown::Note(remote::away(why, *retry_in))],
            Event::Joined {
                room,
                joined,
                is_back,
            } => {
                let is_new = !self.rooms.contains_key(room);
                self.rooms.entry(room.clone()).or_default();
                let replayed = joined.head.0.saturating_sub(joined.position.seq.0);
                match (is_new, is_back) {
                    (true, _) => vec![Shown::Note(format!("in {room}; /help lists the commands"))],
                    (false, true) if replayed > 0 => {
                        vec![Shown::Note(format!(
                            "{room} goes on, {replayed} entries later"
                        ))]
                    }
                    _ => Vec::new(),
                }
            }
            Event::Entry(said) => {
                self.rooms.entry(said.room.clone()).or_default().heard = Some(said.position);
                let elsewhere = (self.room() != Some(&said.room)).then_some(&said.room);
                words::message(said, elsewhere, *said.from == *self.me)
                    .map(Shown::Message)
                    .into_iter()
                    .collect()
            }
            Event::Gap { room, missed } => vec![Shown::Note(remote::gap(room, missed))],
            Event::Presence { room, count, users } => self.presence(room, *count, users.as_ref()),
            Event::PresenceChange {
                room,
                count,
                came,
                went,
            } => self.change(room, *count, came, went),
            Event::Left { room } => {
                self.rooms.remove(room);
                self.forget(room);
                vec![Shown::Note(format!("left {room}"))]
            }
            Event::Refused { message, room, .. } => vec![Shown::Note(match room {
                Some(room) => format!("{room}: {message}"),
                None => message.clone(),
            })],
            Event::OutboxFailed { why } => vec![Shown::Note(remote::outbox_failed(why))],
            Event::OutboxMended => vec![Shown::Note(remote::OUTBOX_MENDED.to_owned())],
            Event::Ended(parlour_client::Ended::Closed) => Vec::new(),
            Event::Ended(ended) => vec![Shown::Refusal(remote::ended(ended))],
            _ => Vec::new(),
        }
    }

    fn presence(&mut self, name: &RoomName, count: u64, users: Option<&Vec<String>>) -> Vec<Shown> {
        let room = self.rooms.entry(name.clone()).or_default();
        let before = room.users.take();
        let was_told = room.count > 0;
        room.count = count;
        room.users = users.cloned();
        match (before, users) {
            // After a time away: only what is different is news.
            (Some(before), Some(users)) => {
                let not_in = |all: &[String], name: &&String| !all.contains(name);
                let came: Vec<_> = users
                    .iter()
                    .filter(|it| not_in(&before, it))
                    .cloned()
                    .collect();
                let went: Vec<_> = before
                    .iter()
                    .filter(|it| not_in(users, it))
                    .cloned()
                    .collect();
                self.moved(name, &came, &went)
            }
            (None, Some(users)) if !was_told => vec![Shown::Note(words::here(name, count, users))],
            (_, None) if !was_told => vec![Shown::Note(words::many_here(name, count))],
            _ => Vec::new(),
        }
    }

    fn change(
        &mut self,
        name: &RoomName,
        count: u64,
        came: &[String],
        went: &[String],
    ) -> Vec<Shown> {
        let room = self.rooms.entry(name.clone()).or_default();
        room.count = count;
        if let Some(users) = &mut room.users {
            users.retain(|user| !went.contains(user));
            users.extend(
                came.iter()
                    .filter(|user| !users.contains(user))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            users.sort();
        }
        self.moved(name, came, went)
    }

    fn moved(&self, room: &RoomName, came: &[String], went: &[String]) -> Vec<Shown> {
        let me = &self.me;
        let told = |names: &[String], verb: &str| {
            let names: Vec<_> = names
                .iter()
                .filter(|name| *name != me)
                .map(String::as_str)
                .collect();
            let several = words::names(&names);
            (!names.is_empty()).then(|| Shown::Note(format!("{several} {verb} {room}")))
        };
        let (came, went) = (told(came, "came into"), told(went, "went from"));
        went.into_iter().chain(came).collect()
    }

    /// Takes the answer to what was done.
    pub(super) fn done(&mut self, done: Done) -> Vec<Act> {
        match done {
            Done::Said(room, Ok(position)) => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.said = Some(position);
                }
                Vec::new()
            }
            Done::Waits { text, is_kept } => {
                let kept = if is_kept { "kept, and " } else { "" };
                vec![note(format!("{kept}waiting for the connection: {text}"))]
            }
            Done::Said(_, Err(error @ CallError::Kept)) => vec![note(error.to_string())],
            Done::Said(_, Err(error @ CallError::Unknown)) => vec![refusal(&error.to_string())],
            Done::Said(_, Err(error)) => vec![refusal(&format!("not said: {error}"))],
            Done::Joined(_, Ok(())) | Done::Parted(Ok(())) | Done::Renamed(Ok(_)) => Vec::new(),
            // It is wanted still, and may come.
            Done::Joined(room, Err(CallError::Unknown)) => {
                vec![note(format!("{room} has not answered yet"))]
            }
            Done::Joined(room, Err(CallError::Ended(_))) => {
                vec![note(format!("never came into {room}"))]
            }
            Done::Joined(room, Err(error)) => {
                self.forget(&room);
                vec![refusal(&format!("not in {room}: {error}"))]
            }
            Done::Parted(Err(error)) => vec![refusal(&error.to_string())],
            Done::Renamed(Err(error)) => {
                vec![refusal(&format!("still {}: {error}", self.me))]
            }
        }
    }

    /// Whether all that was acknowledged has come back as an entry.
    pub(super) fn has_heard_itself(&self) -> bool {
        self.rooms
            .values()
            .all(|room| match (room.said, room.heard) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(said), Some(heard)) => said.epoch != heard.epoch || heard.seq >= said.seq,
            })
    }
}

fn note(words: String) -> Act {
    Act::Show(Shown::Note(words))
}

fn refusal(words: &str) -> Act {
    Act::Show(Shown::Refusal(words.to_owned()))
}

#[cfg(test)]
mod tests;
