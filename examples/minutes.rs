//! The application is in a room that people reach through every door:
//! `cargo run -p parlour-examples --bin minutes`, and open the printed address.
//!
//! It keeps the minutes of the room `general` and shows them at `/minutes`, in the order in which
//! everybody sees what is said: on the page, at `/plain`, at `/subscribe` and in `parlour chat`. Who sends
//! `{"type":"propose","payload":"more tea"}` to `/ws` has it said in the room as a numbered motion.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::{Html, Json};
use axum::{Router, routing::get};
use parlour::router::{EventError, Payload, Room, State};
use parlour::topic::Delivery;
use parlour::{Doors, EntryKind, EventRouter, Hub, HubConfig, RoomName, TopicConfig};
use serde::Serialize;

/// Lines that are kept; the oldest go first.
const LINES_MAX: usize = 1_000;

#[derive(Clone, Serialize)]
struct Line {
    seq: u64,
    from: String,
    text: String,
}

#[derive(Clone, Default)]
struct Minutes(Arc<Mutex<VecDeque<Line>>>);

impl Minutes {
    /// Takes down what was said.
    fn take(&self, delivery: Delivery<String>) {
        let item = match delivery {
            Ok(item) => item,
            Err(lost) => return eprintln!("not in the minutes: {lost}"),
        };
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(Line {
            seq: item.position.seq.0,
            from: item.from.to_string(),
            text: String::clone(&item.value),
        });
    }

    fn shown(&self) -> Json<Vec<Line>> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Json(lines.iter().cloned().collect())
    }
}

/// Motions so far.
type Motions = Arc<AtomicU64>;

async fn propose(
    room: Room,
    State(motions): State<Motions>,
    Payload(what): Payload<String>,
) -> Result<(), EventError> {
    let number = motions.fetch_add(1, Ordering::Relaxed) + 1;
    room.publish("message", &format!("motion {number}: {what}"))
        .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    let router = EventRouter::new(Motions::default()).on("propose", propose);
    let hub = Hub::start(HubConfig::default().router(router))?;
    let doors = Doors::new(&hub, listener.local_addr()?);

    let minutes = Minutes::default();
    let config = TopicConfig {
        kind: EntryKind::MESSAGE,
        ..TopicConfig::default()
    };
    let said = hub.topic_with(RoomName::general(), config).await?;
    let taken = minutes.clone();
    said.handle_sync(move |delivery| taken.take(delivery))?;

    let app = Router::new()
        .route("/", get(async || Html(include_str!("minutes.html"))))
        .route("/minutes", get(async move || minutes.shown()))
        .merge(doors.routes());
    println!("http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    parlour::serve(listener, app, stop).await;
    hub.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
