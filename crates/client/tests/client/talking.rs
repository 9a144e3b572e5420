//! Rooms, publishes and presence on a connection that holds.

use std::time::Duration;

use parlour_client::{CallError, Ended, EntryKind, Event, Join, Missed, Status};

use crate::house::House;
use crate::{config, connect, in_den, next, next_said, next_text, room, until};

#[tokio::test]
async fn what_is_said_has_its_place_and_everybody_sees_it_there() {
    let house = House::start().await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let (_bob, mut to_bob) = in_den(&house.url(), "bob").await;
    assert!(
        matches!(next(&mut to_ann).await, Event::Connected(hello) if hello.user == "guest-ann")
    );
    let hard = "a \"b\" \\ \n €𝄞";
    let position = ann.say(&room("den"), hard).await.unwrap();
    for events in [&mut to_ann, &mut to_bob] {
        let said = next_said(events).await;
        assert_eq!((said.position, &*said.from), (position, "guest-ann"));
        assert_eq!(said.text().as_deref(), Some(hard));
    }
    let kind = EntryKind::new("app:move").unwrap();
    let payload = r#"{"to": [4, 2]}"#;
    let second = ann
        .publish(&room("den"), kind, payload.into())
        .await
        .unwrap();
    assert_eq!(second.seq, position.seq.next());
    let said = next_said(&mut to_bob).await;
    assert_eq!(
        (said.kind.as_str(), &said.payload[..]),
        ("app:move", payload.as_bytes())
    );
}

#[tokio::test]
async fn many_on_their_way_keep_their_order_and_the_servers_pace() {
    let house = House::with(|hub, _| {
        hub.limits.messages_per_second = 100;
        hub.limits.message_burst = 20;
    })
    .await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let (den, mut receipts) = (room("den"), Vec::new());
    for n in 0..100 {
        let payload = format!("\"{n}\"");
        let submitted = ann.submit(&den, EntryKind::MESSAGE, payload.into());
        receipts.push(submitted.await.unwrap());
    }
    for (n, receipt) in receipts.into_iter().enumerate() {
        assert_eq!(
            receipt.await.unwrap().seq.0,
            n as u64 + 1,
            "none was over the rate"
        );
        assert_eq!(next_text(&mut to_ann).await, n.to_string());
    }
}

#[tokio::test]
async fn a_room_is_left_and_joined_again_where_it_was() {
    let house = House::start().await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let (bob, _) = in_den(&house.url(), "bob").await;
    let position = bob.say(&room("den"), "one").await.unwrap();
    assert_eq!(next_text(&mut to_ann).await, "one");
    ann.leave(&room("den")).await.unwrap();
    until(&mut to_ann, |event| {
        matches!(event, Event::Left { .. }).then_some(())
    })
    .await;
    let not_in = CallError::NotInRoom(room("den"));
    assert_eq!(ann.leave(&room("den")).await, Err(not_in.clone()));
    assert_eq!(ann.say(&room("den"), "x").await, Err(not_in));
    bob.say(&room("den"), "two").await.unwrap();
    let from = Join {
        from: Some(position),
        ..Join::next(room("den"))
    };
    let joined = ann.join(from.clone()).await.unwrap();
    assert_eq!((joined.position, joined.head.0), (position, 2));
    assert_eq!(next_text(&mut to_ann).await, "two");
    let already = ann.join(from).await;
    assert_eq!(already, Err(CallError::AlreadyJoined(room("den"))));
}

#[tokio::test]
async fn who_is_here_and_who_comes_and_goes_is_told() {
    let house = House::start().await;
    let (ann, mut to_ann) = connect(&house.url(), "ann").await;
    let watched = Join {
        presence: true,
        ..Join::next(room("den"))
    };
    ann.join(watched).await.unwrap();
    let users = until(&mut to_ann, |event| match event {
        Event::Presence { users, .. } => users,
        _ => None,
    });
    assert_eq!(users.await, ["guest-ann"]);
    let (bob, _events) = in_den(&house.url(), "bob").await;
    let came = until(&mut to_ann, |event| match event {
        Event::PresenceChange { came, .. } => Some(came),
        _ => None,
    });
    assert_eq!(came.await, ["guest-bob"]);
    bob.close().await;
    let went = until(&mut to_ann, |event| match event {
        Event::PresenceChange { went, count, .. } => Some((went, count)),
        _ => None,
    });
    assert_eq!(went.await, (vec!["guest-bob".to_owned()], 1));
}

#[tokio::test]
async fn a_message_that_the_server_would_not_take_is_not_sent_and_the_connection_stays() {
    let house = House::with(|hub, _| hub.limits.message_bytes_max = 512).await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let refused = ann.say(&room("den"), &"x".repeat(600)).await.unwrap_err();
    assert!(
        matches!(refused, CallError::TooLarge { limit: 512, .. }),
        "{refused}"
    );
    let kind = EntryKind::new("x").unwrap();
    let broken = ann.publish(&room("den"), kind, "{\"a\":".into()).await;
    assert_eq!(broken, Err(CallError::BadPayload));
    let no_text = ann
        .publish(&room("den"), EntryKind::MESSAGE, "7".into())
        .await;
    assert_eq!(no_text, Err(CallError::BadPayload));
    ann.say(&room("den"), "short").await.unwrap();
    assert_eq!(next_text(&mut to_ann).await, "short");
}

#[tokio::test]
async fn a_guest_comes_back_under_another_name_and_misses_nothing() {
    let house = House::start().await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let (bob, _to_bob) = in_den(&house.url(), "bob").await;
    bob.say(&room("den"), "before").await.unwrap();
    assert_eq!(ann.rename("cid").await.unwrap(), "guest-cid");
    bob.say(&room("den"), "after").await.unwrap();
    ann.say(&room("den"), "it is me").await.unwrap();
    assert_eq!(next_text(&mut to_ann).await, "before");
    assert_eq!(next_text(&mut to_ann).await, "after");
    assert_eq!(&*next_said(&mut to_ann).await.from, "guest-cid");
    let status = Status::Connected {
        user: "guest-cid".into(),
        guest: true,
    };
    assert_eq!(ann.status(), status);
    let refused = ann.rename(&"x".repeat(65)).await.unwrap_err();
    assert!(matches!(refused, CallError::Refused { code, .. } if code == "bad_name"));
    ann.say(&room("den"), "still here").await.unwrap();
}

#[tokio::test]
async fn a_user_keeps_the_name() {
    let house = House::start().await;
    let user = config(&house.url(), "").user("ann", "right".into());
    let (ann, _events) = parlour_client::Client::connect(user).await.unwrap();
    assert_eq!(
        ann.rename("cid").await,
        Err(CallError::NoGuest("ann".into()))
    );
}

#[tokio::test]
async fn who_reads_no_events_is_answered_still_and_told_exactly_what_it_missed() {
    const COUNT: u64 = 3_000;
    let house = House::with(|hub, _| hub.limits.messages_per_second = 0).await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    for n in 1..=COUNT {
        let position = ann.say(&room("den"), &n.to_string()).await.unwrap();
        assert_eq!(position.seq.0, n);
    }
    // The rest waits with the server while nobody needs an answer.
    let mut expected = 1;
    let mut was_gap = false;
    while expected <= COUNT {
        match next(&mut to_ann).await {
            Event::Entry(said) => {
                assert_eq!(said.position.seq.0, expected);
                expected += 1;
            }
            Event::Gap {
                missed: Missed::Entries { first, last, .. },
                ..
            } => {
                assert_eq!(first.0, expected);
                expected = last.0 + 1;
                was_gap = true;
            }
            Event::Gap { missed, .. } => panic!("{missed:?}"),
            _ => {}
        }
    }
    assert!(was_gap, "1,024 places cannot have been enough");
}

#[tokio::test]
async fn who_drops_the_events_publishes_on() {
    let house = House::with(|hub, _| hub.limits.messages_per_second = 0).await;
    let (ann, events) = in_den(&house.url(), "ann").await;
    drop(events);
    for n in 1..=2_000 {
        let position = ann.say(&room("den"), "x").await.unwrap();
        assert_eq!(position.seq.0, n);
    }
}

#[tokio::test]
async fn a_slow_reader_who_waits_for_nothing_misses_nothing() {
    const COUNT: u64 = 2_500;
    let house = House::with(|hub, _| hub.limits.messages_per_second = 0).await;
    let (_ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let (bob, events) = in_den(&house.url(), "bob").await;
    drop(events);
    for _ in 0..COUNT {
        bob.say(&room("den"), "x").await.unwrap();
    }
    for n in 1..=COUNT {
        assert_eq!(next_said(&mut to_ann).await.position.seq.0, n);
    }
}

#[tokio::test]
async fn after_a_close_every_call_says_so_and_the_events_end() {
    let house = House::start().await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let clone = ann.clone();
    clone.close().await;
    assert_eq!(ann.status(), Status::Ended(Ended::Closed));
    let ended = CallError::Ended(Ended::Closed);
    assert_eq!(ann.say(&room("den"), "x").await, Err(ended.clone()));
    assert_eq!(ann.join(Join::next(room("hall"))).await, Err(ended));
    until(&mut to_ann, |event| {
        matches!(event, Event::Ended(_)).then_some(())
    })
    .await;
    assert!(to_ann.next().await.is_none());
    let gone = async {
        while house.hub.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(crate::PATIENCE, gone)
        .await
        .expect("the server is rid of it");
}

#[tokio::test]
async fn who_drops_the_client_has_closed_it() {
    let house = House::start().await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    drop(ann);
    until(&mut to_ann, |event| {
        matches!(event, Event::Ended(_)).then_some(())
    })
    .await;
}
