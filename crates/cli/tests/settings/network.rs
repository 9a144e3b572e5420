//! Where the server listens, and whom it believes.

use super::support::{Server, Setup};
use super::{echo, knock, upgrade};

const FOREIGN: &str = "chat.example";

effects! {
    "addr" => fn it_listens_where_it_is_told_to() {
        let server = Server::start_with(&["--addr", "127.0.0.2:0"]);
        assert_eq!(server.address().ip().to_string(), "127.0.0.2");
        assert_eq!(server.ask("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").status, 200);
    }

    "insecure" => fn plain_http_is_served_where_others_can_reach_it_only_when_that_is_said() {
        let server = Server::start_with(&["--addr", "0.0.0.0:0", "--insecure"]);
        assert!(!server.is_tls());
        assert_eq!(server.ask("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").status, 200);
        assert_eq!(knock(&server, "{host}", "").1.status, 403, "nobody is local there");
    }

    "trusted-proxy" => fn a_proxy_is_believed_whom_it_speaks_for() {
        let limits = ["--max-connections-per-address", "1", "--door", "echo"];
        let believed = Server::start_with(&[&limits[..], &["--trusted-proxy", "127.0.0.1"]].concat());
        let strange = Server::start_with(&limits);
        for (server, other) in [(&believed, 101), (&strange, 101)] {
            let (_first, answer) = knock(server, FOREIGN, "X-Forwarded-For: 192.0.2.1\r\n");
            assert_eq!(answer.status, 101);
            let (_second, answer) = knock(server, FOREIGN, "X-Forwarded-For: 192.0.2.2\r\n");
            assert_eq!(answer.status, other, "another client");
            let (_third, answer) = knock(server, FOREIGN, "X-Forwarded-For: 192.0.2.1\r\n");
            let same = if std::ptr::eq(server, &raw const believed) { 429 } else { 101 };
            assert_eq!(answer.status, same, "the first client again, if the proxy is believed");
        }
    }

    "allow-origin" => fn pages_of_an_allowed_origin_may_use_the_doors() {
        let origins = ["--allow-origin", "https://a.example", "--allow-origin", "https://b.example:8443"];
        let server = Server::start_with(&origins);
        for (origin, status) in [
            ("https://a.example", 101),
            ("https://b.example:8443", 101),
            ("https://c.example", 403),
        ] {
            let headers = format!("Origin: {origin}\r\n");
            assert_eq!(knock(&server, "{host}", &headers).1.status, status, "{origin}");
        }
    }

    "require-origin" => fn who_names_no_origin_is_refused_when_that_is_required() {
        let server = Server::start_with(&["--require-origin"]);
        assert_eq!(server.post("/ticket", "", "{}").status, 403);
        let own = format!("Origin: http://{}\r\n", server.address());
        assert_eq!(server.post("/ticket", &own, "{}").status, 200);
    }

    "door" => fn a_door_is_open_to_everybody_when_that_is_said() {
        let server = Server::start_with(&["--door", "echo", "--door", "debug"]);
        assert_eq!(knock(&server, FOREIGN, "").1.status, 101);
        let debug = format!("GET /debug HTTP/1.1\r\nHost: {FOREIGN}\r\n\r\n");
        assert_eq!(server.ask(&debug).status, 200);
        let shut = Setup::default().start();
        drop(echo(&shut));
        assert_eq!(shut.ask(&upgrade(FOREIGN, "/echo", "")).status, 403);
        assert_eq!(shut.ask(&debug).status, 401);
    }
}
