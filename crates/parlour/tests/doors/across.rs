//! One room, seen by clients at every door, by a handler of the application's own and by its sessions:
//! the same entries in the same order.

use parlour::router::{Payload, Room};
use parlour::{EntryKind, EventRouter, HubConfig, Join, RoomName, Told, TopicConfig, UserName};
use serde_json::Value;
use tungstenite::Message;

use crate::support::{House, Socket, request, upgrade};

type Client = tungstenite::WebSocket<std::net::TcpStream>;

/// A handler of the application's own: it says in the room what it was sent, louder.
async fn shout(room: Room, Payload(text): Payload<String>) {
    let loud = text.to_uppercase();
    room.publish("message", &loud)
        .await
        .expect("the room is open");
}

fn open(house: &House, path: &str) -> Client {
    let mut socket = Socket::open(house.address);
    let answer = socket.ask(&upgrade(path));
    assert_eq!(answer.status, 101, "{answer:?}");
    socket.web_socket()
}

/// The next text as JSON.
fn next(client: &mut Client) -> Value {
    loop {
        if let Message::Text(text) = client.read().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

fn say(client: &mut Client, text: &str) {
    client.send(Message::text(text)).unwrap();
}

/// Who is in the room by now, as the last one of them hears himself.
fn until(client: &mut Client, field: fn(&Value) -> &Value, words: &str) {
    while *field(&next(client)) != words {}
}

#[test]
fn clients_a_handler_a_session_and_a_topic_see_one_order() {
    let router = EventRouter::new(()).on("shout", shout);
    let house = House::with_hub(HubConfig::default().router(router), |_| {});
    let room = RoomName::general();
    let told_text = |it: &Value| -> String {
        let text = it["payload"]["message"].as_str();
        let text = text.or(it["message"].as_str()).or(it["msg"].as_str());
        text.unwrap_or_else(|| panic!("{it}")).to_owned()
    };

    // Everybody comes in, and is seen to be in.
    let mut events = open(&house, &format!("/ws?otp={}", house.guest_ticket()));
    say(
        &mut events,
        r#"{"type":"send_message","payload":{"message":"in"}}"#,
    );
    until(&mut events, |it| &it["payload"]["message"], "in");
    let mut plain = open(&house, "/plain");
    until(&mut plain, |it| &it["type"], "notification");
    let mut feed = open(&house, "/subscribe");
    let (mut session, topic, mut values) = house.block_on(async {
        let mut session = house.hub.session(UserName::user("app").unwrap()).unwrap();
        session.join(Join::next(room.clone())).await.unwrap();
        let config = TopicConfig {
            kind: EntryKind::MESSAGE,
            from: "app".into(),
            ..TopicConfig::default()
        };
        let topic = house.hub.topic_with::<String>(room.clone(), config);
        let topic = topic.await.unwrap();
        let values = topic.subscribe().unwrap();
        (session, topic, values)
    });
    // The feed has no words for being in: what is published until it hears something is skipped.
    feed.get_ref()
        .set_read_timeout(Some(std::time::Duration::from_millis(100)))
        .unwrap();
    while feed.read().is_err() {
        house
            .block_on(topic.publish(&"are you in?".to_owned()))
            .unwrap();
    }
    feed.get_ref()
        .set_read_timeout(Some(crate::support::PATIENCE))
        .unwrap();

    say(&mut events, r#"{"type":"shout","payload":"shouted"}"#);
    say(
        &mut events,
        r#"{"type":"send_message","payload":{"message":"at events"}}"#,
    );
    say(&mut plain, "at plain");
    let body = r#"{"name":"ci","msg":"published"}"#;
    assert_eq!(
        house.send(&request("POST", "/publish").json(body)).status,
        204
    );
    house.block_on(async {
        session.say(&room, "by a session").await.unwrap();
        topic.publish(&"by a topic".to_owned()).await.unwrap();
        topic.publish(&"end".to_owned()).await.unwrap();
    });

    let seen_by = |client: &mut Client| -> Vec<String> {
        let mut seen = vec![told_text(&next(client))];
        while seen.last().is_some_and(|last| last != "end") {
            seen.push(told_text(&next(client)));
        }
        seen.retain(|text| text != "are you in?");
        seen
    };
    let order = seen_by(&mut feed);
    assert_eq!(seen_by(&mut events), order);
    assert_eq!(seen_by(&mut plain), order);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let all = [
        "SHOUTED",
        "at events",
        "at plain",
        "by a session",
        "by a topic",
        "end",
        "published",
    ];
    assert_eq!(sorted, all);
    let place = |text| order.iter().position(|it| it == text).unwrap();
    assert!(
        place("SHOUTED") < place("at events"),
        "what one client sends stays in its order"
    );

    let (by_session, by_topic) = house.block_on(async {
        let mut by_session = Vec::new();
        while by_session.last().is_none_or(|last| last != "end") {
            if let Some(Told::Entry(said)) = session.next().await {
                by_session.push(said.text().unwrap());
            }
        }
        let mut by_topic: Vec<String> = Vec::new();
        while by_topic.last().is_none_or(|last| last != "end") {
            let item = values.next().await.unwrap().unwrap();
            by_topic.push((*item.value).clone());
        }
        (by_session, by_topic)
    });
    for mut seen in [by_session, by_topic] {
        seen.retain(|text| text != "are you in?");
        assert_eq!(seen, order);
    }
}
