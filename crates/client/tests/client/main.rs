//! The client against a real server in this process, and against one that does as it is told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod coming_back;
mod getting_in;
mod house;
mod offline;
mod outbox;
mod script;
mod talking;
#[path = "../../../parlour/tests/support/users.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod users;
mod wrong;

use std::time::Duration;

use parlour_client::{Client, Config, Event, Events, Join, RoomName, Said};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

fn config(url: &str, name: &str) -> Config {
    Config::new(url).unwrap().guest(name)
}

async fn connect(url: &str, name: &str) -> (Client, Events) {
    Client::connect(config(url, name)).await.unwrap()
}

/// A guest in the room `den`.
async fn in_den(url: &str, name: &str) -> (Client, Events) {
    let (client, events) = connect(url, name).await;
    client.join(Join::next(room("den"))).await.unwrap();
    (client, events)
}

async fn next(events: &mut Events) -> Event {
    let next = tokio::time::timeout(PATIENCE, events.next()).await;
    next.expect("an event in time").expect("not the end")
}

/// Skips to the first event that is one.
async fn until<T>(events: &mut Events, mut is: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = is(next(events).await) {
            return found;
        }
    }
}

async fn next_said(events: &mut Events) -> Said {
    until(events, |event| match event {
        Event::Entry(said) => Some(said),
        Event::Gap { missed, .. } => panic!("{missed:?}"),
        _ => None,
    })
    .await
}

async fn next_text(events: &mut Events) -> String {
    next_said(events).await.text().unwrap()
}
