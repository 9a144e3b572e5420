//! The event router, seen by a client of another library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parlour::router::{Connection, EventError, Payload, Reply, Room, State};
use parlour::{EventRouter, Hub, HubConfig, SendError, StartError, UserName};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};

use super::support::{Diary, Server, Socket, ask, close_code, hear, say};

#[derive(Deserialize, Serialize)]
struct Stars {
    stars: u8,
}

fn routed(router: EventRouter<impl Clone + Send + Sync + 'static>) -> Server {
    Server::start(HubConfig::default().router(router), &[])
}

fn event(kind: &str, payload: &str) -> String {
    format!(r#"{{"type":"{kind}","payload":{payload}}}"#)
}

fn error_code(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["type"], "error", "{answer}");
    answer["payload"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_event_type_is_one_line() {
    let router = EventRouter::new(()).on("double", |Payload(n): Payload<u32>| async move {
        Reply("doubled", n * 2)
    });
    let server = routed(router);
    let answer = ask(&mut server.events(), &event("double", "21"));
    assert_eq!(answer, r#"{"type":"doubled","payload":42}"#);
}

#[test]
fn a_handler_is_given_payload_connection_user_room_and_state() {
    async fn rate(
        Payload(given): Payload<Stars>,
        connection: Connection,
        who: UserName,
        room: Room,
        State(count): State<Arc<AtomicU64>>,
    ) -> Reply<String> {
        assert_eq!(connection.who(), &who);
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let (stars, room) = (given.stars, room.name().as_str());
        let kind = if who.is_guest() { "guest" } else { "user" };
        Reply("rated", format!("{number}: {stars} for {room} by a {kind}"))
    }
    let server = routed(EventRouter::new(Arc::new(AtomicU64::new(0))).on("rate", rate));
    let mut client = server.events();
    let answer = ask(&mut client, &event("rate", r#"{"stars":4}"#));
    assert!(answer.contains("1: 4 for general by a guest"), "{answer}");
    say(&mut client, &event("change_room", r#"{"name":"den"}"#));
    let answer = ask(&mut client, &event("rate", r#"{"stars":5}"#));
    assert!(answer.contains("2: 5 for den by a guest"), "{answer}");
}

#[test]
fn what_a_handler_publishes_is_told_to_the_room_as_an_event() {
    async fn rate(room: Room, Payload(given): Payload<Stars>) -> Result<(), EventError> {
        room.publish("rated", &given).await?;
        room.publish("unheard_of", &given).await?; // the door was not told to tell these
        room.publish("rated", &given).await?;
        Ok(())
    }
    let server = routed(EventRouter::new(()).on("rate", rate).tells("rated"));
    let [mut ann, mut bob] = [server.events(), server.events()];
    // Whoever has heard an answer is in his room.
    assert_eq!(
        error_code(&ask(&mut bob, &event("nothing", "1"))),
        "unknown_type"
    );
    say(&mut ann, &event("rate", r#"{"stars":3}"#));
    for client in [&mut ann, &mut bob] {
        let told = [hear(client), hear(client)];
        assert_eq!(told, [r#"{"type":"rated","payload":{"stars":3}}"#; 2]);
    }
}

#[test]
fn an_error_of_a_handler_becomes_an_error_event_and_the_connection_stays() {
    async fn fail() -> Result<(), EventError> {
        Err(EventError::new("sold_out", "come back \"tomorrow\""))
    }
    let server = routed(EventRouter::new(()).on("buy", fail));
    let mut client = server.events();
    let sold =
        r#"{"type":"error","payload":{"code":"sold_out","message":"come back \"tomorrow\""}}"#;
    for _ in 0..20 {
        assert_eq!(ask(&mut client, &event("buy", "1")), sold);
    }
}

#[test]
fn payloads_of_another_shape_and_unknown_types_are_refused_by_name() {
    let handler = |_: Payload<Stars>| async { Reply("rated", ()) };
    let server = routed(EventRouter::new(()).on("rate", handler));
    let mut client = server.events();
    for (frame, code) in [
        (event("rate", r#"{"stars":256}"#), "bad_payload"),
        (event("rate", "null"), "bad_payload"),
        (r#"{"type":"rate"}"#.to_owned(), "bad_payload"),
        (event("rates", r#"{"stars":1}"#), "unknown_type"),
        ("{".to_owned(), "bad_json"),
    ] {
        assert_eq!(error_code(&ask(&mut client, &frame)), code, "{frame}");
    }
    let answer = ask(&mut client, &event("rate", r#"{"stars":5}"#));
    assert_eq!(answer, r#"{"type":"rated","payload":null}"#);
}

#[test]
fn the_doors_own_events_work_beside_a_router_unless_it_takes_them() {
    let server = routed(EventRouter::new(()).on("x", async || {}));
    let send = event("send_message", r#"{"message":"hi","from":"me"}"#);
    let answer = ask(&mut server.events(), &send);
    assert!(answer.contains(r#""type":"new_message""#), "{answer}");

    let router = EventRouter::new(()).on("send_message", async || Reply("mine", 1));
    let answer = ask(&mut routed(router).events(), &send);
    assert_eq!(answer, r#"{"type":"mine","payload":1}"#);
}

#[test]
fn a_router_by_another_name_is_a_door_of_its_own() {
    let router = EventRouter::new(())
        .named("game")
        .on("x", async || Reply("y", 1));
    let server = Server::start(HubConfig::default().router(router), &["game"]);
    let answer = ask(&mut server.connect("/game"), &event("x", "0"));
    assert_eq!(answer, r#"{"type":"y","payload":1}"#);
    let answer = ask(&mut server.events(), &event("x", "0"));
    assert_eq!(error_code(&answer), "unknown_type");
}

/// Handles `wait` when it is told to, and notes everything.
fn patient(diary: &Arc<Diary>, go: &Arc<Notify>) -> EventRouter<()> {
    let (first, second, go) = (Arc::clone(diary), Arc::clone(diary), Arc::clone(go));
    EventRouter::new(())
        .on("wait", move |Payload(n): Payload<u32>| {
            let (diary, go) = (Arc::clone(&first), Arc::clone(&go));
            async move {
                diary.note(format!("{n} waits"));
                go.notified().await;
                diary.note(format!("{n} is done"));
            }
        })
        .on("note", move |Payload(n): Payload<u32>| {
            second.note(format!("{n}"));
            async move { Reply("noted", n) }
        })
}

#[test]
fn events_of_one_connection_are_handled_in_order_and_wait_for_nobody_else() {
    let (diary, go) = (Arc::new(Diary::default()), Arc::new(Notify::new()));
    let server = routed(patient(&diary, &go));
    let [mut slow, mut quick] = [server.events(), server.events()];
    say(&mut slow, &event("wait", "1"));
    say(&mut slow, &event("note", "2"));
    super::support::until(|| !diary.read().is_empty());
    for n in ["10", "11"] {
        ask(&mut quick, &event("note", n)); // many turns of the shard
    }
    go.notify_one();
    assert_eq!(hear(&mut slow), r#"{"type":"noted","payload":2}"#);
    assert_eq!(diary.read(), ["1 waits", "10", "11", "1 is done", "2"]);
}

#[test]
fn a_handler_that_blocks_its_thread_does_not_block_the_sockets() {
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let router = EventRouter::new(()).on("block", move || {
        let blocked = Arc::clone(&blocked);
        async move {
            let _ = blocked.lock().unwrap().recv();
            Reply("unblocked", ())
        }
    });
    let mut config = HubConfig::default().router(router);
    config.shards = std::num::NonZeroU16::new(1);
    let server = Server::start(config, &[]);
    let [mut stuck, mut other] = [server.events(), server.events()];
    say(&mut stuck, &event("block", "0"));
    for n in 0..10 {
        let message = event("send_message", &format!(r#"{{"message":"{n}"}}"#));
        let told = ask(&mut other, &message);
        assert!(told.contains("new_message"), "{told}");
    }
    unblock.send(()).unwrap();
    while !hear(&mut stuck).contains("unblocked") {}
}

#[test]
fn a_panic_of_a_handler_ends_its_connection_with_1011_and_nothing_else() {
    let router = EventRouter::new(())
        .on("fail", async || -> () { panic!("as it was asked to") })
        .on("x", async || Reply("y", 1));
    let server = routed(router);
    let [mut victim, mut other] = [server.events(), server.events()];
    say(&mut victim, &event("fail", "0"));
    say(&mut victim, &event("x", "0"));
    assert_eq!(close_code(&mut victim), Some(1011));
    for mut client in [other_answers(&mut other), server.events()] {
        assert_eq!(
            ask(&mut client, &event("x", "0")),
            r#"{"type":"y","payload":1}"#
        );
    }

    fn other_answers(other: &mut Socket) -> Socket {
        assert_eq!(ask(other, &event("x", "0")), r#"{"type":"y","payload":1}"#);
        let stream = other.get_ref().try_clone().unwrap();
        Socket::from_raw_socket(stream, tungstenite::protocol::Role::Client, None)
    }
}

#[test]
fn a_handler_that_takes_too_long_is_dropped_and_its_client_told() {
    let router = EventRouter::new(())
        .on("hang", std::future::pending::<()>)
        .on("x", async || Reply("y", 1));
    let config = HubConfig::default().router(router);
    let server = Server::start(config.handler_time(Duration::from_millis(1)), &[]);
    let mut client = server.events();
    assert_eq!(
        error_code(&ask(&mut client, &event("hang", "0"))),
        "timed_out"
    );
    assert_eq!(
        ask(&mut client, &event("x", "0")),
        r#"{"type":"y","payload":1}"#
    );
}

#[test]
fn a_kept_connection_can_be_told_and_closed_from_outside_and_says_when_it_is_gone() {
    let (found, mut find) = mpsc::channel(1);
    let router = EventRouter::new(()).on("hello", move |connection: Connection| {
        let _ = found.try_send(connection);
        async {}
    });
    let server = routed(router);
    let mut client = server.events();
    say(&mut client, &event("hello", "0"));
    let connection = find.blocking_recv().unwrap();
    let told = server.runtime.block_on(connection.tell("news", &[1, 2]));
    assert_eq!(told, Ok(()));
    assert_eq!(hear(&mut client), r#"{"type":"news","payload":[1,2]}"#);
    let no_kind = server.runtime.block_on(connection.tell("$", &()));
    assert_eq!(no_kind, Err(SendError::NoWords));

    connection.close_with(parlour::CloseCode::new(4001).unwrap());
    connection.close();
    assert_eq!(close_code(&mut client), Some(4001));
    drop(client);
    super::support::until(|| server.hub.connections() == 0);
    connection.close();
    let gone = server.runtime.block_on(connection.tell("news", &()));
    assert_eq!(gone, Err(SendError::Gone));
    server.shut_down();
    let gone = server.runtime.block_on(connection.tell("news", &()));
    assert_eq!(gone, Err(SendError::Gone));
}

#[test]
fn handlers_without_a_runtime_to_run_on_are_refused_at_the_start() {
    let router = EventRouter::new(()).on("x", async || {});
    let refused = Hub::start(HubConfig::default().router(router)).err();
    assert!(
        matches!(refused, Some(StartError::NoRuntime)),
        "{refused:?}"
    );
}
