//! The design that most chat servers have: axum, a task per connection, a broadcast channel per room.
//!
//! It is built the way the crates' own examples build it, with their defaults: the runtime of
//! `#[tokio::main]`, `axum::extract::ws`, `tokio::sync::broadcast`, `serde_json`. Each connection takes
//! every message from its room's channel and sends it. [`Encoding::Each`] lets each connection make the
//! JSON, [`Encoding::Once`] shares the bytes that the publisher's task made.
//!
//! Like the raw loop it has no names, limits, heartbeats or history, and speaks just enough for the generator.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::BenchError;
use crate::dialect::Dialect;
use crate::v1;

/// Messages that a room's channel keeps for the slowest of its members.
const CHANNEL: usize = 1_024;
/// As long as a real one; this server has no secrets.
const TICKET: &str = r#"{"otp":"0000000000000000000000000000000000000000000"}"#;
/// As long as a real instant.
const SENT: &str = "2026-01-01T00:00:00.000000000Z";

/// Who makes the JSON of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Encoding {
    /// Each connection makes its own.
    Each,
    /// It is made once, and all connections share it.
    Once,
}

/// Options of the hidden command that runs this server.
#[derive(Debug, Clone, clap::Args)]
pub struct ConventionalOptions {
    /// Who makes the JSON of a message.
    #[arg(long, value_enum, default_value = "each")]
    pub mode: Encoding,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub addr: SocketAddr,
}

/// Listens, says `listening on http://ADDRESS` on standard output, and serves for ever.
///
/// # Errors
/// When it cannot listen or the runtime does not start.
pub fn run(options: &ConventionalOptions) -> Result<Infallible, BenchError> {
    crate::pin::allow_files(0)?;
    let failed = || format!("listening on {}", options.addr);
    let listener = TcpListener::bind(options.addr).map_err(BenchError::system(failed()))?;
    let address = listener
        .local_addr()
        .map_err(BenchError::system(failed()))?;
    println!("listening on http://{address}");
    serve(listener, options.mode).map_err(BenchError::system("serving"))
}

/// Serves on `listener` for ever.
///
/// # Errors
/// When the runtime does not start or the listener fails.
pub fn serve(listener: TcpListener, mode: Encoding) -> io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    // What `#[tokio::main]` makes: a worker for each core that this process may use.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let hall = Arc::new(Hall {
            mode,
            rooms: Mutex::default(),
            sends: AtomicU64::new(0),
        });
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            // Without it small messages would wait for each other.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, doors(hall)).await?;
        Err(io::Error::other("the server ended"))
    })
}

fn doors(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/ws", get(upgrade))
        .route("/ticket", post(async || TICKET))
        .route("/debug", get(debug))
        .with_state(hall)
}

/// All rooms.
struct Hall {
    mode: Encoding,
    rooms: Mutex<HashMap<String, Arc<Room>>>,
    /// Messages sent to members: each is one `send()`.
    sends: AtomicU64,
}

struct Room {
    name: String,
    /// Number of the last message. Held while one is sent, so that all members have one order.
    seq: Mutex<u64>,
    channel: broadcast::Sender<Post>,
}

/// What goes through a room's channel.
#[derive(Clone)]
enum Post {
    Said(Arc<Said>),
    Encoded(Utf8Bytes),
}

/// A message of a room.
struct Said {
    room: Arc<Room>,
    seq: u64,
    id: String,
    text: String,
}

async fn debug(State(hall): State<Arc<Hall>>) -> String {
    format!(r#"{{"hub":{{"sends":{}}}}}"#, hall.sends.load(Relaxed))
}

async fn upgrade(State(hall): State<Arc<Hall>>, socket: WebSocketUpgrade) -> Response {
    let socket = socket.protocols([v1::SUBPROTOCOL]);
    let dialect = match socket.selected_protocol() {
        Some(_) => Dialect::V1,
        None => Dialect::Events,
    };
    socket.on_upgrade(move |socket| {
        let member = Member {
            hall,
            dialect,
            socket,
            place: None,
        };
        member.serve()
    })
}

/// A connection and the room that it is in.
struct Member {
    hall: Arc<Hall>,
    dialect: Dialect,
    socket: WebSocket,
    place: Option<(Arc<Room>, broadcast::Receiver<Post>)>,
}

impl Member {
    async fn serve(mut self) {
        loop {
            let goes_on = tokio::select! {
                frame = self.socket.recv() => match frame {
                    Some(Ok(Message::Text(text))) => self.hear(text.as_str()).await,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => false,
                    Some(Ok(_)) => true,
                },
                post = next(&mut self.place) => match post {
                    Ok(post) => self.tell(&post).await,
                    Err(RecvError::Lagged(_) | RecvError::Closed) => false,
                },
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn tell(&mut self, post: &Post) -> bool {
        let text = match post {
            Post::Encoded(text) => text.clone(),
            Post::Said(said) => said.encode(self.dialect).into(),
        };
        self.send(text).await
    }

    async fn send(&mut self, text: Utf8Bytes) -> bool {
        self.hall.sends.fetch_add(1, Relaxed);
        self.socket.send(Message::Text(text)).await.is_ok()
    }

    /// Does what the client asks; false if it asks for nothing that is known.
    async fn hear(&mut self, text: &str) -> bool {
        match Command::read(self.dialect, text) {
            Some(Command::Join(name)) => {
                let room = self.hall.room(name);
                let receiver = room.channel.subscribe();
                self.place = Some((room, receiver));
                true
            }
            Some(Command::Publish { id, text }) => self.publish(id, text).await,
            None => false,
        }
    }

    async fn publish(&mut self, id: String, text: String) -> bool {
        let Some((room, _)) = &self.place else {
            return false;
        };
        let room = Arc::clone(room);
        let answer = room.publish(self.hall.mode, self.dialect, id, text);
        match answer {
            // Its own entry still waits in the channel, so the answer comes before it.
            Some(answer) => self.send(answer.into()).await,
            None => true,
        }
    }
}

async fn next(
    place: &mut Option<(Arc<Room>, broadcast::Receiver<Post>)>,
) -> Result<Post, RecvError> {
    match place {
        Some((_, receiver)) => receiver.recv().await,
        None => future::pending().await,
    }
}

impl Hall {
    fn room(&self, name: String) -> Arc<Room> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.entry(name).or_insert_with_key(|name| {
            Arc::new(Room {
                name: name.clone(),
                seq: Mutex::new(0),
                channel: broadcast::channel(CHANNEL).0,
            })
        });
        Arc::clone(room)
    }
}

impl Room {
    /// Gives what the publisher is answered, where the dialect has an answer.
    fn publish(
        self: Arc<Self>,
        mode: Encoding,
        dialect: Dialect,
        id: String,
        text: String,
    ) -> Option<String> {
        let mut last = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        let said = Said {
            room: Arc::clone(&self),
            seq: *last,
            id,
            text,
        };
        let answer = dialect.answers().then(|| said.answer());
        let post = match mode {
            Encoding::Each => Post::Said(Arc::new(said)),
            Encoding::Once => Post::Encoded(said.encode(dialect).into()),
        };
        // Somebody listens: at least the publisher.
        let _ = self.channel.send(post);
        answer
    }
}

impl Said {
    fn encode(&self, dialect: Dialect) -> String {
        let text = self.text.as_str();
        let json = match dialect {
            Dialect::Events => serde_json::to_string(&NewMessage {
                kind: "new_message",
                payload: NewMessagePayload {
                    message: text,
                    from: v1::FROM,
                    sent: SENT,
                },
            }),
            Dialect::V1 => serde_json::to_string(&Entry {
                t: "entry",
                room: &self.room.name,
                epoch: v1::EPOCH,
                seq: self.seq,
                id: &self.id,
                from: v1::FROM,
                kind: "message",
                payload: text,
                sent: SENT,
            }),
        };
        json.expect("strings and numbers always become JSON")
    }

    fn answer(&self) -> String {
        let answer = Ack {
            t: "ack",
            room: &self.room.name,
            id: &self.id,
            epoch: v1::EPOCH,
            seq: self.seq,
        };
        serde_json::to_string(&answer).expect("strings and numbers always become JSON")
    }
}

/// What a client asks.
enum Command {
    Join(String),
    Publish { id: String, text: String },
}

impl Command {
    fn read(dialect: Dialect, text: &str) -> Option<Self> {
        match dialect {
            Dialect::Events => match serde_json::from_str(text).ok()? {
                EventsFrame::ChangeRoom { name } => Some(Self::Join(name)),
                EventsFrame::SendMessage { message } => Some(Self::Publish {
                    id: String::new(),
                    text: message,
                }),
            },
            Dialect::V1 => match serde_json::from_str(text).ok()? {
                V1Frame::Join { rooms } => Some(Self::Join(rooms.into_iter().next()?.room)),
                V1Frame::Publish { id, payload } => Some(Self::Publish { id, text: payload }),
            },
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
enum EventsFrame {
    ChangeRoom { name: String },
    SendMessage { message: String },
}

#[derive(Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum V1Frame {
    Join { rooms: Vec<RoomToJoin> },
    Publish { id: String, payload: String },
}

#[derive(Deserialize)]
struct RoomToJoin {
    room: String,
}

#[derive(Serialize)]
struct NewMessage<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    payload: NewMessagePayload<'a>,
}

#[derive(Serialize)]
struct NewMessagePayload<'a> {
    message: &'a str,
    from: &'a str,
    sent: &'a str,
}

#[derive(Serialize)]
struct Entry<'a> {
    t: &'a str,
    room: &'a str,
    epoch: &'a str,
    seq: u64,
    id: &'a str,
    from: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    payload: &'a str,
    sent: &'a str,
}

#[derive(Serialize)]
struct Ack<'a> {
    t: &'a str,
    room: &'a str,
    id: &'a str,
    epoch: &'a str,
    seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Said as Words;

    #[test]
    fn its_frames_are_byte_for_byte_those_of_the_raw_loop() {
        let room = Arc::new(Room {
            name: "tea".into(),
            seq: Mutex::new(0),
            channel: broadcast::channel(1).0,
        });
        for dialect in Dialect::ALL {
            let said = Said {
                room: Arc::clone(&room),
                seq: 12,
                id: "m1".into(),
                text: "hello".into(),
            };
            let words = Words {
                id: b"m1",
                text: b"hello",
            };
            let mut raw = Vec::new();
            dialect.entry(b"tea", 12, words, &mut raw);
            assert_eq!(said.encode(dialect).as_bytes(), raw);
            raw.clear();
            dialect.answer(b"tea", 12, words, &mut raw);
            if dialect.answers() {
                assert_eq!(said.answer().as_bytes(), raw);
            }
        }
    }
}
