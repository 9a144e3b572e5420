//! What a router and the rest of its hub have in common: the same rooms, the same entries.

use std::sync::Arc;
use std::time::Duration;

use parlour::router::{EventError, Payload, Reply, Room};
use parlour::testing::TestHub;
use parlour::{Draft, EntryKind, EventRouter, Hub, HubConfig, RoomName, TopicConfig, UserName};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::support::{Server, Socket, ask, hear, say};

#[derive(Clone, Deserialize, Serialize, PartialEq, Debug)]
struct Stars {
    stars: u8,
}

/// `rate` is published in the client's room, `call` in the kitchen.
fn server() -> Server {
    async fn rate(room: Room, Payload(given): Payload<Stars>) -> Result<(), EventError> {
        room.publish("rated", &given).await?;
        Ok(())
    }
    async fn call(hub: Hub, Payload(room): Payload<String>) -> Result<Reply<u64>, EventError> {
        let call = Draft::new("$guests", EntryKind::new("rated")?, r#"{"stars":9}"#);
        let place = hub.publish(RoomName::new(&room)?, call).await?;
        Ok(Reply("called", place.seq.0))
    }
    let router = EventRouter::new(())
        .on("rate", rate)
        .on("call", call)
        .tells("rated");
    Server::start(HubConfig::default().router(router), &[])
}

fn event(kind: &str, payload: &str) -> String {
    format!(r#"{{"type":"{kind}","payload":{payload}}}"#)
}

/// Whoever has heard an answer is in his room.
fn is_in(client: &mut Socket) {
    assert!(ask(client, &event("nothing", "1")).contains("unknown_type"));
}

#[test]
fn a_handler_publishes_in_another_room_by_the_hub() {
    let server = server();
    let [mut guest, mut cook] = [server.events(), server.events()];
    is_in(&mut guest);
    say(&mut cook, &event("change_room", r#"{"name":"kitchen"}"#));
    is_in(&mut cook);
    let called = ask(&mut guest, &event("call", "\"kitchen\""));
    assert_eq!(called, r#"{"type":"called","payload":1}"#);
    assert_eq!(hear(&mut cook), r#"{"type":"rated","payload":{"stars":9}}"#);
    // A name that is none is the client's mistake, in words.
    let refused = ask(&mut guest, &event("call", "\"$kitchen\""));
    assert!(
        refused.contains("bad_payload") && refused.contains("reserved"),
        "{refused}"
    );
    is_in(&mut guest); // and was told nothing of the kitchen
}

#[test]
fn what_the_application_publishes_of_a_told_kind_shows_at_the_routers_door() {
    let server = server();
    let mut client = server.events();
    is_in(&mut client);
    for (kind, stars) in [("rated", 1), ("untold", 2), ("rated", 3)] {
        let payload = format!(r#"{{"stars":{stars}}}"#);
        let draft = Draft::new("$house", EntryKind::new(kind).unwrap(), payload);
        let published = server.hub.publish(RoomName::general(), draft);
        server.runtime.block_on(published).unwrap();
    }
    for stars in [1, 3] {
        let told = format!(r#"{{"type":"rated","payload":{{"stars":{stars}}}}}"#);
        assert_eq!(hear(&mut client), told);
    }
}

#[test]
fn a_topic_of_a_kind_is_a_view_of_what_a_router_publishes_and_shows_at_its_door() {
    let server = server();
    let mut client = server.events();
    is_in(&mut client);
    let config = TopicConfig {
        kind: EntryKind::new("rated").unwrap(),
        ..TopicConfig::default()
    };
    server.runtime.block_on(async {
        let opened = server.hub.topic_with(RoomName::general(), config);
        let ratings = opened.await.unwrap();
        let mut seen = ratings.subscribe().unwrap();
        say(&mut client, &event("rate", r#"{"stars":4}"#));
        let item = seen.next().await.unwrap().unwrap();
        assert_eq!(*item.value, Stars { stars: 4 });
        assert!(item.from.starts_with("guest-"), "{}", item.from);
        ratings.publish(&Stars { stars: 5 }).await.unwrap();
    });
    for stars in [4, 5] {
        let told = format!(r#"{{"type":"rated","payload":{{"stars":{stars}}}}}"#);
        assert_eq!(hear(&mut client), told);
    }
}

#[test]
fn an_answer_may_come_behind_the_entry_of_its_handler() {
    let heard = Arc::new(Notify::new());
    let wait = Arc::clone(&heard);
    let router = EventRouter::new(())
        .tells("rated")
        .on("rate", move |room: Room| {
            let heard = Arc::clone(&wait);
            async move {
                room.publish("rated", &1).await?;
                heard.notified().await;
                Ok::<_, EventError>(Reply("thanks", ()))
            }
        });
    let server = Server::start(HubConfig::default().router(router), &[]);
    let mut client = server.events();
    let first = ask(&mut client, &event("rate", "0"));
    assert_eq!(first, r#"{"type":"rated","payload":1}"#);
    heard.notify_one();
    assert_eq!(hear(&mut client), r#"{"type":"thanks","payload":null}"#);
}

#[tokio::test]
async fn who_reads_slowly_hears_the_answer_before_the_entry() {
    async fn rate(room: Room) -> Result<Reply<()>, EventError> {
        room.publish("rated", &1).await?;
        Ok(Reply("thanks", ()))
    }
    let router = EventRouter::new(()).tells("rated").on("rate", rate);
    let hub = TestHub::start(HubConfig::default().router(router));
    let ann = UserName::guest("ann").unwrap();
    let mut slow = hub
        .connect_as("parlour.events", ann, Some(RoomName::general()))
        .await;
    hub.settle().await;
    slow.stop_reading();
    // More than its stream takes.
    for _ in 0..20 {
        let long = Draft::message("$house", &"x".repeat(10_000));
        hub.publish(RoomName::general(), long).await.unwrap();
    }
    slow.send(&event("rate", "0"));
    hub.advance(Duration::ZERO).await;
    slow.resume_reading();
    let before = slow.receives_at_last(r#"{"type":"thanks"}"#).await;
    let told = format!("{before:?}");
    assert!(
        told.contains("new_message") && !told.contains("rated"),
        "{told}"
    );
    slow.receives_at_last(r#"{"type":"rated"}"#).await;
}
