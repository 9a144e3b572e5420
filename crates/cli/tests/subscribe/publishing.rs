//! Who may publish, what is taken, and what the answers are.

use serde_json::{Value, json};

use crate::support::{Answer, Server, post, publish};
use crate::{TOKEN, subscriber, token_file, told};

fn refusal(answer: &Answer) -> (u16, String) {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|words| !words.is_empty()),
        "{answer:?}"
    );
    (answer.status, body["error"].as_str().unwrap().to_owned())
}

#[test]
fn unknown_fields_are_ignored_and_json_may_be_sent_as_any_type_that_no_form_has() {
    let server = Server::start();
    let mut client = subscriber(&server);
    let body = r#"{"at":"now","msg":"hello","name":"kim","more":[1]}"#;
    for kind in [
        "",
        "Content-Type: application/json\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
    ] {
        let answer = server.ask(&format!(
            "POST /publish HTTP/1.1\r\nHost: {{host}}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{kind}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(told(&mut client), r#"{"name":"kim","msg":"hello"}"#);
    }
}

#[test]
fn what_is_no_message_is_refused_with_400_and_nobody_gets_anything() {
    let server = Server::start();
    let mut client = subscriber(&server);
    for (body, code) in [
        ("", "bad_json"),
        ("hello", "bad_json"),
        ("[]", "bad_json"),
        ("{}", "bad_json"),
        (r#"{"name":"kim"}"#, "bad_json"),
        (r#"{"msg":"hello"}"#, "bad_json"),
        (r#"{"name":null,"msg":"hello"}"#, "bad_json"),
        (r#"{"name":"kim","msg":null}"#, "bad_json"),
        (r#"{"name":1,"msg":"hello"}"#, "bad_json"),
        (r#"{"name":"kim","msg":{}}"#, "bad_json"),
        (r#"{"name":"kim","msg":"\ud800"}"#, "bad_json"),
        (r#"{"name":"","msg":"hello"}"#, "bad_name"),
        (r#"{"name":" ","msg":"hello"}"#, "bad_name"),
        (r#"{"name":"a\u0007b","msg":"hello"}"#, "bad_name"),
        (r#"{"name":"kim","msg":""}"#, "bad_payload"),
    ] {
        let answer = server.post("/publish", "", body);
        assert_eq!(refusal(&answer), (400, code.to_owned()), "{body}");
    }
    publish(&server, "kim", "hello");
    assert_eq!(told(&mut client), r#"{"name":"kim","msg":"hello"}"#);
}

#[test]
fn d31_other_methods_large_bodies_forms_and_foreign_pages_are_refused() {
    let server = Server::start_with(&["--max-message-bytes", "512"]);
    let good = r#"{"name":"kim","msg":"hello"}"#;
    for method in ["GET", "PUT", "DELETE"] {
        let request = post("{host}", "/publish", "", good).replacen("POST", method, 1);
        let answer = server.ask(&request);
        assert_eq!(
            refusal(&answer),
            (405, "method_not_allowed".into()),
            "{method}"
        );
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    let sized = |len: usize| {
        let rest = r#"{"name":"kim","msg":""}"#.len();
        json!({"name": "kim", "msg": "x".repeat(len - rest)}).to_string()
    };
    assert_eq!(server.post("/publish", "", &sized(512)).status, 204);
    assert_eq!(
        refusal(&server.post("/publish", "", &sized(513))),
        (413, "too_large".into())
    );
    for kind in ["application/x-www-form-urlencoded", "multipart/form-data"] {
        let request = post("{host}", "/publish", "", good).replace("application/json", kind);
        assert_eq!(
            refusal(&server.ask(&request)),
            (415, "unsupported_media_type".into())
        );
    }
    let foreign = server.post("/publish", "Origin: http://evil.example\r\n", good);
    assert_eq!(refusal(&foreign), (403, "foreign_origin".into()));
    let own = format!("Origin: http://{}\r\n", server.address());
    assert_eq!(server.post("/publish", &own, good).status, 204);
}

#[test]
fn an_address_publishes_no_faster_than_a_connection_may() {
    let server = Server::start_with(&["--messages-per-second", "1", "--message-burst", "3"]);
    let answers = [(); 4].map(|()| publish(&server, "kim", "hello"));
    assert_eq!(answers.each_ref().map(|it| it.status), [204, 204, 204, 429]);
    assert_eq!(refusal(&answers[3]).1, "rate_limited");
    assert_eq!(answers[3].header("retry-after"), Some("1"));
}

#[test]
fn elsewhere_it_asks_for_its_token_and_must_be_open() {
    const GOOD: &str = r#"{"name":"kim","msg":"hello"}"#;
    let ask = |server: &Server, headers: &str| {
        server.ask(&post("chat.example", "/publish", headers, GOOD))
    };
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let shut = Server::start();
    assert_eq!(refusal(&ask(&shut, &bearer)), (403, "not_open".into()));
    let (_directory, path) = token_file();
    let open = Server::start_with(&["--door", "publish", "--publish-token-file", &path]);
    assert_eq!(refusal(&ask(&open, "")), (401, "bad_token".into()));
    let wrong = bearer.replace('0', "1");
    assert_eq!(refusal(&ask(&open, &wrong)), (401, "bad_token".into()));
    assert_eq!(ask(&open, &bearer).status, 204);
    assert_eq!(
        publish(&open, "kim", "hello").status,
        204,
        "here none is asked for"
    );
}

#[test]
fn nobody_is_published_under_a_users_name_but_at_its_own_door() {
    let server = Server::start();
    let mut elsewhere = server.join("ann", "general");
    let mut here = subscriber(&server);
    publish(&server, "percy", "hello");
    assert_eq!(told(&mut here), r#"{"name":"percy","msg":"hello"}"#);
    let from = loop {
        let told = elsewhere.told();
        if told["message"] == "hello" {
            break told["from"].clone();
        }
    };
    assert_eq!(from, "guest-percy");
}

#[test]
fn d17_an_answer_means_that_the_room_has_it() {
    let server = Server::start();
    let mut client = server.v1("ann");
    client.send(tungstenite::Message::text(
        r#"{"t":"join","rooms":[{"room":"general"}]}"#,
    ));
    let joined = loop {
        let event = client.next_event();
        if event["t"] == "joined" {
            break event;
        }
    };
    assert_eq!(joined["head"], 0);
    assert_eq!(publish(&server, "kim", "hello").status, 204);
    // Whoever asks after the answer finds it there.
    let mut late = server.v1("bob");
    late.send(tungstenite::Message::text(
        r#"{"t":"join","rooms":[{"room":"general"}]}"#,
    ));
    loop {
        let event = late.next_event();
        if event["t"] == "joined" {
            assert_eq!(event["head"], 1);
            break;
        }
    }
}
