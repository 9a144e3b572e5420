//! Events of one's own at the events door: `cargo run -p parlour-examples --bin event_router`.
//!
//! Get a ticket, then speak `{"type":…,"payload":…}`:
//!
//! ```sh
//! curl -sX POST -H 'Content-Type: application/json' -d '{}' http://127.0.0.1:8080/ticket
//! websocat 'ws://127.0.0.1:8080/ws?otp=SECRET'
//! {"type":"bid","payload":{"cents":100}}
//! ```

use std::sync::{Arc, Mutex};

use axum::Router;
use parlour::router::{EventError, Payload, Reply, Room, State};
use parlour::{Doors, EventRouter, Hub, HubConfig, UserName};
use serde::{Deserialize, Serialize};

/// The highest bid so far.
type Highest = Arc<Mutex<u64>>;

#[derive(Deserialize)]
struct Bid {
    cents: u64,
}

#[derive(Serialize)]
struct Leads {
    who: String,
    cents: u64,
}

/// Everybody in the room is told of a higher bid; who bids too little is told alone.
async fn bid(
    room: Room,
    who: UserName,
    State(highest): State<Highest>,
    Payload(bid): Payload<Bid>,
) -> Result<(), EventError> {
    raise(&highest, bid.cents)?;
    let who = who.as_str().to_owned();
    let cents = bid.cents;
    room.publish("leads", &Leads { who, cents }).await?;
    Ok(())
}

fn raise(highest: &Mutex<u64>, cents: u64) -> Result<(), EventError> {
    let mut highest = highest
        .lock()
        .map_err(|_| EventError::new("failed", "try again"))?;
    if cents <= *highest {
        return Err(EventError::new(
            "too_low",
            format!("the bid stands at {highest}"),
        ));
    }
    *highest = cents;
    Ok(())
}

/// Only who asks is told.
async fn price(State(highest): State<Highest>) -> Reply<u64> {
    Reply("price", highest.lock().map_or(0, |cents| *cents))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let router = EventRouter::new(Highest::default())
        .on("bid", bid)
        .on("price", price)
        .tells("leads");

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    let hub = Hub::start(HubConfig::default().router(router))?;
    let doors = Doors::new(&hub, listener.local_addr()?);

    println!("http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    parlour::serve(listener, Router::new().merge(doors.routes()), stop).await;
    hub.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
