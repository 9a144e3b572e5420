//! Connections that are lost, and what is known afterwards.

use std::time::Duration;

use parlour::Guests;
use parlour_client::{Away, CallError, Client, Event, Join, Lost, Missed, Status};

use crate::house::{House, Wire};
use crate::script::Script;
use crate::{PATIENCE, config, in_den, next_said, next_text, room, until};

/// The rooms that are joined again, after the next time away.
async fn back(events: &mut parlour_client::Events) -> Lost {
    let lost = until(events, |event| match event {
        Event::Away {
            why: Away::Lost(lost),
            ..
        } => Some(lost),
        _ => None,
    })
    .await;
    until(events, |event| {
        matches!(event, Event::Connected(_)).then_some(())
    })
    .await;
    lost
}

#[tokio::test]
async fn a_cut_connection_goes_on_where_it_was_and_nothing_is_missed_or_doubled() {
    // What comes by the wire asks for another port, and is no local visit.
    let house = House::with(|_, doors| doors.guests = Guests::Everybody).await;
    let wire = Wire::to(house.address).await;
    let (ann, mut to_ann) = in_den(&wire.url(), "ann").await;
    ann.join(Join::next(room("hall"))).await.unwrap();
    let (bob, _to_bob) = in_den(&house.url(), "bob").await;
    bob.join(Join::next(room("hall"))).await.unwrap();
    bob.say(&room("den"), "1").await.unwrap();
    assert_eq!(next_text(&mut to_ann).await, "1");
    wire.cut();
    for text in ["2", "3"] {
        bob.say(&room("den"), text).await.unwrap();
        bob.say(&room("hall"), text).await.unwrap();
    }
    until(&mut to_ann, |event| {
        matches!(event, Event::Away { .. }).then_some(())
    })
    .await;
    assert_eq!(ann.status(), Status::Away);
    wire.mend();
    let said = ann.say(&room("den"), "4").await.unwrap();
    assert_eq!(said.seq.0, 4);
    bob.say(&room("hall"), "4").await.unwrap();
    let (mut den, mut hall) = (Vec::new(), Vec::new());
    while den.len() + hall.len() < 6 {
        let said = next_said(&mut to_ann).await;
        let text = said.text().unwrap();
        match said.room.as_str() {
            "den" => den.push(text),
            _ => hall.push(text),
        }
    }
    assert_eq!((den.concat(), hall.concat()), ("234".into(), "234".into()));
}

#[tokio::test]
async fn a_server_that_restarts_is_waited_for_and_what_its_rooms_forgot_is_told() {
    let house = House::start().await;
    let (ann, mut to_ann) = in_den(&house.url(), "ann").await;
    let position = ann.say(&room("den"), "before").await.unwrap();
    assert_eq!(next_text(&mut to_ann).await, "before");
    let address = house.stop().await;
    let _house = House::at(address, None, |_, _| {}).await;
    let lost = back(&mut to_ann).await;
    assert!(matches!(lost, Lost::Closed { why, .. } if why == "going_away"));
    let is_back = until(&mut to_ann, |event| match event {
        Event::Joined { is_back, .. } => Some(is_back),
        _ => None,
    });
    assert!(is_back.await);
    let missed = until(&mut to_ann, |event| match event {
        Event::Gap { missed, .. } => Some(missed),
        _ => None,
    })
    .await;
    assert!(
        matches!(missed, Missed::Epoch { was, .. } if was == position),
        "{missed:?}"
    );
    ann.say(&room("den"), "after").await.unwrap();
    assert_eq!(next_text(&mut to_ann).await, "after");
}

#[tokio::test]
async fn a_user_whose_session_ended_signs_in_again_and_a_session_does_not() {
    let house = House::start().await;
    let user = config(&house.url(), "").user("ann", "right".into());
    let (_ann, mut to_ann) = Client::connect(user).await.unwrap();
    let session = "secret-of-session-1-which-nobody-may-see";
    let by_session = config(&house.url(), "").session(session.into());
    let (_tab, mut to_tab) = Client::connect(by_session).await.unwrap();
    let id = house.users.id(session);
    house.users.forget(id);
    house.doors.end_session(id);
    let lost = back(&mut to_ann).await;
    assert!(matches!(lost, Lost::Closed { why, .. } if why == "signed_out"));
    let ended = until(&mut to_tab, |event| match event {
        Event::Ended(ended) => Some(ended),
        _ => None,
    });
    assert!(ended.await.to_string().contains("signed out"));
}

#[tokio::test]
async fn a_lost_publish_that_stands_in_the_replay_was_published() {
    let script = Script::start().await;
    let (client, _events, mut line) = script.client_in_den(12).await;
    let den = room("den");
    let say = client.say(&den, "hello");
    let told = async {
        let publish = line.asked().await.unwrap();
        drop(line);
        let mut line = script.line().await;
        let join = line.joins_den(12, 14).await;
        assert_eq!(join["rooms"][0]["from"]["seq"], 12);
        line.entry(13, "another-1", "hello").await;
        line.entry(14, publish["id"].as_str().unwrap(), "hello")
            .await;
        line
    };
    let (position, _line) = tokio::join!(say, told);
    assert_eq!(position.unwrap().seq.0, 14);
}

#[tokio::test]
async fn only_the_server_acknowledges_and_only_ones_own_entry_is_found_again() {
    let script = Script::start().await;
    let (client, _events, mut line) = script.client_in_den(0).await;
    let den = room("den");
    let mut ids = Vec::new();
    let told = async {
        let publish = line.asked().await.unwrap();
        let id = publish["id"].as_str().unwrap();
        line.entry_of("guest-eve", 1, id, "not that").await;
        line.entry(2, id, "not yet").await;
        line.ack(3, id).await;
        ids.push(id.to_owned());
    };
    let (position, ()) = tokio::join!(client.say(&den, "hello"), told);
    assert_eq!(position.unwrap().seq.0, 3, "what the server acknowledged");

    let told = async {
        let publish = line.asked().await.unwrap();
        let id = publish["id"].as_str().unwrap();
        ids.push(id.to_owned());
        drop(line);
        let mut line = script.line().await;
        line.joins_den(3, 4).await;
        line.entry_of("guest-eve", 4, id, "not that").await;
        line.asked().await.unwrap();
        line.ack(5, id).await;
        line
    };
    let (position, _line) = tokio::join!(client.say(&den, "hello"), told);
    assert_eq!(position.unwrap().seq.0, 5);
    let common = ids[0].bytes().zip(ids[1].bytes()).filter(|(a, b)| a == b);
    assert!(common.count() < 16, "{ids:?} cannot be foreseen");
}

#[tokio::test]
async fn a_leave_that_the_server_does_not_answer_is_unknown_in_the_end() {
    let script = Script::start().await;
    let impatient = config(&script.url(), "ann").answer_timeout(Duration::from_millis(100));
    let (client, mut line) = tokio::join!(Client::connect(impatient), script.line());
    let (client, _events) = client.unwrap();
    let den = room("den");
    let (joined, _) = tokio::join!(client.join(Join::next(den.clone())), line.joins_den(0, 0));
    joined.unwrap();
    assert_eq!(client.leave(&den).await, Err(CallError::Unknown));
}

#[tokio::test]
async fn the_servers_time_to_come_back_is_kept_and_a_failed_return_is_told() {
    let script = Script::start().await;
    let (_client, mut events, mut line) = script.client().await;
    line.tell(r#"{"t":"closing","why":"going_away","message":"bye","retry_after":0.05}"#)
        .await;
    line.close(1001, "bye").await;
    drop(script);
    let mut waits = Vec::new();
    for _ in 0..2 {
        let wait = until(&mut events, |event| match event {
            Event::Away { why, retry_in } => Some((why, retry_in)),
            _ => None,
        });
        waits.push(wait.await);
    }
    let (first, retry_in) = &waits[0];
    assert_eq!(*retry_in, Duration::from_millis(50));
    assert!(
        matches!(
            first,
            Away::Lost(Lost::Closed {
                code: Some(1001),
                ..
            })
        ),
        "{first}"
    );
    let (second, retry_in) = &waits[1];
    assert!(matches!(second, Away::Failed(_)), "{second}");
    assert!(*retry_in >= Duration::from_secs(1), "{retry_in:?}");
}

/// A client that was connected comes back after one attempt that was answered like this.
async fn passes(at_the_ticket: bool, status: &str) {
    let script = Script::start().await;
    let (_client, mut events, line) = script.client().await;
    drop(line);
    if at_the_ticket {
        script.answer_once(status).await;
    } else {
        script.refuse(status).await;
    }
    let failed = until(&mut events, |event| match event {
        Event::Away {
            why: Away::Failed(_),
            ..
        } => Some(()),
        Event::Ended(ended) => panic!("{status}: {ended}"),
        _ => None,
    });
    failed.await;
    let _line = script.line().await;
    let tickets = 3 - usize::from(at_the_ticket);
    assert_eq!(script.tickets.get(), tickets, "a fresh one each time");
}

#[tokio::test]
async fn a_ticket_that_came_too_late_and_a_proxy_without_its_server_pass() {
    tokio::join!(
        passes(false, "401 Unauthorized"),
        passes(false, "404 Not Found"),
        passes(false, "502 Bad Gateway"),
        passes(true, "404 Not Found"),
        passes(true, "504 Gateway Timeout"),
        passes(true, "200 OK"),
    );
}

#[tokio::test]
async fn a_guest_gets_another_name_also_where_nothing_else_happens() {
    let script = Script::start().await;
    let (client, _events, _line) = script.client_in_den(0).await;
    let again = async {
        let mut line = script.line().await;
        line.joins_den(0, 0).await;
        line
    };
    // Less than a silence after which the client asks for a sign of life, and so wakes by itself.
    let renamed = tokio::time::timeout(PATIENCE, client.rename("bea"));
    let (renamed, _line) = tokio::join!(renamed, again);
    renamed.expect("at once").unwrap();
}

#[tokio::test]
async fn no_time_that_a_server_names_is_too_long_for_a_clock() {
    let most = format!("503 x\r\nRetry-After: {}", u64::MAX);
    for at_the_ticket in [true, false] {
        let script = Script::start().await;
        let (_client, mut events, line) = script.client().await;
        drop(line);
        if at_the_ticket {
            script.answer_once(&most).await;
        } else {
            script.refuse(&most).await;
        }
        let day = until(&mut events, |event| match event {
            Event::Away {
                why: Away::Failed(_),
                retry_in,
            } => Some(retry_in),
            _ => None,
        });
        assert_eq!(day.await, Duration::from_secs(86_400));
    }
}

#[tokio::test]
async fn a_client_that_is_away_can_be_closed() {
    let script = Script::start().await;
    let (client, mut events, line) = script.client().await;
    drop((line, script));
    until(&mut events, |event| {
        matches!(event, Event::Away { .. }).then_some(())
    })
    .await;
    let waiting = client.join(Join::next(room("den")));
    let (joined, ()) = tokio::join!(waiting, client.close());
    assert!(matches!(joined, Err(CallError::Ended(_))), "{joined:?}");
}
