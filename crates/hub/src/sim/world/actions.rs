//! What clients do by chance.

use std::collections::BTreeMap;

use parlour_proto::{Author, ClientId, Frame, RoomName, UserName};

use super::{CLIENTS, ROOMS, World};
use crate::shard::{Attach, QuestionToken, home_of};
use crate::sim::asked::Whole;
use crate::sim::watched::Watched;
use crate::since::Since;
use crate::wire::WireIndex;

/// The wire that announces who comes and goes.
const ANNOUNCES: u8 = 2;

impl World {
    pub(super) fn let_a_client_act(&mut self) {
        let client = self.random.below(CLIENTS) as usize;
        let Some((shard, index)) = self.clients[client].connection else {
            return self.connect(client);
        };
        match self.random.below(100) {
            0..58 => self.publish(client, shard, index),
            58..74 => self.ask(client, shard, index),
            74..80 => self.clients[client].stalled = !self.clients[client].prompt,
            80..92 => self.clients[client].stalled = false,
            92..94 => self.shards[shard].0.handle_ping(index, b"x"),
            94..96 => self.vanish(client, shard, index),
            96..98 => {
                self.clients[client].requested_close = true;
                self.shards[shard].0.handle_close(index, Some(1000));
            }
            98 => self.sign_out(client),
            _ => {}
        }
    }

    fn connect(&mut self, client: usize) {
        let shard = self.random.below(self.shards.len() as u64) as usize;
        let wire = WireIndex(match self.random.below(100) {
            0..30 => 1,
            30..60 => ANNOUNCES,
            _ => 0,
        });
        let now = self.now();
        let who = user(&self.clients[client].user);
        let first = self.clients[client].first.clone();
        if first.is_none() && self.random.chance(40) {
            // It is let in, and takes its time to arrive.
            return self.let_in(client);
        }
        let (room, since) = first.map_or((None, Since::Joined), |(room, since)| {
            self.doings.newcomers += 1;
            (Some(room), since)
        });
        self.connections += 1;
        let own = (wire.0 == ANNOUNCES).then(|| ClientId::of_name(&self.connections.to_string()));
        let attach = Attach {
            room,
            since,
            author: own.map_or(Author::Named, Author::Plain),
            ..Attach::new(wire, who)
        };
        let (hub, sockets) = &mut self.shards[shard];
        let id = hub.attach(now, attach);
        let prompt = self.clients[client].prompt;
        sockets.open(id.index, if prompt { usize::MAX } else { self.capacity });
        self.clients[client].connect(shard, id, self.now_ms, own);
    }

    /// A door looks where the client's first room is.
    fn let_in(&mut self, client: usize) {
        let room = ROOMS[self.random.below(ROOMS.len() as u64) as usize];
        let name = RoomName::new(room).expect("a short name");
        let home = home_of(&name, self.shards.len() as u16);
        let hub = &mut self.shards[usize::from(home.0)].0;
        hub.since(QuestionToken(0), &name);
        // A door waits until the room is looked up; who comes here does not.
        let known = hub.take_sinces().pop();
        let since = known.map_or(Since::Joined, |(_, since)| since);
        self.clients[client].first = Some((name, since));
    }

    fn publish(&mut self, client: usize, shard: usize, index: u32) {
        let burst = if self.random.chance(10) { 30 } else { 1 };
        for _ in 0..burst {
            let speaker = &self.clients[client];
            let rooms = speaker.rooms.positions.keys();
            let rooms: Vec<_> = rooms
                .filter(|room| !speaker.rooms.leaving.contains(*room))
                .cloned()
                .collect();
            let Some(room) = self.random.pick(&rooms).cloned() else {
                return;
            };
            if !self.takes_frames(shard, index) {
                return;
            }
            self.published += 1;
            let id = format!("m{}", self.published);
            self.truth.says(&id, self.clients[client].speaks_as());
            let payload = "x".repeat(1 + self.random.below(200) as usize);
            self.clients[client].publishes(&id);
            self.say(shard, index, &format!("publish {room} {id} {payload}"));
        }
    }

    /// A frame whose refusal might have no name: one at a time.
    fn ask(&mut self, client: usize, shard: usize, index: u32) {
        if self.clients[client].whole.is_some() || !self.takes_frames(shard, index) {
            return;
        }
        let (words, whole) = match self.random.below(100) {
            0..60 => self.join(client),
            60..80 => self.leave(client),
            80..88 => (format!("nick n{}", self.random.below(8)), Whole::Nick),
            88..95 => {
                self.published += 1;
                let id = format!("p{}", self.published);
                (format!("ping {id}"), Whole::Ping(id))
            }
            _ => ("nonsense".to_owned(), Whole::Nonsense),
        };
        self.clients[client].asks(whole);
        self.say(shard, index, &words);
    }

    /// Asks for some rooms, sometimes for one that it is in.
    fn join(&mut self, client: usize) -> (String, Whole) {
        let (mut words, mut rooms) = ("join".to_owned(), Vec::new());
        for _ in 0..1 + self.random.below(4) {
            let room = ROOMS[self.random.below(ROOMS.len() as u64) as usize];
            let asked = &mut self.clients[client].rooms;
            let is_new = !asked.positions.contains_key(room);
            if is_new {
                asked.positions.insert(room.to_owned(), None);
                words.push_str(&self.room_to_join(client, room));
            } else if asked.is_settled(room) {
                *asked.doubles.entry(room.to_owned()).or_insert(0) += 1;
                words.push_str(&format!(" {room}"));
            } else {
                continue;
            }
            rooms.push(room.to_owned());
        }
        if rooms.is_empty() {
            return ("nonsense".to_owned(), Whole::Nonsense);
        }
        (words, Whole::Join(rooms))
    }

    fn room_to_join(&mut self, client: usize, room: &str) -> String {
        let speaker = &mut self.clients[client];
        let mut word = format!(" {room}");
        let from = speaker.remembered.get(room).copied();
        // At the door that announces nobody comes with a position.
        let resumes = speaker.own.is_none() && self.random.chance(70);
        if let Some((epoch, seq)) = from.filter(|_| resumes) {
            self.doings.report.resumes += 1;
            speaker.rooms.resuming.insert(room.to_owned());
            let ahead = if self.random.chance(5) { 1_000_000 } else { 0 };
            if ahead > 0 {
                speaker.rooms.hostile.insert(room.to_owned());
            }
            word = format!("{word}@{epoch}@{}", seq + ahead);
        }
        if self.random.chance(50) {
            speaker.watched.insert(room.to_owned(), Watched::default());
            word.push('+');
        }
        word
    }

    /// Asks to leave some rooms, sometimes one that it is not in.
    fn leave(&mut self, client: usize) -> (String, Whole) {
        let asked = &self.clients[client].rooms;
        let mut rooms = BTreeMap::new();
        for room in ROOMS {
            let may = asked.is_settled(room) || !asked.positions.contains_key(room);
            let percent = if asked.positions.contains_key(room) {
                40
            } else {
                5
            };
            if may && self.random.chance(percent) {
                rooms.insert(room.to_owned(), ());
            }
        }
        if rooms.is_empty() {
            return ("nonsense".to_owned(), Whole::Nonsense);
        }
        let rooms: Vec<_> = rooms.into_keys().collect();
        (format!("leave {}", rooms.join(" ")), Whole::Leave(rooms))
    }

    /// All sessions of a user end.
    fn sign_out(&mut self, client: usize) {
        let who = user(&self.clients[client].user);
        for (hub, _) in &mut self.shards {
            hub.close_user(&who);
        }
    }

    pub(super) fn vanish(&mut self, client: usize, shard: usize, index: u32) {
        let (hub, sockets) = &mut self.shards[shard];
        sockets.sockets.remove(&index);
        hub.handle_gone(index);
        self.clients[client].disconnect();
    }

    fn say(&mut self, shard: usize, index: u32, words: &str) {
        let now = self.now();
        let hub = &mut self.shards[shard].0;
        hub.wake(now);
        hub.handle_heard(index);
        hub.handle_frame(index, Frame::Text(words));
    }

    fn takes_frames(&mut self, shard: usize, index: u32) -> bool {
        let hub = &mut self.shards[shard].0;
        !hub.is_closing(index) && hub.takes_frames(index)
    }
}

fn user(name: &str) -> UserName {
    UserName::guest(name).expect("a short name without blanks")
}
