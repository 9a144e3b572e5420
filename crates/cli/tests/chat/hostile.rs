//! What others write is shown, and commands nothing; and who does not listen breaks nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use crate::support::{Server, parlour};
use crate::{Run, next_entry, run, sub, words};

#[test]
fn sub_writes_controls_as_escapes_that_mean_the_same() {
    let server = Server::start();
    let mut sub = sub(&server, "den", "");
    let text = "\u{9b}31m\u{7f}\u{85}\u{202e}txt\u{2066}";
    let mut attack = words(&server, "pub den");
    attack.arg(text);
    assert_eq!(run(attack, "").status, 0);
    let mut tabs = words(&server, "pub den --type app:x");
    tabs.arg("{\t\"a\":\t\"\u{9b}\"}");
    assert_eq!(run(tabs, "").status, 0);
    let line = loop {
        let line = sub.line();
        if !line.contains("are-you-there") {
            break line;
        }
    };
    assert!(!line.contains(char::is_control), "{line:?}");
    let escaped = r#""\u009b31m\u007f\u0085\u202etxt\u2066""#;
    assert!(line.contains(escaped), "{line}");
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["payload"], text);
    assert_eq!(next_entry(&mut sub)["payload"]["a"], "\u{9b}");
}

#[test]
fn a_servers_words_are_told_without_its_commands_to_a_terminal() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = r#"{"error":"no","message":"\u001b[2Jgone\u009b1m\u202e"}"#;
            let length = body.len();
            let answer = format!("HTTP/1.1 403 x\r\nContent-Length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    for line in ["pub den x", "sub den", "chat den"] {
        let mut command = parlour();
        command.args(line.split(' ')).args(["--url", &url]);
        let end = run(command, "");
        assert_eq!(end.status, 1);
        let told = end.told.trim_end();
        assert!(told.contains(r"\u{1b}[2Jgone\u{9b}1m\u{202e}"), "{told:?}");
        assert!(!told.contains(|it: char| it.is_control()), "{told:?}");
    }
}

#[test]
fn nobody_has_to_read_what_is_told() {
    for line in ["pub den x", "sub den", "chat den"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = parlour();
        command
            .args(line.split(' '))
            .args(["--url", "http://127.0.0.1:1"])
            .stdin(Stdio::null())
            .stderr(Stdio::from(writer));
        assert_eq!(command.status().unwrap().code(), Some(1), "{line}");
    }
}

#[test]
fn what_is_left_unsaid_as_nobody_reads_is_told_and_1() {
    let server = Server::start_with(&["--messages-per-second", "50", "--message-burst", "5"]);
    let mut kim = Run::chat(&server, "den --as kim");
    kim.out = std::sync::mpsc::channel().1;
    for n in 0..1_000 {
        kim.say(&n.to_string());
    }
    let end = kim.end();
    assert_eq!(end.status, 1, "{}", end.told);
    assert!(
        end.told.contains("lines that were not said"),
        "{}",
        end.told
    );
}
