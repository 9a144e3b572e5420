//! Who comes and who goes is told to those who are here.

use crate::support::{Chatter, Server};
use tungstenite::Message;

#[test]
fn e9_who_comes_is_told_to_everybody_himself_too() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    let bob = Chatter::new(&server);
    let told = ann.client.next().into_text().unwrap().to_string();
    let expected = format!(
        r#"{{"type":"notification","id":"{}","nickname":"AnonymousUser1","message":"AnonymousUser1 has connected"}}"#,
        bob.id
    );
    assert_eq!(told, expected);
}

#[test]
fn who_leaves_is_told_once_with_his_id_and_his_last_nickname_behind_his_last_message() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    for is_clean in [true, false] {
        let mut bob = Chatter::new(&server);
        ann.sees_come(&bob.first);
        bob.becomes("bob");
        assert_eq!(ann.told("nick_update").0, "bob");
        bob.say("that is all");
        let id = bob.id.clone();
        if is_clean {
            bob.client.socket.close(None).unwrap();
            bob.client.closed();
        } else {
            // Seen to be said, as a broken connection may take what was on its way with it.
            bob.heard();
        }
        drop(bob);
        assert_eq!(ann.heard(), ("bob".to_owned(), "that is all".to_owned()));
        let told = ann.next();
        assert_eq!(told["type"], "notification");
        assert_eq!(told["id"], id.as_str());
        assert_eq!(told["nickname"], "bob");
        assert_eq!(told["message"], "bob has disconnected");
    }
    ann.say("and once only");
    assert_eq!(ann.heard().1, "and once only");
}

#[test]
fn who_is_cut_off_for_a_mistake_is_seen_to_leave() {
    let server = Server::start_with(&["--max-message-bytes", "512"]);
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    bob.client.send(Message::text("x".repeat(513)));
    ann.sees_go("AnonymousUser1");
    assert_eq!(bob.client.closed(), Some(1009));
}

#[test]
fn who_leaves_before_he_reads_anything_leaves_no_trace_but_two_notices() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    for number in 1..=20 {
        drop(crate::support::free_client(&server, "/plain"));
        let name = format!("AnonymousUser{number}");
        ann.sees_come(&name);
        ann.sees_go(&name);
    }
}
