//! Clients of the free doors.

use serde_json::{Value, json};
use tungstenite::Message;

use super::{Answer, Client, Server};

/// An open WebSocket at a free door.
pub fn free_client(server: &Server, path: &str) -> Client {
    Client::open(server, path, &[]).unwrap()
}

/// Somebody at `/plain`, past his own join notice.
pub struct Chatter {
    pub client: Client,
    /// His id, as everybody sees it.
    pub id: String,
    /// His first nickname.
    pub first: String,
}

impl Chatter {
    /// Somebody new; nobody else may come in at the same time.
    pub fn new(server: &Server) -> Self {
        let mut client = free_client(server, "/plain");
        let told = loop {
            let told = client.next_event();
            if told["type"] == "notification" {
                break told;
            }
        };
        let field = |name: &str| told[name].as_str().unwrap().to_owned();
        let first = field("nickname");
        assert_eq!(told["message"], format!("{first} has connected"));
        Self {
            client,
            id: field("id"),
            first,
        }
    }

    /// Says something, or asks for a nickname.
    pub fn say(&mut self, text: &str) {
        self.client.send(Message::text(text));
    }

    /// The next object; pings are answered.
    pub fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.client.next() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The nickname and the text of the next object, which is of this type.
    pub fn told(&mut self, kind: &str) -> (String, String) {
        let told = self.next();
        assert_eq!(told["type"], kind, "{told}");
        let field = |name: &str| told[name].as_str().unwrap().to_owned();
        (field("nickname"), field("message"))
    }

    /// The nickname and the text of the next message.
    pub fn heard(&mut self) -> (String, String) {
        self.told("message")
    }

    /// Somebody's join notice.
    pub fn sees_come(&mut self, nickname: &str) {
        let expected = (nickname.to_owned(), format!("{nickname} has connected"));
        assert_eq!(self.told("notification"), expected);
    }

    /// Somebody's leave notice.
    pub fn sees_go(&mut self, nickname: &str) {
        let expected = (nickname.to_owned(), format!("{nickname} has disconnected"));
        assert_eq!(self.told("notification"), expected);
    }

    /// Is called `name` from here on.
    pub fn becomes(&mut self, name: &str) {
        self.say(&format!("/nick {name}"));
        let (nickname, _) = self.told("nick_update");
        assert_eq!(nickname, name);
    }

    /// Asks for a name that cannot be had; the words of the answer.
    pub fn is_refused(&mut self, wish: &str) -> String {
        self.say(wish);
        let told = self.next();
        assert_eq!(told["type"], "notification", "{wish}: {told}");
        assert_eq!(told["id"], "0".repeat(32), "{wish}: {told}");
        assert_eq!(told["nickname"], "*", "{wish}: {told}");
        told["message"].as_str().unwrap().to_owned()
    }
}

/// `POST /publish`.
pub fn publish(server: &Server, name: &str, msg: &str) -> Answer {
    let body = json!({ "name": name, "msg": msg }).to_string();
    server.post("/publish", "", &body)
}
