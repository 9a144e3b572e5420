//! A wire protocol of one's own in front of the same rooms: lines as on a terminal.
//! `cargo run -p parlour-examples --bin custom_dialect`, and `websocat ws://127.0.0.1:8080/lines`.
//!
//! `/room NAME` goes to a room, every other line is a message. Who speaks another dialect in that room
//! is heard here, and the other way round.

use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use parlour::{
    Command, Dialect, Doors, EntryKind, Event, Frame, FrameKind, Hub, HubConfig, Refusal, RoomName,
};

/// Text lines, both ways.
struct Lines;

impl Dialect for Lines {
    fn name(&self) -> &'static str {
        "example.lines"
    }

    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        let Frame::Text(line) = frame else {
            return Err(Refusal::BadPayload);
        };
        if let Some(name) = line.strip_prefix("/room ") {
            let room = RoomName::new(name.trim()).map_err(|_| Refusal::BadRoom)?;
            return Ok(Command::Enter { room });
        }
        let payload = serde_json::to_vec(line).map_err(|_| Refusal::BadPayload)?;
        Ok(Command::Publish {
            room: None,
            id: None,
            since: None,
            kind: EntryKind::MESSAGE,
            payload: payload.into(),
        })
    }

    /// `None`: no words for it. A client that misses something is then closed instead of deceived.
    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        let written = match event {
            Event::Entry { room, entry, .. } if entry.kind == EntryKind::MESSAGE => {
                let text: String = serde_json::from_slice(&entry.payload).ok()?;
                write!(out, "[{}] {}: {text}", room.as_str(), entry.from)
            }
            Event::Refused { refusal, .. } => write!(out, "! {refusal}"),
            _ => return None,
        };
        written.ok().map(|()| FrameKind::Text)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = HubConfig::default();
    config.dialects.push(Arc::new(Lines));

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    let hub = Hub::start(config)?;
    let doors = Doors::new(&hub, listener.local_addr()?);
    let lines = doors.free_door(Lines.name(), Some(RoomName::general()));
    let app = Router::new().route("/lines", lines).merge(doors.routes());

    println!("ws://{}/lines", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    parlour::serve(listener, app, stop).await;
    hub.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
