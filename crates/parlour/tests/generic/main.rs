//! One hub under listeners whose streams it can own and under listeners whose streams it cannot:
//! the same promises over a TCP socket, a Unix socket, an embedder's own TLS and a buffer in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/fragile.rs"]
mod fragile;
mod serve;

use std::num::NonZeroU16;
use std::time::Duration;

use parlour::{HubConfig, Limits};
use tungstenite::{Bytes, Message};

use serve::{App, Client, KINDS, Kind};

fn limited(limits: Limits) -> HubConfig {
    HubConfig {
        limits,
        ..HubConfig::default()
    }
}

fn echoes(client: &mut Client, message: &Message) {
    client.send(message.clone()).unwrap();
    assert_eq!(client.read().unwrap(), *message);
}

/// Reads to the close frame, and beyond it to the stream's end; its code.
fn close_code(client: &mut Client) -> Option<u16> {
    let mut code = None;
    loop {
        match client.read() {
            Ok(Message::Close(frame)) => code = frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return code,
        }
    }
}

fn text(client: &mut Client) -> serde_json::Value {
    loop {
        if let Message::Text(text) = client.read().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// A member of `general`.
fn join(app: &App) -> Client {
    let mut client = app.connect("/v1");
    assert_eq!(text(&mut client)["t"], "hello");
    let join = r#"{"t":"join","rooms":[{"room":"general"}]}"#;
    client.send(Message::text(join)).unwrap();
    assert_eq!(text(&mut client)["t"], "joined");
    client
}

fn publish(client: &mut Client, text: &str) {
    let frame = serde_json::json!({"t": "publish", "room": "general", "payload": text});
    client.send(Message::text(frame.to_string())).unwrap();
}

/// Runs a scenario over every kind of stream.
fn over_each(config: impl Fn() -> HubConfig, scenario: impl Fn(&App)) {
    for kind in KINDS {
        eprintln!("over {kind:?}");
        let app = App::start(kind, config());
        scenario(&app);
        assert_eq!(app.shut_down(), 0, "{kind:?}: nobody had to be cut");
    }
}

#[test]
fn a_message_comes_back_whole_whatever_its_size() {
    over_each(HubConfig::default, |app| {
        let mut client = app.connect("/fragile");
        for len in [0, 1, 125, 126, 4_095, 16_384, 65_536] {
            echoes(&mut client, &Message::text("x".repeat(len)));
            echoes(&mut client, &Message::Binary(vec![7; len].into()));
        }
        client.close(None).unwrap();
        assert_eq!(close_code(&mut client), None);
    });
}

#[test]
fn all_members_see_the_entries_of_a_room_in_one_order() {
    const EACH: usize = 100;
    over_each(HubConfig::default, |app| {
        let mut members: Vec<Client> = (0..3).map(|_| join(app)).collect();
        std::thread::scope(|scope| {
            let readers: Vec<_> = members
                .iter_mut()
                .map(|member| {
                    scope.spawn(|| {
                        (0..EACH).for_each(|number| publish(member, &number.to_string()));
                        let mut seen = Vec::new();
                        while seen.len() < 3 * EACH {
                            let told = text(member);
                            if told["t"] == "entry" {
                                seen.push((told["seq"].as_u64(), told["payload"].to_string()));
                            }
                        }
                        seen
                    })
                })
                .collect();
            let seen: Vec<_> = readers.into_iter().map(|it| it.join().unwrap()).collect();
            assert_eq!(seen[0], seen[1]);
            assert_eq!(seen[0], seen[2]);
            let numbers = seen[0].iter().map(|(seq, _)| seq.unwrap());
            assert!(numbers.eq(1..=3 * EACH as u64));
        });
    });
}

#[test]
fn a_message_over_the_limit_closes_1009_and_nobody_else() {
    let limits = Limits {
        message_bytes_max: 512,
        ..Limits::default()
    };
    over_each(
        || limited(limits.clone()),
        |app| {
            let mut bystander = app.connect("/fragile");
            let mut client = app.connect("/fragile");
            echoes(&mut client, &Message::text("x".repeat(512)));
            client.send(Message::text("x".repeat(513))).unwrap();
            assert_eq!(close_code(&mut client), Some(1009));
            echoes(&mut bystander, &Message::text("still here"));
        },
    );
}

#[test]
fn a_ping_is_answered_and_who_does_not_answer_one_is_closed_1008() {
    let limits = Limits {
        ping_interval: Duration::from_millis(250),
        pong_timeout: Duration::from_millis(500),
        ..Limits::default()
    };
    over_each(
        || limited(limits.clone()),
        |app| {
            let mut client = app.connect("/fragile");
            client.send(Message::Ping(Bytes::from("7"))).unwrap();
            while client.read().unwrap() != Message::Pong(Bytes::from("7")) {}
            // It hears pings and does not read on, so its answers stay where they are.
            while app.hub.stats().silent_closes == 0 {
                std::thread::yield_now();
            }
            assert_eq!(close_code(&mut client), Some(1008));
        },
    );
}

#[test]
fn who_does_not_read_is_closed_and_hurts_nobody() {
    let limits = Limits {
        slow_reader_timeout: Duration::from_millis(500),
        close_timeout: Duration::from_millis(500),
        messages_per_second: 0,
        ..Limits::default()
    };
    for kind in KINDS {
        let app = App::start(kind, limited(limits.clone()));
        let mut publisher = join(&app);
        let slow = join(&app);
        let text_of_32k = "x".repeat(32 * 1024);
        while app.hub.stats().stuck_closes == 0 {
            publish(&mut publisher, &text_of_32k);
            while text(&mut publisher)["t"] != "entry" {}
        }
        // It does not read its close either, so it is cut.
        while app.hub.connections() > 1 {
            std::thread::yield_now();
        }
        publish(&mut publisher, "still here");
        while text(&mut publisher)["payload"] != "still here" {}
        drop((slow, publisher));
        assert_eq!(app.shut_down(), 0, "{kind:?}");
    }
}

#[test]
fn a_slow_reader_that_comes_back_to_reading_is_told_what_it_missed() {
    let limits = Limits {
        log_entries_max: 16,
        messages_per_second: 0,
        ..Limits::default()
    };
    over_each(
        || limited(limits.clone()),
        |app| {
            let mut publisher = join(app);
            let mut slow = join(app);
            let text_of_32k = "x".repeat(32 * 1024);
            // 16 MiB: more than the kernel keeps for both ends of a connection.
            for _ in 0..512 {
                publish(&mut publisher, &text_of_32k);
                while text(&mut publisher)["t"] != "entry" {}
            }
            publish(&mut publisher, "the last");
            let (mut next, mut gaps) = (1, 0);
            loop {
                let told = text(&mut slow);
                match told["t"].as_str().unwrap() {
                    "gap" => {
                        assert_eq!(told["first"], next);
                        next = told["last"].as_u64().unwrap() + 1;
                        gaps += 1;
                    }
                    "entry" => {
                        assert_eq!(told["seq"], next);
                        next += 1;
                    }
                    other => panic!("{other}"),
                }
                if told["payload"] == "the last" {
                    break;
                }
            }
            assert!(gaps > 0, "it missed nothing");
        },
    );
}

#[test]
fn at_the_end_everybody_is_closed_1001_and_nobody_has_to_be_cut() {
    for kind in KINDS {
        let app = App::start(kind, HubConfig::default());
        let clients: Vec<Client> = (0..8).map(|_| join(&app)).collect();
        let (cut, codes) = std::thread::scope(|scope| {
            let closes = clients
                .into_iter()
                .map(|mut client| scope.spawn(move || close_code(&mut client)));
            let closes: Vec<_> = closes.collect();
            let cut = app.shut_down();
            let codes = closes.into_iter().map(|close| close.join().unwrap());
            (cut, codes.collect::<Vec<_>>())
        });
        assert_eq!((cut, codes), (0, vec![Some(1001); 8]), "{kind:?}");
    }
}

#[test]
fn a_panic_closes_1011_the_connection_that_caused_it() {
    over_each(HubConfig::default, |app| {
        let mut bystander = app.connect("/fragile");
        let mut victim = app.connect("/fragile");
        victim.send(Message::text("fail to decode")).unwrap();
        assert_eq!(close_code(&mut victim), Some(1011));
        echoes(&mut bystander, &Message::text("still here"));
    });
}

#[test]
fn a_stream_that_is_still_written_to_has_its_place() {
    let config = HubConfig {
        shards: NonZeroU16::new(1),
        ..HubConfig::default()
    };
    let app = App::start(Kind::Duplex, config);
    let [mut stuck, mut other] = [app.connect("/fragile"), app.connect("/fragile")];
    while app.hub.stats().connections < 2 {
        std::thread::yield_now();
    }
    // Its answer is more than its stream takes, and nobody reads that.
    let long = Message::text("x".repeat(16 * 1024));
    stuck.send(long).unwrap();
    stuck.get_mut().finish();
    while app.hub.stats().connections == 2 {
        std::thread::yield_now();
    }
    // The shard has done all of that turn.
    echoes(&mut other, &Message::text("still here"));
    assert_eq!(app.hub.connections(), 2);
    drop(stuck);
    while app.hub.connections() > 1 {
        std::thread::yield_now();
    }
    drop(other);
    assert_eq!(app.shut_down(), 0);
}

#[test]
fn who_vanishes_leaves_its_place() {
    over_each(HubConfig::default, |app| {
        let vanishing = join(app);
        drop(vanishing);
        while app.hub.connections() > 0 {
            std::thread::yield_now();
        }
    });
}
