//! Where everything is when nobody sets anything: E1, row 1.05.

use crate::handshake::request;
use crate::support::{Server, parlour, publish};

#[test]
fn every_door_is_at_its_place() {
    let server = Server::start();
    let (otp, _) = server.ticket("ann");
    for (path, status) in [
        (format!("/ws?otp={otp}").as_str(), 101),
        ("/ws", 401),
        ("/plain", 101),
        ("/subscribe", 101),
        ("/echo", 101),
    ] {
        let answer = server.ask(&request(&server, path));
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    assert_eq!(publish(&server, "kim", "hello").status, 204);
    let nobody = r#"{"username":"nobody","password":"a password of nobody"}"#;
    assert_eq!(server.post("/login", "", nobody).status, 401);
    for (path, kind) in [("/", "text/html"), ("/debug", "text/plain")] {
        let answer = server.ask(&format!("GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"));
        let is_kind = answer
            .header("content-type")
            .is_some_and(|it| it.starts_with(kind));
        assert!(answer.status == 200 && is_kind, "{path}: {answer:?}");
    }
}

#[test]
fn it_listens_on_port_8080_of_this_machine_without_tls() {
    let output = parlour()
        .args(["serve", "--print-config"])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    for line in [r#"addr = "127.0.0.1:8080""#, r#"tls = "off""#] {
        assert!(printed.contains(line), "{line} is not in\n{printed}");
    }
}
