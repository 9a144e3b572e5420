//! Certificates.

use std::path::PathBuf;
use std::time::Instant;

use rustix::process::Signal;

use super::support::{PATIENCE, Server};

const PAGE: &str = "GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n";

/// A server whose certificate and key others can use.
struct Maker(Server);

impl Maker {
    fn new() -> Self {
        Self(Server::start_with(&["--tls", "self-signed"]))
    }

    fn files(&self) -> [PathBuf; 2] {
        ["cert.pem", "key.pem"].map(|file| self.0.data().join("tls").join(file))
    }

    /// A server with these files.
    fn serve(&self) -> Server {
        let [cert, key] = self.files();
        let [cert, key] = [cert.to_str().unwrap(), key.to_str().unwrap()];
        Server::start_with(&["--tls-cert", cert, "--tls-key", key])
    }
}

effects! {
    "tls" => fn it_makes_a_certificate_and_keeps_it() {
        let mut server = Server::start_with(&["--tls", "self-signed"]);
        assert!(server.is_tls());
        let cert = server.own_certificate();
        assert_eq!(server.ask_tls(&cert, PAGE).unwrap().status, 200);
        let printed = server.printed_up_to("Ctrl+C");
        for words in ["SHA-256", "--cacert", "https://127.0.0.1", "parlour user add NAME --data"] {
            assert!(printed.contains(words), "{words} is not in:\n{printed}");
        }
        let shown = printed.lines().find(|line| line.matches(':').count() == 31).unwrap();
        assert_eq!(shown.trim().len(), 95);
    }

    "tls-cert" => fn the_certificate_of_a_file_is_served() {
        let maker = Maker::new();
        let server = maker.serve();
        assert!(server.is_tls());
        let [cert, _] = maker.files();
        assert_eq!(server.ask_tls(&cert, PAGE).unwrap().status, 200);
        let other = Maker::new();
        assert!(server.ask_tls(&other.files()[0], PAGE).is_err(), "it is this one and no other");
    }

    "tls-key" => fn the_key_must_be_that_of_the_certificate() {
        let (maker, other) = (Maker::new(), Maker::new());
        let [[cert, key], [_, wrong]] = [maker.files(), other.files()];
        let start = |key: &PathBuf| {
            let data = tempfile::tempdir().unwrap();
            let output = super::support::parlour()
                .args(["serve", "--addr", "127.0.0.1:0", "--log", "off", "--data"])
                .arg(data.path())
                .arg("--tls-cert")
                .arg(&cert)
                .arg("--tls-key")
                .arg(key)
                .output()
                .unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let (status, said) = start(&wrong);
        assert_eq!((status, said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(wrong.to_str().unwrap()) && said.contains("not the key"), "{said}");
        drop(key);
        assert_eq!(maker.serve().ask_tls(&cert, PAGE).unwrap().status, 200);
    }
}

#[test]
fn plain_http_on_the_port_of_tls_is_told_the_way() {
    let server = Server::start_with(&["--tls", "self-signed"]);
    let answer = server.ask(PAGE);
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .body
            .contains(&format!("https://{}", server.address())),
        "{answer:?}"
    );
}

#[test]
fn sighup_serves_what_the_files_hold_now_and_keeps_the_old_when_they_are_no_good() {
    let (maker, other) = (Maker::new(), Maker::new());
    let server = maker.serve();
    let [cert, key] = maker.files();
    let [new_cert, new_key] = other.files();
    let old = maker.0.data().join("old.pem");
    std::fs::copy(&cert, &old).unwrap();

    std::fs::copy(&new_cert, &cert).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log("stays as it was");
    assert_eq!(server.ask_tls(&old, PAGE).unwrap().status, 200);

    std::fs::copy(&new_key, &key).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log("was read again");
    let longest = Instant::now() + PATIENCE;
    while server.ask_tls(&new_cert, PAGE).is_err() {
        assert!(
            Instant::now() < longest,
            "the old certificate is still served"
        );
    }
    assert!(server.ask_tls(&old, PAGE).is_err());
}

#[test]
fn without_a_certificate_sighup_is_an_orderly_end() {
    let mut server = Server::start();
    let mut client = server.echo();
    client.send(tungstenite::Message::text("here"));
    client.next();
    server.signal(Signal::HUP);
    assert_eq!(client.closed(), Some(1001));
    drop(client);
    assert_eq!(server.wait().code(), Some(0));
}
