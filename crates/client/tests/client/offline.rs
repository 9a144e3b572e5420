//! Before there is a server, and while the outbox's file cannot be written.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use parlour::Guests;
use parlour_client::{
    Away, CallError, Client, Config, Delivery, Ended, EntryKind, Event, Events, Join, OutboxError,
    Receipt, Status,
};

use crate::house::House;
use crate::script::{Line, Script};
use crate::{config, connect, in_den, next_text, room, until};

/// A file that is not there yet, in a folder in a folder.
fn file() -> (tempfile::TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("folder");
    fs::create_dir(&folder).unwrap();
    (outer, folder.join("out"))
}

async fn submit(client: &Client, text: &str) -> Result<Receipt, CallError> {
    let payload = serde_json::Value::from(text).to_string();
    client
        .submit(&room("den"), EntryKind::MESSAGE, payload.into())
        .await
}

/// Asks for `den` without waiting for it, and then says something there.
async fn say_in_den(client: &Client, text: &str) -> Receipt {
    tokio::select! {
        biased;
        joined = client.join(Join::next(room("den"))) => panic!("there is no server: {joined:?}"),
        receipt = submit(client, text) => receipt.unwrap(),
    }
}

/// A client of the script's in `den`, with its outbox in this file.
async fn in_den_with(script: &Script, file: &Path) -> (Client, Events, Line) {
    let config = config(&script.url(), "ann").outbox(file);
    let (client, mut line) = tokio::join!(Client::connect(config), script.line());
    let (client, events) = client.unwrap();
    let den = Join::next(room("den"));
    let (joined, _) = tokio::join!(client.join(den), line.joins_den(0, 0));
    joined.unwrap();
    (client, events, line)
}

#[tokio::test]
async fn what_is_said_before_there_is_a_server_is_safe_and_arrives_once_there_is_one() {
    let (_folder, file) = file();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let config = config(&format!("http://{address}"), "bob").outbox(&file);
    let (bob, mut to_bob) = Client::start(config.clone()).unwrap();
    assert_eq!(bob.status(), Status::Connecting);
    let mut kept = say_in_den(&bob, "kept").await;
    assert!(fs::read_to_string(&file).unwrap().contains("kept"));
    assert_eq!(kept.delivery(), Delivery::Waiting);
    let away = until(&mut to_bob, |event| match event {
        Event::Away { why, retry_in } => Some((why, retry_in)),
        _ => None,
    });
    let (why, retry_in) = away.await;
    assert!(matches!(why, Away::Failed(_)), "{why}");
    assert!(retry_in.as_secs_f64() >= 0.5, "no storm");
    assert_eq!(bob.status(), Status::Away);
    bob.close().await;
    assert_eq!(kept.await, Err(CallError::Kept));

    let (bob, _to_bob) = Client::start(config).unwrap();
    let left_over = bob.left_over();
    assert_eq!(left_over[0].text().as_deref(), Some("kept"));
    let new = say_in_den(&bob, "new").await;
    let house = House::at(address, None, |_, doors| doors.guests = Guests::Everybody).await;
    let (_ann, mut to_ann) = in_den(&house.url(), "ann").await;
    for (receipt, seq) in left_over.into_iter().chain([new]).zip(1..) {
        assert_eq!(receipt.await.unwrap().seq.0, seq);
    }
    drop(to_ann.next().await);
    let mut reader = connect(&house.url(), "reader").await;
    let from_start = Join {
        from: None,
        ..Join::next(room("den"))
    };
    let joined = reader.0.join(from_start).await.unwrap();
    assert_eq!(joined.head.0, 2, "each of them once");
    reader.0.say(&room("den"), "end").await.unwrap();
    while next_text(&mut reader.1).await != "end" {}
}

#[tokio::test]
async fn who_is_never_let_in_keeps_what_was_said_and_is_told_why() {
    let (_folder, file) = file();
    let script = Script::start().await;
    let config = config(&script.url(), "ann").outbox(&file);
    let (client, mut events) = Client::start(config).unwrap();
    let receipt = say_in_den(&client, "kept").await;
    let body = r#"{"error":"guests_not_allowed","message":"sign in"}"#;
    let ended = tokio::select! {
        () = script.answer_always("403 Forbidden", body) => unreachable!("it answers always"),
        ended = until(&mut events, |event| match event {
            Event::Ended(ended) => Some(ended),
            _ => None,
        }) => ended,
    };
    assert!(
        matches!(&ended, Ended::NeverIn { code, .. } if code == "guests_not_allowed"),
        "{ended:?}"
    );
    assert_eq!(receipt.await, Err(CallError::Kept));
}

#[tokio::test]
async fn what_is_submitted_as_the_end_comes_is_kept_whichever_is_seen_first() {
    let (_folder, file) = file();
    let config = config("http://127.0.0.1:1", "ann").outbox(&file);
    let (client, _events) = Client::start(config).unwrap();
    let _first = say_in_den(&client, "first").await;
    let client = &client;
    let say = |text: &'static str| async move { submit(client, text).await?.await };
    let all = tokio::join!(
        biased;
        say("a"), say("b"), say("c"), say("d"), say("e"), say("f"), client.close()
    );
    let (a, b, c, d, e, f, ()) = all;
    for answer in [a, b, c, d, e, f] {
        assert_eq!(answer, Err(CallError::Kept));
    }
}

#[tokio::test]
async fn a_room_that_does_not_let_it_in_keeps_what_was_said_for_it() {
    let (_folder, file) = file();
    let script = Script::start().await;
    let config = config(&script.url(), "ann").outbox(&file);
    let (client, _events) = Client::start(config).unwrap();
    let client = &client;
    let mut receipt = None;
    let said = async {
        receipt = Some(submit(client, "kept").await.unwrap());
    };
    let refused = async {
        let mut line = script.line().await;
        line.asked().await.unwrap();
        line.tell(r#"{"t":"error","code":"not_allowed","message":"no","room":"den"}"#)
            .await;
        line
    };
    let (joined, (), _line) =
        tokio::join!(biased; client.join(Join::next(room("den"))), said, refused);
    assert!(matches!(joined, Err(CallError::Refused { code, .. }) if code == "not_allowed"));
    assert_eq!(receipt.unwrap().await, Err(CallError::Kept));
    assert!(fs::read_to_string(&file).unwrap().contains("kept"));
}

#[tokio::test]
async fn an_outbox_that_is_filled_before_the_server_knows_who_comes_needs_a_name() {
    let (_folder, file) = file();
    let nameless = Config::new("http://127.0.0.1:1").unwrap().outbox(&file);
    let session = nameless.clone().session("SECRET".into());
    for config in [nameless, session] {
        let error = Client::start(config).err().unwrap();
        assert!(matches!(error, OutboxError::NoName), "{error}");
    }
}

/// That a text is refused for the file's sake, and says what to do.
async fn is_refused(client: &Client, text: &str) {
    match submit(client, text).await {
        Err(error @ CallError::Outbox(_)) => {
            assert!(error.to_string().contains("say it again"), "{error}");
        }
        Ok(_) => panic!("{text} was taken"),
        Err(error) => panic!("{error}"),
    }
}

async fn file_failed(events: &mut Events) -> String {
    until(events, |event| match event {
        Event::OutboxFailed { why } => Some(why),
        _ => None,
    })
    .await
}

async fn file_is_mended(events: &mut Events) {
    until(events, |event| {
        matches!(event, Event::OutboxMended).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_gone_takes_nothing_and_goes_on_with_all_that_is_not_delivered() {
    let (_folder, file) = file();
    let folder = file.parent().unwrap();
    let script = Script::start().await;
    let (client, mut events, mut line) = in_den_with(&script, &file).await;
    let one = submit(&client, "one").await.unwrap();
    fs::remove_dir_all(folder).unwrap();
    is_refused(&client, "two").await;
    assert!(file_failed(&mut events).await.contains("No such file"));
    is_refused(&client, "three").await;
    fs::create_dir(folder).unwrap();
    let four = submit(&client, "four").await.unwrap();
    file_is_mended(&mut events).await;
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("one") && text.contains("four"), "{text}");
    assert!(!text.contains("two") && !text.contains("three"), "{text}");
    // It is this client's alone again.
    let second = Client::start(config(&script.url(), "ann").outbox(&file));
    assert!(matches!(second.err(), Some(OutboxError::InUse { .. })));
    for (receipt, seq) in [one, four].into_iter().zip(1..) {
        let asked = line.asked().await.unwrap();
        line.ack(seq, asked["id"].as_str().unwrap()).await;
        assert_eq!(receipt.await.unwrap().seq.0, seq);
    }
    client.close().await;
    let (next, _events) = Client::start(config(&script.url(), "ann").outbox(&file)).unwrap();
    assert!(next.left_over().is_empty());
}

#[tokio::test]
async fn a_file_that_is_gone_is_made_again_without_another_word() {
    let (_folder, file) = file();
    let folder = file.parent().unwrap();
    let script = Script::start().await;
    let (client, mut events, _line) = in_den_with(&script, &file).await;
    let one = submit(&client, "one").await.unwrap();
    let moved = folder.with_extension("moved");
    fs::rename(folder, &moved).unwrap();
    is_refused(&client, "two").await;
    file_failed(&mut events).await;
    fs::rename(&moved, folder).unwrap();
    file_is_mended(&mut events).await;
    client.close().await;
    assert_eq!(one.await, Err(CallError::Kept));
    let (next, _events) = Client::start(config(&script.url(), "ann").outbox(&file)).unwrap();
    let left_over = next.left_over();
    let texts: Vec<_> = left_over.iter().filter_map(Receipt::text).collect();
    assert_eq!(texts, ["one"]);
}

#[tokio::test]
async fn what_is_refused_does_not_come_back_from_a_file_that_was_moved() {
    let (_folder, file) = file();
    let folder = file.parent().unwrap();
    let script = Script::start().await;
    let (client, _events, _line) = in_den_with(&script, &file).await;
    let _one = submit(&client, "one").await.unwrap();
    let moved = folder.with_extension("moved");
    fs::rename(folder, &moved).unwrap();
    is_refused(&client, "two").await;
    let text = fs::read_to_string(moved.join("out")).unwrap();
    assert!(text.contains("one") && !text.contains("two"), "{text}");
}

#[tokio::test]
async fn another_file_in_its_place_is_left_alone() {
    let (_folder, file) = file();
    let script = Script::start().await;
    let (client, mut events, _line) = in_den_with(&script, &file).await;
    let one = submit(&client, "one").await.unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, "Dear Ann,\n").unwrap();
    is_refused(&client, "two").await;
    assert!(file_failed(&mut events).await.contains("another file"));
    is_refused(&client, "three").await;
    client.close().await;
    assert_eq!(one.await, Err(CallError::Unknown), "nobody has it");
    assert_eq!(fs::read_to_string(&file).unwrap(), "Dear Ann,\n");
}
