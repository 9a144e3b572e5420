//! What is published is there once, whatever happens to connections, servers and clients.

use std::path::Path;
use std::time::Duration;

use parlour::Guests;
use parlour_client::{
    CallError, Client, Config, ConnectError, Delivery, EntryId, EntryKind, Event, Events, Join,
    OutboxError,
};
use serde_json::json;

use crate::house::{House, Wire};
use crate::script::{Line, Script};
use crate::{config, in_den, next_text, room, until};

/// A client of the script's with this configuration, in `den`, of which it has all up to `seq`.
async fn in_den_of(script: &Script, config: Config, seq: u64) -> (Client, Events, Line) {
    let (client, mut line) = tokio::join!(Client::connect(config), script.line());
    let (client, events) = client.unwrap();
    let den = Join::next(room("den"));
    let (joined, _) = tokio::join!(client.join(den), line.joins_den(seq, seq));
    joined.unwrap();
    (client, events, line)
}

fn with_file(url: &str, name: &str, file: &Path) -> Config {
    config(url, name).outbox(file)
}

async fn refuse(line: &mut Line, id: &serde_json::Value, more: &str) {
    let frame = format!(r#"{{"t":"error","message":"no","room":"den","id":{id},{more}}}"#);
    line.tell(&frame).await;
}

#[tokio::test]
async fn a_publish_without_an_answer_is_sent_again_with_its_id_and_its_place() {
    let script = Script::start().await;
    let (client, _events, mut line) = script.client_in_den(12).await;
    let den = room("den");
    let told = async {
        let first = line.asked().await.unwrap();
        assert_eq!(first["since"], json!(null));
        drop(line);
        let mut line = script.line().await;
        line.joins_den(12, 13).await;
        line.entry(13, "another-1", "hello").await;
        let again = line.asked().await.unwrap();
        assert_eq!(
            (&again["id"], &again["payload"]),
            (&first["id"], &json!("hello"))
        );
        assert_eq!(
            again["since"],
            json!({"epoch": "9f3c5d20a1b4e687", "seq": 12})
        );
        line.ack(14, again["id"].as_str().unwrap()).await;
        line
    };
    let (position, _line) = tokio::join!(client.say(&den, "hello"), told);
    assert_eq!(position.unwrap().seq.0, 14);
}

#[tokio::test]
async fn what_the_server_no_longer_remembers_is_unknown_and_not_sent_again() {
    let script = Script::start().await;
    let (client, _events, mut line) = script.client_in_den(12).await;
    let den = room("den");
    let told = async {
        line.asked().await.unwrap();
        drop(line);
        let mut line = script.line().await;
        line.joins_den(12, 12).await;
        let again = line.asked().await.unwrap();
        refuse(&mut line, &again["id"], r#""code":"id_forgotten""#).await;
        line
    };
    let (answer, mut line) = tokio::join!(client.say(&den, "hello"), told);
    assert_eq!(answer, Err(CallError::Unknown));
    let (_, asked) = tokio::join!(client.leave(&den), async {
        let asked = line.asked().await.unwrap();
        line.tell(r#"{"t":"left","room":"den"}"#).await;
        asked
    });
    assert_eq!(asked["t"], "leave", "and no publish before it");
}

#[tokio::test]
async fn a_refusal_that_passes_is_waited_out_in_order_and_another_is_told() {
    let script = Script::start().await;
    let (client, _events, mut line) = script.client_in_den(0).await;
    let den = room("den");
    let first = client.submit(&den, EntryKind::MESSAGE, r#""first""#.into());
    let mut first = first.await.unwrap();
    let asked = line.asked().await.unwrap();
    assert_eq!(first.delivery(), Delivery::Sent);
    refuse(
        &mut line,
        &asked["id"],
        r#""code":"disk_full","retry_after":0.05"#,
    )
    .await;
    let again = line.asked().await.unwrap();
    assert_eq!(
        (&again["id"], &again["since"]["seq"]),
        (&asked["id"], &json!(0))
    );
    line.ack(1, again["id"].as_str().unwrap()).await;
    assert_eq!((&mut first).await.unwrap().seq.0, 1);
    assert!(matches!(first.delivery(), Delivery::Delivered(_)));
    let told = async {
        let asked = line.asked().await.unwrap();
        refuse(&mut line, &asked["id"], r#""code":"not_allowed""#).await;
    };
    let (refused, ()) = tokio::join!(client.say(&den, "x"), told);
    assert!(matches!(refused, Err(CallError::Refused { code, .. }) if code == "not_allowed"));
}

#[tokio::test]
async fn a_connection_without_an_answer_is_given_up_and_the_next_one_has_it() {
    let script = Script::start().await;
    let impatient = config(&script.url(), "ann").answer_timeout(Duration::from_millis(100));
    let (client, mut events, mut line) = in_den_of(&script, impatient, 0).await;
    let den = room("den");
    let told = async {
        let first = line.asked().await.unwrap();
        let mut line = script.line().await;
        line.joins_den(0, 0).await;
        let again = line.asked().await.unwrap();
        assert_eq!(again["id"], first["id"]);
        line.ack(1, again["id"].as_str().unwrap()).await;
        line
    };
    let (position, _line) = tokio::join!(client.say(&den, "hello"), told);
    assert_eq!(position.unwrap().seq.0, 1);
    until(&mut events, |event| match event {
        Event::Away { why, .. } if why.to_string().contains("did not answer in time") => Some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn while_it_is_away_many_are_taken_and_all_arrive_once_in_order() {
    let house = House::with(|_, doors| doors.guests = Guests::Everybody).await;
    let wire = Wire::to(house.address).await;
    let (ann, mut to_ann) = in_den(&wire.url(), "ann").await;
    let (_bob, mut to_bob) = in_den(&house.url(), "bob").await;
    wire.cut();
    until(&mut to_ann, |event| {
        matches!(event, Event::Away { .. }).then_some(())
    })
    .await;
    let (den, mut receipts) = (room("den"), Vec::new());
    for number in 0..300 {
        let payload = format!("\"{number}\"");
        let submitted = ann.submit(&den, EntryKind::MESSAGE, payload.into());
        receipts.push(submitted.await.unwrap());
    }
    assert_eq!(receipts[0].delivery(), Delivery::Waiting);
    wire.mend();
    for (number, receipt) in receipts.into_iter().enumerate() {
        assert_eq!(receipt.await.unwrap().seq.0, number as u64 + 1);
        assert_eq!(next_text(&mut to_bob).await, number.to_string());
    }
}

#[tokio::test]
async fn one_id_is_there_once_whichever_client_of_the_user_says_it() {
    let house = House::start().await;
    let id = || EntryId::new("build-17").unwrap();
    let once = async |client: &Client, text: &str| {
        let payload = serde_json::Value::from(text).to_string().into();
        client
            .submit_once(&room("den"), id(), EntryKind::MESSAGE, payload)
            .await?
            .await
    };
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let first = once(&ann, "green").await.unwrap();
    let (again, _events) = in_den(&house.url(), "ann").await;
    assert_eq!(once(&again, "green").await, Ok(first));
    let other = once(&again, "red").await;
    assert!(matches!(other, Err(CallError::Refused { code, .. }) if code == "id_reused"));
    ann.say(&room("den"), "end").await.unwrap();
    assert_eq!(next_text(&mut to_ann).await, "green");
    assert_eq!(next_text(&mut to_ann).await, "end");
}

#[tokio::test]
async fn what_one_client_could_not_deliver_the_next_one_of_its_file_does_once() {
    let script = Script::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let ann = || with_file(&script.url(), "ann", &file);
    let (client, _events, mut line) = in_den_of(&script, ann(), 7).await;
    let den = room("den");
    let mut receipts = Vec::new();
    for text in ["answered", "sent"] {
        let payload = format!("\"{text}\"");
        receipts.push(
            client
                .submit(&den, EntryKind::MESSAGE, payload.into())
                .await
                .unwrap(),
        );
        assert!(
            std::fs::read_to_string(&file).unwrap().contains(text),
            "before it is sent"
        );
    }
    let answered = line.asked().await.unwrap();
    let sent = line.asked().await.unwrap();
    line.ack(8, answered["id"].as_str().unwrap()).await;
    assert_eq!(receipts.remove(0).await.unwrap().seq.0, 8);
    drop(line);
    // Nobody is there any more.
    let later = client
        .submit(&den, EntryKind::MESSAGE, r#""later""#.into())
        .await
        .unwrap();
    client.close().await;
    for receipt in receipts.into_iter().chain([later]) {
        assert_eq!(receipt.await, Err(CallError::Kept));
    }

    let (next, mut line) = tokio::join!(Client::connect(ann()), script.line());
    let (next, _events) = next.unwrap();
    let mut left_over = next.left_over();
    let texts: Vec<_> = left_over
        .iter()
        .filter_map(parlour_client::Receipt::text)
        .collect();
    assert_eq!(texts, ["sent", "later"]);
    assert_eq!(left_over[0].delivery(), Delivery::Waiting);
    let join = next.join(Join::next(den.clone()));
    let (joined, _) = tokio::join!(join, line.joins_den(9, 9));
    joined.unwrap();
    let again = line.asked().await.unwrap();
    assert_eq!(
        (&again["id"], &again["since"]["seq"]),
        (&sent["id"], &json!(7))
    );
    let later = line.asked().await.unwrap();
    line.ack(9, again["id"].as_str().unwrap()).await;
    line.ack(10, later["id"].as_str().unwrap()).await;
    for (receipt, seq) in left_over.into_iter().zip([9, 10]) {
        assert_eq!(receipt.await.unwrap().seq.0, seq);
    }
    next.close().await;
    let (third, _line) = tokio::join!(Client::connect(ann()), script.line());
    assert!(third.unwrap().0.left_over().is_empty());
}

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_that_was_taken() {
    let script = Script::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let copy = folder.path().join("copy");
    let (client, _events, mut line) =
        in_den_of(&script, with_file(&script.url(), "ann", &file), 0).await;
    let _receipt = client
        .submit(&room("den"), EntryKind::MESSAGE, r#""kept""#.into())
        .await;
    let first = line.asked().await.unwrap();
    // As a kill leaves it: with whatever a last write has begun.
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend(b"00000000 [{\"done\":");
    std::fs::write(&copy, bytes).unwrap();
    let (_next, _events, mut line) =
        in_den_of(&script, with_file(&script.url(), "ann", &copy), 0).await;
    let again = line.asked().await.unwrap();
    assert_eq!(
        (&again["id"], &again["since"]["seq"]),
        (&first["id"], &json!(0))
    );
}

#[tokio::test]
async fn another_user_sends_nothing_of_it_and_it_waits() {
    let house = House::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let script = Script::start().await;
    let (client, _events, mut line) =
        in_den_of(&script, with_file(&script.url(), "ann", &file), 0).await;
    let den = room("den");
    let of_ann = client.submit(&den, EntryKind::MESSAGE, r#""of ann""#.into());
    let _receipt = of_ann.await.unwrap();
    line.asked().await.unwrap();
    client.close().await;

    let (_eve, mut to_eve) = in_den(&house.url(), "eve").await;
    let (bob, _events) = Client::connect(with_file(&house.url(), "bob", &file))
        .await
        .unwrap();
    assert!(bob.left_over().is_empty());
    bob.join(Join::next(room("den"))).await.unwrap();
    bob.say(&room("den"), "of bob").await.unwrap();
    assert_eq!(next_text(&mut to_eve).await, "of bob");
    bob.close().await;
    let (ann, _events) = Client::connect(with_file(&house.url(), "ann", &file))
        .await
        .unwrap();
    assert_eq!(ann.left_over()[0].text().as_deref(), Some("of ann"));
}

#[tokio::test]
async fn one_client_at_a_time_has_a_file_and_what_is_no_outbox_is_left_alone() {
    let house = House::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let open = async |path: &Path| match Client::connect(with_file(&house.url(), "ann", path)).await
    {
        Ok(client) => Ok(client),
        Err(ConnectError::Outbox(error)) => Err(error),
        Err(error) => panic!("{error}"),
    };
    let (first, _events) = open(&file).await.unwrap();
    let second = open(&file).await.err().unwrap();
    assert!(matches!(second, OutboxError::InUse { .. }), "{second}");
    first.close().await;
    open(&file).await.unwrap();

    let letter = folder.path().join("letter");
    for content in ["Dear Ann,\n", "Dear"] {
        std::fs::write(&letter, content).unwrap();
        let error = open(&letter).await.err().unwrap();
        assert!(matches!(error, OutboxError::NotOne { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&letter).unwrap(), content);
    }
}
