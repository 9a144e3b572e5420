//! The people of the scenario, each at a door of his own.

use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::Message;

use crate::support::{Chatter, Client, PATIENCE, Server, Setup, free_client, publish};
use crate::terminal::Terminal;

const PASSWORD: &str = "correct horse battery";

/// What one reader has seen of an entry: who said it there, and what.
pub(crate) type Seen = (String, String);

/// Somebody at each door of the room `general`.
pub(crate) struct Everybody {
    pub(crate) server: Server,
    /// `percy`, a user, at the events door.
    pub(crate) percy: Client,
    /// `guest-ann`, at `parlour.v1`.
    pub(crate) ann: Client,
    /// `AnonymousUser0`, at `/plain`.
    pub(crate) kim: Chatter,
    /// Nobody, at `/subscribe`.
    pub(crate) subscriber: Client,
    /// `guest-cid`, by `parlour chat`.
    pub(crate) cid: Terminal,
    /// A guest who only listens, by `parlour sub`.
    pub(crate) sub: Terminal,
}

impl Everybody {
    pub(crate) fn come(settings: &[&str]) -> Self {
        let server = Setup::with(settings).user("percy", PASSWORD).start();
        let percy = sign_in(&server);
        let ann = join(&server);
        let kim = Chatter::new(&server);
        let subscriber = free_client(&server, "/subscribe");
        let cid = Terminal::chat(&server, "cid");
        let sub = Terminal::sub(&server);
        let mut everybody = Self {
            server,
            percy,
            ann,
            kim,
            subscriber,
            cid,
            sub,
        };
        everybody.settle();
        everybody
    }

    /// Everybody is in the room: what is said is seen by all. What was said until then is skipped.
    fn settle(&mut self) {
        let mut number = 0;
        let mut mark = |server: &Server| {
            number += 1;
            let mark = format!("mark {number}");
            assert_eq!(publish(server, "usher", &mark).status, 204);
            mark
        };
        // Who hears one mark hears the later ones.
        while !hears(&mut self.subscriber) {
            mark(&self.server);
        }
        while self.cid.soon().is_none() {
            mark(&self.server);
        }
        while self.sub.soon().is_none() {
            mark(&self.server);
        }
        let end = mark(&self.server);
        while self.seen_by_subscriber().1 != end {}
        while self.seen_by_percy().1 != end {}
        while self.seen_by_ann().1 != end {}
        while self.seen_by_kim().1 != end {}
        while self.cid.seen().1 != end {}
        while self.sub.seen_as_json().1 != end {}
    }

    pub(crate) fn seen_by_percy(&mut self) -> Seen {
        let event = next_text(&mut self.percy);
        assert_eq!(event["type"], "new_message", "{event}");
        seen(&event["payload"], "from", "message")
    }

    /// Entries of the kind `message`; a new name is `*` and what it was and is.
    pub(crate) fn seen_by_ann(&mut self) -> Seen {
        loop {
            let frame = next_text(&mut self.ann);
            match (frame["t"].as_str().unwrap(), frame["type"].as_str()) {
                ("entry", Some("message")) => return seen(&frame, "from", "payload"),
                ("entry", Some("$nick")) => {
                    let (was, now) = seen(&frame["payload"], "was", "now");
                    return ("*".to_owned(), format!("{was} to {now}"));
                }
                ("entry" | "error" | "gap", _) => panic!("{frame}"),
                _ => {}
            }
        }
    }

    /// As everybody at `/plain` sees it, a new name too; notices are skipped.
    pub(crate) fn seen_by_kim(&mut self) -> Seen {
        loop {
            let told = self.kim.next();
            match told["type"].as_str().unwrap() {
                "message" => return seen(&told, "nickname", "message"),
                "nick_update" => return ("*".to_owned(), seen(&told, "id", "message").1),
                _ => {}
            }
        }
    }

    pub(crate) fn seen_by_subscriber(&mut self) -> Seen {
        seen(&next_text(&mut self.subscriber), "name", "msg")
    }
}

/// Publishes in the room by `parlour.v1`.
pub(crate) fn say(client: &mut Client, text: &str) {
    let frame = json!({"t": "publish", "room": "general", "payload": text});
    client.send(Message::text(frame.to_string()));
}

fn sign_in(server: &Server) -> Client {
    let body = json!({"username": "percy", "password": PASSWORD}).to_string();
    let answer = server.post("/login", "", &body);
    let given: Value = serde_json::from_str(&answer.body).unwrap();
    let otp = given["otp"].as_str().unwrap();
    let mut percy = Client::open(server, &format!("/ws?otp={otp}"), &[]).unwrap();
    percy.settle();
    percy
}

fn join(server: &Server) -> Client {
    let mut ann = server.v1("ann");
    let join = json!({"t": "join", "rooms": [{"room": "general"}]});
    ann.send(Message::text(join.to_string()));
    while ann.next_event()["t"] != "joined" {}
    ann
}

/// Whether something comes soon.
fn hears(client: &mut Client) -> bool {
    let stream = client.socket.get_ref().try_clone().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let is_told = matches!(client.socket.read(), Ok(Message::Text(_)));
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    is_told
}

/// The next text; pings are answered.
fn next_text(client: &mut Client) -> Value {
    loop {
        if let Message::Text(text) = client.next() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

fn seen(value: &Value, who: &str, what: &str) -> Seen {
    let field = |name: &str| {
        value[name]
            .as_str()
            .unwrap_or_else(|| panic!("{value}"))
            .to_owned()
    };
    (field(who), field(what))
}
