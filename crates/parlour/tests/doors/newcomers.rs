//! Who has the answer to his handshake is in his room: whatever is said from then on reaches him,
//! exactly once and in order, and nothing that was said before (U.05).
//!
//! In every round somebody opens a connection and tells somebody else the moment he has the 101; that
//! one speaks at once.

use std::net::TcpStream;

use tungstenite::{Message, WebSocket};

use crate::support::{House, Request, Socket, request, upgrade};

const ROUNDS: usize = 300;

/// Has the 101, and has read nothing since.
fn newcomer(house: &House, request: &Request) -> Socket {
    let mut socket = Socket::open(house.address);
    assert_eq!(socket.ask(request).status, 101);
    socket
}

fn ticketed(house: &House, room: &str) -> Request {
    let ticket = house.guest_ticket();
    upgrade(&format!("/ws?otp={ticket}&room={room}"))
}

fn text(socket: &mut WebSocket<TcpStream>) -> String {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return text.to_string();
        }
    }
}

/// Somebody who is there and speaks; it hears what it says before it speaks again.
struct Speaker(WebSocket<TcpStream>);

impl Speaker {
    fn says(&mut self, frame: String) {
        self.0.send(Message::text(frame)).unwrap();
    }

    fn hears(&mut self, said: &str) {
        while !text(&mut self.0).contains(said) {}
    }
}

fn event(said: &str) -> String {
    format!(r#"{{"type":"send_message","payload":{{"message":"{said}","from":"x"}}}}"#)
}

#[test]
fn at_the_door_of_events() {
    let house = House::start();
    let mut speaker = Speaker(newcomer(&house, &ticketed(&house, "den")).web_socket());
    for round in 0..ROUNDS {
        let request = ticketed(&house, "den");
        let socket = newcomer(&house, &request);
        let said = format!("in round {round}.");
        speaker.says(event(&said));
        let heard = text(&mut socket.web_socket());
        assert!(heard.contains(&said), "{heard} {said}");
        speaker.hears(&said);
    }
}

#[test]
fn who_speaks_v1_is_told_where_he_starts() {
    let house = House::start();
    let mut speaker = Speaker(newcomer(&house, &ticketed(&house, "den")).web_socket());
    for round in 0..ROUNDS {
        let request = ticketed(&house, "den").header("Sec-WebSocket-Protocol", "parlour.v1");
        let socket = newcomer(&house, &request);
        let said = format!("in round {round}.");
        speaker.says(event(&said));
        let mut socket = socket.web_socket();
        let mut next = || serde_json::from_str::<serde_json::Value>(&text(&mut socket)).unwrap();
        assert_eq!(next()["t"], "hello");
        let joined = next();
        assert_eq!(
            (&joined["t"], &joined["seq"]),
            (&"joined".into(), &round.into())
        );
        let entry = next();
        assert_eq!(
            (&entry["t"], &entry["seq"]),
            (&"entry".into(), &(round + 1).into())
        );
        assert_eq!(entry["epoch"], joined["epoch"]);
        assert!(entry["payload"].to_string().contains(&said), "{entry}");
        speaker.hears(&said);
    }
}

#[test]
fn in_a_room_that_was_not_there() {
    let house = House::start();
    let mut publisher = Socket::open(house.address);
    for round in 0..ROUNDS {
        let room = format!("den{round}");
        let socket = newcomer(&house, &ticketed(&house, &room));
        let publish = request("POST", &format!("/rooms/{room}/publish"));
        let answer = publisher.ask(&publish.json(r#"{"payload":"the first"}"#));
        assert_eq!(answer.json()["seq"], 1);
        let heard = text(&mut socket.web_socket());
        assert!(heard.contains("the first"), "{heard}");
    }
}

#[test]
fn at_the_plain_door_behind_his_own_coming() {
    let house = House::start();
    let mut speaker = Speaker(newcomer(&house, &upgrade("/plain")).web_socket());
    for round in 0..ROUNDS {
        let socket = newcomer(&house, &upgrade("/plain"));
        let said = format!("in round {round}.");
        speaker.says(said.clone());
        let mut socket = socket.web_socket();
        let came = format!("AnonymousUser{} has connected", round + 1);
        let heard = text(&mut socket);
        assert!(heard.contains(&came), "{heard} {came}");
        let heard = text(&mut socket);
        assert!(heard.contains(&said), "{heard} {said}");
        socket.send(Message::text("and he says")).unwrap();
        let heard = text(&mut socket);
        assert!(heard.contains("and he says"), "nothing twice: {heard}");
        drop(socket);
        speaker.hears(&format!("AnonymousUser{} has disconnected", round + 1));
    }
}

#[test]
fn at_the_door_of_those_who_only_listen() {
    let house = House::start();
    let mut publisher = Socket::open(house.address);
    for round in 0..ROUNDS {
        let socket = newcomer(&house, &upgrade("/subscribe"));
        let said = format!(r#"{{"name":"kim","msg":"in round {round}."}}"#);
        let answer = publisher.ask(&request("POST", "/publish").json(&said));
        assert_eq!(answer.status, 204);
        assert_eq!(text(&mut socket.web_socket()), said);
    }
}
