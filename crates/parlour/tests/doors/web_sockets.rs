//! What is spoken at `/ws`, where its connections begin, and who may use a free door.

use parlour::Door;

use crate::support::{House, Request, Socket, upgrade};

#[test]
fn the_first_offer_that_is_spoken_is_chosen_and_events_without_one() {
    let house = House::start();
    for (path, protocols, chosen) in [
        ("/ws?otp=TICKET", "", None),
        ("/ws?otp=TICKET", "parlour.events", Some("parlour.events")),
        ("/ws?otp=TICKET", "chat, parlour.v1", Some("parlour.v1")),
        (
            "/ws?otp=TICKET",
            "parlour.v1, parlour.events",
            Some("parlour.v1"),
        ),
        (
            "/ws",
            "ticket.TICKET, parlour.events, parlour.v1",
            Some("parlour.events"),
        ),
        ("/ws", "parlour.v1, ticket.TICKET", Some("parlour.v1")),
    ] {
        let (_, ticket) = house.ann();
        let mut request = upgrade(&path.replace("TICKET", &ticket));
        if !protocols.is_empty() {
            let offer = protocols.replace("TICKET", &ticket);
            request = request.header("Sec-WebSocket-Protocol", &offer);
        }
        let mut socket = Socket::open(house.address);
        let answer = socket.ask(&request);
        assert_eq!(answer.status, 101, "{protocols}");
        assert_eq!(
            answer.header("sec-websocket-protocol"),
            chosen,
            "{protocols}"
        );
        let mut socket = socket.web_socket();
        if chosen == Some("parlour.v1") {
            let hello = socket.read().unwrap().to_string();
            assert!(hello.contains(r#""t":"hello""#), "{hello}");
            assert!(hello.contains(r#""user":"ann","guest":false"#), "{hello}");
        } else {
            socket.send("no json".into()).unwrap();
            let error = socket.read().unwrap().to_string();
            assert!(error.contains(r#""type":"error""#), "{error}");
        }
    }
}

#[test]
fn an_offer_without_anything_that_is_spoken_is_told_what_is() {
    let house = House::start();
    let (_, ticket) = house.ann();
    for offer in ["chat", &format!("ticket.{ticket}"), "parlour.echo"] {
        let request = upgrade("/ws").header("Sec-WebSocket-Protocol", offer);
        let answer = house.send(&request);
        assert_eq!(answer.status, 400, "a browser could not take any answer");
        assert!(
            answer.body.contains("parlour.events, parlour.v1"),
            "{answer:?}"
        );
        assert!(!answer.body.contains(&ticket));
    }
    assert_eq!(house.status_of(&ticket), 101);
}

#[test]
fn who_speaks_events_begins_in_general_and_who_speaks_v1_in_no_room_unless_he_names_one() {
    let house = House::start();
    let connect = |query: &str, protocol: &str| {
        let (_, ticket) = house.ann();
        let mut socket = Socket::open(house.address);
        let request =
            upgrade(&format!("/ws?otp={ticket}{query}")).header("Sec-WebSocket-Protocol", protocol);
        assert_eq!(socket.ask(&request).status, 101);
        socket.web_socket()
    };
    for (query, room) in [("", "general"), ("&room=the+den", "the den")] {
        let mut listener = connect("&room=the%20den", "parlour.v1");
        assert!(listener.read().unwrap().to_string().contains("hello"));
        assert!(
            listener
                .read()
                .unwrap()
                .to_string()
                .contains(r#""joined","room":"the den""#)
        );
        let mut speaker = connect(query, "parlour.events");
        let said = r#"{"type":"send_message","payload":{"message":"hi","from":"x"}}"#;
        speaker.send(said.into()).unwrap();
        speaker.read().unwrap();
        if room == "the den" {
            let heard = listener.read().unwrap().to_string();
            assert!(
                heard.contains(r#""room":"the den""#) && heard.contains("hi"),
                "{heard}"
            );
        } else {
            listener.send(r#"{"t":"ping","id":"1"}"#.into()).unwrap();
            assert!(
                listener.read().unwrap().to_string().contains("pong"),
                "nothing before it"
            );
        }
    }
    let mut alone = connect("", "parlour.v1");
    assert!(alone.read().unwrap().to_string().contains("hello"));
    alone
        .send(r#"{"t":"leave","rooms":["general"]}"#.into())
        .unwrap();
    assert!(alone.read().unwrap().to_string().contains("not_in_room"));
}

#[test]
fn a_free_door_is_open_on_loopback_or_where_the_operator_has_opened_it() {
    let echo = || upgrade("/echo");
    let proxied = || echo().header("X-Forwarded-For", "192.0.2.1");
    let status = |house: &House, request: Request| house.send(&request).status;
    let local = House::start();
    assert_eq!(
        (status(&local, echo()), status(&local, proxied())),
        (101, 403)
    );
    let closed = House::public(|config| config.open_doors = vec![Door::Debug]);
    assert_eq!(status(&closed, echo()), 403);
    let open = House::public(|config| config.open_doors = vec![Door::Echo]);
    assert_eq!(
        (status(&open, echo()), status(&open, proxied())),
        (101, 101)
    );
    let evil = echo().header("Origin", "http://evil.example");
    assert_eq!(status(&open, evil), 403);
}
