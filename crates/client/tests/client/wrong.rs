//! A server that does what none may do, or refuses.

use parlour_client::{CallError, Ended, Event, Events, Join, Lost, Missed};

use crate::script::Script;
use crate::{next, next_text, room, until};

async fn end(events: &mut Events) -> Ended {
    until(events, |event| match event {
        Event::Ended(ended) => Some(ended),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_is_left_for_good() {
    use tokio::io::AsyncWriteExt as _;
    let script = Script::start().await;
    let (_client, mut events, mut line) = script.client().await;
    line.stream.write_all(b"\x81\x80\0\0\0\0").await.unwrap(); // a masked frame
    let ended = end(&mut events).await;
    assert!(matches!(ended, Ended::Lost(Lost::Protocol(_))), "{ended}");
    assert_eq!(line.asked().await, None, "it closed");

    let (_client, mut events, mut line) = script.client().await;
    line.tell("no JSON").await;
    let ended = end(&mut events).await;
    assert!(matches!(ended, Ended::Lost(Lost::NotTold(_))), "{ended}");
}

#[tokio::test]
async fn a_close_after_which_coming_back_cannot_help_is_the_end() {
    let script = Script::start().await;
    let (client, mut events, mut line) = script.client().await;
    line.tell(r#"{"t":"closing","why":"bad_frames","message":"ten bad frames in a row"}"#)
        .await;
    line.close(1008, "ten bad frames in a row").await;
    let words = "the server closed the connection: ten bad frames in a row";
    assert_eq!(end(&mut events).await.to_string(), words);
    let refused = client.join(Join::next(room("den"))).await.unwrap_err();
    assert_eq!(refused.to_string(), words);
}

#[tokio::test]
async fn refusals_go_to_their_calls_and_what_is_unknown_is_passed_over() {
    let script = Script::start().await;
    let (client, mut events, mut line) = script.client().await;
    let den = room("den");
    let refuse = async {
        line.asked().await.unwrap();
        let error =
            r#"{"t":"error","code":"too_many_rooms_here","message":"too many","room":"den"}"#;
        line.tell(error).await;
    };
    let (refused, ()) = tokio::join!(client.join(Join::next(den.clone())), refuse);
    assert!(
        matches!(refused, Err(CallError::Refused { code, .. }) if code == "too_many_rooms_here")
    );
    let (joined, _) = tokio::join!(client.join(Join::next(den.clone())), line.joins_den(0, 0));
    joined.unwrap();
    line.tell(r#"{"t":"confetti","room":"den"}"#).await;
    line.tell(r#"{"t":"event","type":"reaction","payload":{"to":13}}"#)
        .await;
    let told = until(&mut events, |event| match event {
        Event::Told { kind, payload } => Some((kind, payload)),
        _ => None,
    });
    assert_eq!(told.await, ("reaction".into(), r#"{"to":13}"#.into()));
    line.entry(1, "x", "after it").await;
    assert_eq!(next_text(&mut events).await, "after it");
    let refuse = async {
        let asked = line.asked().await.unwrap();
        let id = asked["id"].as_str().unwrap();
        line.tell(&format!(
            r#"{{"t":"error","code":"not_allowed","message":"no","room":"den","id":"{id}"}}"#
        ))
        .await;
    };
    let (refused, ()) = tokio::join!(client.say(&den, "x"), refuse);
    assert!(matches!(refused, Err(CallError::Refused { code, .. }) if code == "not_allowed"));
}

#[tokio::test]
async fn a_room_that_nobody_asked_for_is_heard_and_not_asked_for_again() {
    let script = Script::start().await;
    let (_client, mut events, mut line) = script.client_in_den(3).await;
    let epoch = "9f3c5d20a1b4e687";
    line.tell(&format!(
        r#"{{"t":"joined","room":"$all","epoch":"{epoch}","seq":0,"head":0}}"#
    ))
    .await;
    line.tell(&format!(
        r#"{{"t":"entry","room":"$all","epoch":"{epoch}","seq":1,"from":"app","type":"message",
        "payload":"to all","sent":"2026-11-22T04:00:00Z"}}"#
    ))
    .await;
    assert_eq!(next_text(&mut events).await, "to all");
    drop(line);
    let mut line = script.line().await;
    let asked = line.joins_den(3, 3).await;
    assert_eq!(
        asked["rooms"].as_array().unwrap().len(),
        1,
        "only what was asked for"
    );
}

#[tokio::test]
async fn of_rooms_that_nobody_asked_for_two_thousand_are_heard_and_more_are_told() {
    const GIVEN_MAX: usize = 2_000;
    let script = Script::start().await;
    let (_client, mut events, mut line) = script.client_in_den(0).await;
    let epoch = "9f3c5d20a1b4e687";
    let tell = async {
        for n in 0..=GIVEN_MAX {
            line.tell(&format!(
                r#"{{"t":"joined","room":"$r{n}","epoch":"{epoch}","seq":0,"head":0}}"#
            ))
            .await;
        }
        for n in [GIVEN_MAX, GIVEN_MAX - 1] {
            line.tell(&format!(
                r#"{{"t":"entry","room":"$r{n}","epoch":"{epoch}","seq":1,"from":"app",
                "type":"message","payload":"in {n}","sent":"2026-11-22T04:00:00Z"}}"#
            ))
            .await;
        }
    };
    let hear = async {
        let mut refused = Vec::new();
        until(&mut events, |event| match event {
            Event::Refused { code, room, .. } => {
                refused.push((code, room.unwrap().to_string()));
                None
            }
            Event::Entry(said) => {
                assert_eq!(said.text().unwrap(), "in 1999");
                Some(())
            }
            _ => None,
        })
        .await;
        refused
    };
    let (refused, ()) = tokio::join!(hear, tell);
    assert_eq!(
        refused,
        [("too_many_rooms_given".to_owned(), "$r2000".to_owned())]
    );
    line.entry(1, "x", "in den").await;
    assert_eq!(
        next_text(&mut events).await,
        "in den",
        "and all else goes on"
    );
}

#[tokio::test]
async fn a_room_that_does_not_take_its_member_back_is_told() {
    let script = Script::start().await;
    let (_client, mut events, line) = script.client_in_den(3).await;
    drop(line);
    let mut line = script.line().await;
    let asked = line.asked().await.unwrap();
    assert_eq!(asked["rooms"][0]["from"]["seq"], 3);
    let error = r#"{"t":"error","code":"bad_position","message":"never gave it out","room":"den"}"#;
    line.tell(error).await;
    let again = line.joins_den(1, 1).await;
    assert!(
        again["rooms"][0]["from"].is_null(),
        "from the next entry on"
    );
    let told = until(&mut events, |event| match event {
        Event::Refused { code, .. } => Some(code),
        _ => None,
    });
    assert_eq!(told.await, "bad_position");
    line.entry(2, "x", "goes on").await;
    assert_eq!(next_text(&mut events).await, "goes on");
}

#[tokio::test]
async fn rooms_whose_frame_was_thrown_away_are_asked_for_again() {
    let script = Script::start().await;
    let (client, mut events, mut line) = script.client().await;
    let den = room("den");
    let thrown_away = r#"{"t":"error","code":"rate_limited","message":"slow","retry_after":0.1}"#;
    let answer = async {
        line.asked().await.unwrap();
        line.tell(thrown_away).await;
        line.joins_den(3, 3).await
    };
    let (joined, _) = tokio::join!(client.join(Join::next(den.clone())), answer);
    assert_eq!(joined.unwrap().position.seq.0, 3);

    drop(line);
    let mut line = script.line().await;
    assert_eq!(line.asked().await.unwrap()["rooms"][0]["from"]["seq"], 3);
    line.tell(thrown_away).await;
    line.joins_den(3, 3).await;
    // A second answer to the same room changes nothing.
    line.tell(r#"{"t":"error","code":"already_joined","message":"it is","room":"den"}"#)
        .await;
    line.entry(4, "x", "goes on").await;
    assert_eq!(next_text(&mut events).await, "goes on");
}

#[tokio::test]
async fn large_entries_for_who_does_not_read_are_told_as_the_exact_gap() {
    const COUNT: u64 = 40;
    const BYTES: usize = 1 << 20;
    let script = Script::start().await;
    let (client, mut events, mut line) = script.client_in_den(0).await;
    let text = "x".repeat(BYTES);
    let flood = async {
        let asked = line.asked().await.unwrap();
        for seq in 1..=COUNT {
            line.entry(seq, "x", &text).await;
        }
        line.ack(COUNT, asked["id"].as_str().unwrap()).await;
    };
    let den = room("den");
    let (said, ()) = tokio::join!(client.say(&den, "hello"), flood);
    assert_eq!(said.unwrap().seq.0, COUNT, "it is answered still");
    let mut kept = 0;
    let mut expected = 1;
    while expected <= COUNT {
        match next(&mut events).await {
            Event::Entry(said) => {
                assert_eq!(said.position.seq.0, expected);
                kept += said.payload.len();
                expected += 1;
            }
            Event::Gap {
                missed: Missed::Entries { first, last, .. },
                ..
            } => {
                assert_eq!(first.0, expected);
                expected = last.0 + 1;
            }
            _ => {}
        }
    }
    assert!(
        kept > BYTES && kept <= 5 * (BYTES + 2),
        "{kept} bytes were kept"
    );
    line.entry(COUNT + 1, "x", "after it").await;
    assert_eq!(next_text(&mut events).await, "after it");
}
