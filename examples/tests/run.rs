//! Every example is started, used by a client of another library, and stopped as by Ctrl-C.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(30);

struct Example {
    child: Child,
    _output: BufReader<ChildStdout>,
    /// `127.0.0.1:PORT`.
    address: String,
}

impl Example {
    /// Its first line says where it listens.
    fn start(program: &str) -> Self {
        let mut command = Command::new(program);
        let command = command.arg("127.0.0.1:0").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("://").unwrap();
        let address = address.split('/').next().unwrap().to_owned();
        Self {
            child,
            _output: output,
            address,
        }
    }

    fn connect(&self, path: &str, protocol: Option<&'static str>) -> WebSocket<TcpStream> {
        let uri = format!("ws://{}{path}", self.address);
        let mut request = uri.into_client_request().unwrap();
        if let Some(protocol) = protocol {
            let headers = request.headers_mut();
            headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        tungstenite::client(request, stream).unwrap().0
    }

    fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{request}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn ticket(&self) -> String {
        let answer = self.http(&format!(
            "POST /ticket HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
            self.address
        ));
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let given: serde_json::Value = serde_json::from_str(body).unwrap();
        given["otp"].as_str().unwrap().to_owned()
    }

    fn stop(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(socket: &mut WebSocket<TcpStream>, text: &str) {
    socket.send(Message::text(text)).unwrap();
}

fn hear(socket: &mut WebSocket<TcpStream>) -> String {
    socket.read().unwrap().into_text().unwrap().to_string()
}

/// The first frame with `part` in it.
fn hear_of(socket: &mut WebSocket<TcpStream>, part: &str) -> String {
    loop {
        let frame = hear(socket);
        if frame.contains(part) {
            return frame;
        }
    }
}

#[test]
fn embed_axum_has_a_page_rooms_and_presence() {
    let example = Example::start(env!("CARGO_BIN_EXE_embed_axum"));
    let page = example.http(&format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        example.address
    ));
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("parlour.v1"),
        "{page}"
    );
    let connect = || {
        let path = format!("/ws?otp={}", example.ticket());
        let mut socket = example.connect(&path, Some("parlour.v1"));
        say(
            &mut socket,
            r#"{"t":"join","rooms":[{"room":"hall","presence":true}]}"#,
        );
        hear_of(&mut socket, r#""t":"joined""#);
        socket
    };
    let mut first = connect();
    let mut second = connect();
    hear_of(&mut first, r#""count":2"#);
    say(
        &mut second,
        r#"{"t":"publish","room":"hall","payload":"hello"}"#,
    );
    let entry = hear_of(&mut first, r#""t":"entry""#);
    assert!(entry.contains(r#""payload":"hello""#), "{entry}");
    drop((first, second));
    example.stop();
}

#[test]
fn embed_axum_takes_at_most_twelve_lines_of_user_code() {
    let source = include_str!("../embed_axum.rs");
    let (_, body) = source.split_once("async fn main()").unwrap();
    let lines = body.lines().skip(1).take_while(|line| *line != "}");
    assert!(lines.clone().count() > 5);
    assert!(lines.filter(|line| !line.trim().is_empty()).count() <= 12);
}

#[test]
fn echo_gives_back_text_as_text_and_binary_as_binary() {
    let example = Example::start(env!("CARGO_BIN_EXE_echo"));
    let mut socket = example.connect("/", None);
    for message in [Message::text("hello"), Message::binary(vec![0, 255])] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    drop(socket);
    example.stop();
}

#[test]
fn event_router_tells_the_room_of_bids_and_one_alone_of_errors() {
    let example = Example::start(env!("CARGO_BIN_EXE_event_router"));
    let connect = || example.connect(&format!("/ws?otp={}", example.ticket()), None);
    let (mut ann, mut bob) = (connect(), connect());
    say(&mut bob, r#"{"type":"price","payload":null}"#);
    assert_eq!(hear(&mut bob), r#"{"type":"price","payload":0}"#);
    say(&mut ann, r#"{"type":"bid","payload":{"cents":100}}"#);
    let told = [hear(&mut ann), hear(&mut bob)];
    assert!(
        told[0] == told[1] && told[0].contains(r#""cents":100"#),
        "{told:?}"
    );
    say(&mut bob, r#"{"type":"bid","payload":{"cents":100}}"#);
    let error = hear(&mut bob);
    assert!(error.contains("too_low"), "{error}");
    drop((ann, bob));
    example.stop();
}

#[test]
fn custom_dialect_shares_its_rooms_with_the_other_doors() {
    let example = Example::start(env!("CARGO_BIN_EXE_custom_dialect"));
    let mut lines = example.connect("/lines", Some("example.lines"));
    say(&mut lines, "first");
    assert!(hear(&mut lines).ends_with(": first"));
    let mut events = example.connect(&format!("/ws?otp={}&room=den", example.ticket()), None);
    say(&mut lines, "/room den");
    say(&mut lines, "hello \"den\"");
    assert!(hear(&mut lines).starts_with("[den] guest-"));
    say(
        &mut events,
        r#"{"type":"send_message","payload":{"message":"hello line"}}"#,
    );
    assert!(hear(&mut lines).ends_with(": hello line"));
    say(&mut lines, "/room $all");
    assert!(hear(&mut lines).starts_with("! a room's name"));
    drop((lines, events));
    example.stop();
}

#[test]
fn typed_topic_reads_what_clients_publish_and_answers_in_the_same_room() {
    let example = Example::start(env!("CARGO_BIN_EXE_typed_topic"));
    let path = format!("/ws?otp={}&room=lab", example.ticket());
    let mut socket = example.connect(&path, Some("parlour.v1"));
    hear_of(&mut socket, r#""t":"joined""#);
    for celsius in ["21.5", "\"hot\"", "31.5"] {
        let payload = format!(r#"{{"celsius":{celsius}}}"#);
        say(
            &mut socket,
            &format!(r#"{{"t":"publish","room":"lab","type":"reading","payload":{payload}}}"#),
        );
    }
    let alarm = hear_of(&mut socket, r#""type":"alarm""#);
    assert!(
        alarm.contains(r#""celsius":31.5"#) && alarm.contains("guest-"),
        "{alarm}"
    );
    drop(socket);
    example.stop();
}

#[test]
fn minutes_has_what_is_said_at_every_door_in_its_order() {
    let example = Example::start(env!("CARGO_BIN_EXE_minutes"));
    let get = |path: &str| {
        example.http(&format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            example.address
        ))
    };
    assert!(get("/").contains("parlour.v1"));
    let mut events = example.connect(&format!("/ws?otp={}", example.ticket()), None);
    let mut plain = example.connect("/plain", None);
    say(&mut plain, "shall we begin?");
    hear_of(&mut events, "shall we begin?");
    say(&mut events, r#"{"type":"propose","payload":"more tea"}"#);
    hear_of(&mut plain, "motion 1: more tea");
    // It may be told a moment after the others.
    let minutes = loop {
        let minutes = get("/minutes");
        if minutes.contains("more tea") {
            break minutes;
        }
    };
    let at = |text| minutes.find(text).unwrap();
    assert!(at(r#""seq":1"#) < at(r#""text":"shall we begin?""#));
    assert!(at("shall we begin?") < at(r#""text":"motion 1: more tea""#));
    drop((events, plain));
    example.stop();
}
