//! What subscribers are told.

use tungstenite::Message;

use crate::support::{Server, publish};
use crate::{subscriber, told};

#[test]
fn each_message_is_one_object_of_name_and_msg_with_the_same_bytes_for_all() {
    let server = Server::start();
    let mut all = [subscriber(&server), subscriber(&server)];
    let answer = publish(&server, "kim", "hello <\"\u{e9}\">\n");
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    for client in &mut all {
        assert_eq!(
            told(client),
            "{\"name\":\"kim\",\"msg\":\"hello <\\\"\u{e9}\\\">\\n\"}"
        );
    }
}

#[test]
fn what_is_published_one_after_another_arrives_in_that_order() {
    let server = Server::start();
    let mut client = subscriber(&server);
    for number in 0..100 {
        assert_eq!(publish(&server, "kim", &number.to_string()).status, 204);
    }
    for number in 0..100 {
        assert_eq!(
            told(&mut client),
            format!(r#"{{"name":"kim","msg":"{number}"}}"#)
        );
    }
}

#[test]
fn who_comes_late_begins_with_the_next_message() {
    let server = Server::start();
    assert_eq!(
        publish(&server, "kim", "before").status,
        204,
        "also with nobody there"
    );
    let mut client = subscriber(&server);
    publish(&server, "kim", "after");
    assert_eq!(told(&mut client), r#"{"name":"kim","msg":"after"}"#);
}

#[test]
fn data_from_a_subscriber_ends_him_with_1008_and_nobody_else_notices() {
    let server = Server::start();
    let mut other = subscriber(&server);
    for data in [
        Message::text("hello"),
        Message::binary(vec![1, 2, 3]),
        Message::text(""),
        Message::text(r#"{"name":"kim","msg":"hello"}"#),
    ] {
        let mut client = subscriber(&server);
        client.send(data);
        loop {
            if let Message::Close(frame) = client.next() {
                let frame = frame.unwrap();
                assert_eq!(u16::from(frame.code), 1008);
                assert_eq!(frame.reason.as_str(), "unexpected data message");
                break;
            }
        }
    }
    publish(&server, "kim", "still here");
    assert_eq!(told(&mut other), r#"{"name":"kim","msg":"still here"}"#);
}

#[test]
fn who_leaves_ends_his_subscription_and_nobody_elses() {
    let server = Server::start();
    let [mut clean, broken, mut other] = [(); 3].map(|()| subscriber(&server));
    clean.socket.close(None).unwrap();
    assert_eq!(clean.closed(), None, "answered with what was sent");
    drop(broken);
    publish(&server, "kim", "hello");
    assert_eq!(told(&mut other), r#"{"name":"kim","msg":"hello"}"#);
    let gone = "GET /debug HTTP/1.1\r\nHost: {host}\r\n\r\n";
    while server.ask(gone).body != "1\n" {}
}

#[test]
fn a_ping_of_a_subscriber_is_answered() {
    let server = Server::start();
    let mut client = subscriber(&server);
    client.send(Message::Ping("are you there".into()));
    loop {
        if let Message::Pong(payload) = client.next() {
            assert_eq!(payload, "are you there");
            break;
        }
    }
}
