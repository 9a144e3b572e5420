//! The process: data, log, end.

use rustix::process::Signal;

use super::echo;
use super::support::Server;

effects! {
    "data" => fn what_must_survive_lies_where_it_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("elsewhere");
        let _server = Server::start_with(&["--data", data.to_str().unwrap()]);
        for file in ["lock", "accounts.redb", "control.sock", "rooms"] {
            assert!(data.join(file).exists(), "{file}");
        }
    }

    "shutdown-timeout" => fn a_stop_takes_no_longer_whatever_hangs() {
        // Both have a client that does not answer; the one with more time is told first.
        let start = |time| Server::start_with(&["--close-timeout", "1m", "--shutdown-timeout", time]);
        let (mut long, mut short) = (start("2m"), Server::start_with(&["--shutdown-timeout", "1s"]));
        let (_silent, mut also_silent) = (echo(&long), echo(&short));
        let begun = short.raw();
        let head = short.named("POST /ticket HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n");
        std::io::Write::write_all(&mut &begun.stream, head.as_bytes()).unwrap();
        long.signal(Signal::TERM);
        short.signal(Signal::TERM);
        assert_eq!(also_silent.take(4), *b"\x88\x1a\x03\xe9");
        assert_eq!(short.wait().code(), Some(0));
        assert!(long.is_running(), "it waits for its client");
        assert!(short.log().contains("cut=1"), "{}", short.log());
    }

    "log" => fn it_logs_as_much_as_is_said() {
        for (filter, listening, debug) in
            [("off", false, false), ("info", true, false), ("debug", true, true)]
        {
            let server = Server::start_with(&["--log", filter]);
            drop(echo(&server));
            if listening {
                server.wait_for_log("listening");
            }
            let log = server.log();
            assert_eq!(log.contains("listening"), listening, "{filter}: {log}");
            assert_eq!(log.contains("DEBUG"), debug, "{filter}: {log}");
        }
    }

    "log-format" => fn its_lines_have_the_form_that_is_said() {
        for (format, json) in [("json", true), ("text", false)] {
            let mut server = Server::start_with(&["--log-format", format]);
            server.signal(Signal::TERM);
            server.wait();
            let log = server.log();
            assert!(!log.is_empty());
            for line in log.lines() {
                let is_json = serde_json::from_str::<serde_json::Value>(line).is_ok();
                assert_eq!(is_json, json, "{line}");
            }
        }
    }
}
