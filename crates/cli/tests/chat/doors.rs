//! Who talks by `parlour chat` is in the same room as those at the other doors.

use crate::support::{Chatter, Client, Server, free_client, publish};
use crate::{Run, next_entry, sub};

const EACH: usize = 10;

/// `c0`, `p0`, `h0` …: what counts here, and no word of those who try whether they are in.
fn counts(text: &str) -> bool {
    let number = text.strip_prefix(['c', 'p', 'h']);
    number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// The next texts that count.
fn next_texts(mut next: impl FnMut() -> String) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < 3 * EACH {
        let text = next();
        if counts(&text) {
            texts.push(text);
        }
    }
    texts
}

fn fed(subscriber: &mut Client) -> String {
    subscriber.next_event()["msg"].as_str().unwrap().to_owned()
}

#[test]
fn chat_sub_plain_and_subscribe_see_one_order_whoever_says_it() {
    let server = Server::start();
    let mut kim = Run::chat(&server, "general --as kim");
    let mut chatter = Chatter::new(&server);
    chatter.becomes("percy");
    let mut subscriber = free_client(&server, "/subscribe");
    while publish(&server, "usher", "are-you-there").status == 204 {
        let stream = subscriber.socket.get_ref().try_clone().unwrap();
        let soon = std::time::Duration::from_millis(200);
        stream.set_read_timeout(Some(soon)).unwrap();
        let is_in = subscriber.socket.read().is_ok();
        stream.set_read_timeout(Some(crate::PATIENCE)).unwrap();
        if is_in {
            break;
        }
    }
    let mut sub = sub(&server, "general", "");
    for n in 0..EACH {
        kim.say(&format!("c{n}"));
        chatter.say(&format!("p{n}"));
        assert_eq!(publish(&server, "ci", &format!("h{n}")).status, 204);
    }
    let by_sub = next_texts(|| {
        next_entry(&mut sub)["payload"]
            .as_str()
            .unwrap_or_default()
            .into()
    });
    let mut lines = Vec::new();
    let by_chat = next_texts(|| {
        let line = kim.line();
        let text = line
            .split_once(": ")
            .map_or("", |(_, text)| text)
            .to_owned();
        lines.push(line);
        text
    });
    let by_feed = next_texts(|| fed(&mut subscriber));
    let by_plain = next_texts(|| {
        loop {
            let told = chatter.next();
            if told["type"] == "message" {
                return told["message"].as_str().unwrap().to_owned();
            }
        }
    });
    assert_eq!(by_chat, by_sub);
    assert_eq!(by_feed, by_sub);
    assert_eq!(by_plain, by_sub);
    for line in ["guest-kim: c0", "guest-percy: p0", "guest-ci: h0"] {
        assert!(lines.iter().any(|it| it == line), "{line} in {lines:?}");
    }
    assert_eq!(kim.end().status, 0);
}

#[test]
fn another_name_at_plain_is_told_in_a_chat() {
    let server = Server::start();
    let mut chatter = Chatter::new(&server);
    let mut kim = Run::chat(&server, "general --as kim");
    chatter.becomes("percy");
    assert_eq!(
        kim.line(),
        format!("guest-{} is now guest-percy", chatter.first)
    );
    chatter.say("it is me");
    assert_eq!(kim.line(), "guest-percy: it is me");
}
