//! Raw connections (rows 0.01 to 0.23), seen by a client of another library.

use std::sync::Arc;

use parlour::connections::{Client, Connections, ConnectionsBuilder, Message as Told};
use parlour::policy::{Denied, Visitor};
use parlour::{Hub, HubConfig, Limits, StartError};
use tokio::sync::Notify;
use tungstenite::Message;

use super::support::{Diary, Server, ask, close_code, hear, say, until};

fn serve<T: Send + Sync + 'static>(builder: ConnectionsBuilder<T>) -> (Server, Connections<T>) {
    let clients = builder.build();
    let config = HubConfig::default().connections(&clients);
    (Server::start(config, &["raw"]), clients)
}

fn echo() -> ConnectionsBuilder {
    Connections::builder("raw")
        .on_message(|client: Client, message| async move { client.send(message).await })
}

#[test]
fn one_client_comes_is_counted_is_answered_and_goes() {
    let gone = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (server, clients) = serve(echo().on_close({
        let gone = Arc::clone(&gone);
        move |client: Client, _| {
            gone.lock().unwrap().push(client);
            async {}
        }
    }));
    let mut client = server.connect("/raw");
    assert_eq!(ask(&mut client, "testing"), "testing");
    let here = clients.list();
    assert_eq!(here.len(), 1);
    client.close(None).unwrap();
    server.runtime.block_on(here[0].closed());
    assert_eq!(*gone.lock().unwrap(), here, "the same object");
    assert!(clients.list().is_empty());
}

#[test]
fn set_up_then_listed_then_opened_then_the_first_message() {
    let diary = Arc::new(Diary::default());
    let of = || Arc::clone(&diary);
    let (set_up, opened, opened_too, heard) = (of(), of(), of(), of());
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let builder = Connections::with_set_up("raw", move |visitor: Visitor| {
        set_up.note(format!("set up for {}", visitor.head().uri));
        async { Ok(7_u32) }
    });
    let builder = builder
        .on_open(move |_: Client<u32>| {
            let (opened, wait) = (Arc::clone(&opened), Arc::clone(&wait));
            async move {
                opened.note("open begins");
                wait.notified().await;
                opened.note("open ends");
            }
        })
        .on_open(move |client: Client<u32>| {
            opened_too.note(format!("open again with {}", client.value()));
            async {}
        })
        .on_message(move |client: Client<u32>, message| {
            heard.note(message.as_text().unwrap());
            async move { client.send(message).await }
        });
    let (server, clients) = serve(builder);
    let mut client = server.connect("/raw?a=b");
    say(&mut client, "first");
    until(|| diary.read().len() == 2);
    assert_eq!(clients.list().len(), 1, "counted before it is opened");
    go.notify_one();
    assert_eq!(hear(&mut client), "first");
    let order = [
        "set up for /raw?a=b",
        "open begins",
        "open ends",
        "open again with 7",
        "first",
    ];
    assert_eq!(diary.read(), order);
}

#[test]
fn a_set_up_that_refuses_is_told_in_words_and_no_handler_runs() {
    let diary = Arc::new(Diary::default());
    let noted = Arc::clone(&diary);
    let builder = Connections::with_set_up("raw", |visitor: Visitor| async move {
        match visitor.head().uri.query() {
            Some("please") => Ok(()),
            _ => Err(Denied::because("say please")),
        }
    });
    let (server, clients) = serve(builder.on_open(move |_: Client| {
        noted.note("open");
        async {}
    }));
    let refused = server.try_connect("/raw").err().unwrap();
    assert!(
        refused.starts_with("403 ") && refused.contains("say please"),
        "{refused}"
    );
    assert!(clients.list().is_empty() && diary.read().is_empty());
    let _client = server.connect("/raw?please");
    until(|| diary.read() == ["open"]);
}

#[test]
fn a_failed_upgrade_runs_no_callback() {
    let diary = Arc::new(Diary::default());
    let noted = Arc::clone(&diary);
    let (server, clients) = serve(Connections::with_set_up("raw", move |_| {
        noted.note("set up");
        async { Ok(()) }
    }));
    let (status, _) = server.post("/raw", "{}");
    assert_eq!(status, 405);
    assert!(clients.list().is_empty() && diary.read().is_empty());
}

#[test]
fn several_message_handlers_run_in_order_each_to_its_end_for_one_message_after_the_other() {
    let diary = Arc::new(Diary::default());
    let noting = |name: &'static str| {
        let diary = Arc::clone(&diary);
        move |_: Client, message: Told| {
            let diary = Arc::clone(&diary);
            async move {
                diary.note(format!("{name} begins {}", message.as_text().unwrap()));
                tokio::task::yield_now().await;
                diary.note(format!("{name} ends"));
            }
        }
    };
    let builder = Connections::builder("raw")
        .on_message(noting("a"))
        .on_message(noting("b"))
        .on_message(|client: Client, message| async move { client.send(message).await });
    let (server, _clients) = serve(builder);
    let mut client = server.connect("/raw");
    for n in ["1", "2"] {
        say(&mut client, n);
    }
    assert_eq!([hear(&mut client), hear(&mut client)], ["1", "2"]);
    let of = |n| {
        [
            format!("a begins {n}"),
            "a ends".into(),
            format!("b begins {n}"),
            "b ends".into(),
        ]
    };
    assert_eq!(diary.read(), [of(1), of(2)].concat());
}

#[test]
fn without_message_handlers_messages_are_read_and_thrown_away() {
    let (server, clients) = serve(Connections::builder("raw"));
    let mut client = server.connect("/raw");
    for _ in 0..100 {
        say(&mut client, &"x".repeat(10_000));
    }
    until(|| clients.list().len() == 1);
    let here = clients.list().remove(0);
    server.runtime.block_on(here.send("still here")).unwrap();
    assert_eq!(hear(&mut client), "still here");
}

#[test]
fn text_and_binary_are_kept_apart_both_ways() {
    let (server, _clients) = serve(echo());
    let mut client = server.connect("/raw");
    for message in [
        Message::text("hé"),
        Message::binary(vec![0, 255, 10]),
        Message::text(""),
        Message::binary(Vec::new()),
        Message::binary("text as bytes".as_bytes().to_vec()),
    ] {
        client.send(message.clone()).unwrap();
        assert_eq!(client.read().unwrap(), message);
    }
}

#[test]
fn a_message_over_the_limit_is_closed_with_1009() {
    let clients = echo().build();
    let limits = Limits {
        message_bytes_max: 512,
        ..Limits::default()
    };
    let config = HubConfig {
        limits,
        ..HubConfig::default()
    };
    let server = Server::start(config.connections(&clients), &["raw"]);
    let mut client = server.connect("/raw");
    assert_eq!(ask(&mut client, &"x".repeat(512)).len(), 512);
    say(&mut client, &"x".repeat(513));
    assert_eq!(close_code(&mut client), Some(1009));
}

#[test]
fn a_broadcast_reaches_everybody_the_sender_of_its_cause_too() {
    let clients: Arc<std::sync::OnceLock<Connections>> = Arc::default();
    let all = Arc::clone(&clients);
    let builder = Connections::builder("raw").on_message(move |_: Client, message| {
        let all = all.get().unwrap().clone();
        async move { all.broadcast(message).await }
    });
    let (server, handle) = serve(builder);
    clients.set(handle.clone()).unwrap();
    let mut sockets: Vec<_> = (0..5).map(|_| server.connect("/raw")).collect();
    for (n, socket) in sockets.iter_mut().enumerate() {
        // One's own comes back, so one is in the room of all.
        socket.send(Message::text(format!("hello {n}"))).unwrap();
        while hear(socket) != format!("hello {n}") {}
    }
    sockets[2].send(Message::binary(vec![1, 2, 3])).unwrap();
    for socket in &mut sockets {
        while socket.read().unwrap() != Message::binary(vec![1, 2, 3]) {}
    }
}

#[test]
fn what_is_broadcast_when_somebody_opens_reaches_him_too() {
    let clients: Arc<std::sync::OnceLock<Connections>> = Arc::default();
    let all = Arc::clone(&clients);
    let builder = Connections::builder("raw").on_open(move |client: Client| {
        let all = all.get().unwrap().clone();
        async move { all.broadcast(client.id().to_string()).await }
    });
    let builder = builder
        .on_message(|client: Client, _| async move { client.send(client.id().to_string()).await });
    let (server, handle) = serve(builder);
    clients.set(handle).unwrap();
    for _ in 0..100 {
        let mut socket = server.connect("/raw");
        let first = hear(&mut socket);
        assert_eq!(first, ask(&mut socket, "who am I?"));
    }
}

#[test]
fn the_list_is_the_callers_own() {
    let (server, clients) = serve(Connections::builder("raw"));
    let [first, _second] = [server.connect("/raw"), server.connect("/raw")];
    until(|| clients.list().len() == 2);
    let list = clients.list();
    drop(first);
    until(|| clients.list().len() == 1);
    assert_eq!(list.len(), 2);
    assert!(list.iter().any(|it| clients.get(it.id()).is_none()));
}

#[test]
fn a_panic_and_an_error_of_a_handler_end_their_connection_and_nothing_else() {
    let (server, clients) = serve(Connections::builder("raw").on_message(
        |client: Client, message: Told| async move {
            match message.as_text() {
                Some("panic") => panic!("as it was asked to"),
                Some("err") => Err("as it was asked to".to_owned()),
                _ => client
                    .send(message)
                    .await
                    .map_err(|error| error.to_string()),
            }
        },
    ));
    let mut other = server.connect("/raw");
    for how in ["panic", "err"] {
        let mut victim = server.connect("/raw");
        say(&mut victim, how);
        say(&mut victim, "not answered");
        assert_eq!(close_code(&mut victim), Some(1011), "{how}");
    }
    assert_eq!(ask(&mut other, "still here"), "still here");
    until(|| clients.list().len() == 1);
}

/// Row 0.01.
#[test]
fn two_hubs_in_one_process_share_nothing() {
    let ((first, firsts), (second, seconds)) = (serve(echo()), serve(echo()));
    let (mut ann, mut bob) = (first.connect("/raw"), second.connect("/raw"));
    assert_eq!(ask(&mut ann, "one"), "one");
    assert_eq!(ask(&mut bob, "one"), "one");
    assert_eq!((firsts.list().len(), seconds.list().len()), (1, 1));
    let told = first.runtime.block_on(firsts.broadcast("to the first"));
    told.unwrap();
    let told = second.runtime.block_on(seconds.broadcast("to the second"));
    told.unwrap();
    assert_eq!(hear(&mut ann), "to the first");
    assert_eq!(hear(&mut bob), "to the second");
    drop(ann);
    first.shut_down();
    assert_eq!(ask(&mut bob, "still here"), "still here");
}

#[test]
fn connections_that_one_hub_has_are_refused_by_another() {
    let (_server, clients) = serve(echo());
    let second = Hub::start(HubConfig::default().connections(&clients)).err();
    assert!(
        matches!(second, Some(StartError::Taken("raw"))),
        "{second:?}"
    );
}
