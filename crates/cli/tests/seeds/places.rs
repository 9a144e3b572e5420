//! Where everything is when nobody sets anything: E1, row 1.05.

use crate::wire::{House, Request, parlour};

/// E1.
#[test]
fn every_door_is_at_its_place() {
    let house = House::open(&[], &[]).unwrap();
    let ticket = house.way.guest("ann").unwrap();
    let said = r#"{"name":"ann","msg":"hello"}"#;
    for (request, status) in [
        (Request::get("/"), 200),
        (Request::login("nobody", "a password of nobody"), 401),
        (Request::upgrade(&format!("/ws?otp={ticket}")), 101),
        (Request::upgrade("/ws"), 401),
        (Request::upgrade("/plain"), 101),
        (Request::upgrade("/subscribe"), 101),
        (Request::post("/publish", said), 204),
        (Request::upgrade("/echo"), 101),
        (Request::get("/debug"), 200),
    ] {
        let answer = house.way.ask(&request).unwrap();
        let line = String::from_utf8_lossy(&request.bytes("here")).into_owned();
        let line = line.lines().next().unwrap_or_default().to_owned();
        answer.expect(status, &line).unwrap();
    }
    let page = house.way.ask(&Request::get("/")).unwrap();
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

/// Row 1.05.
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
