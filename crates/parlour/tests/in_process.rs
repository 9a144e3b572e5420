//! Clients in the hub's own process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::num::NonZeroU16;
use std::time::Duration;

use parlour::testing::TestHub;
use parlour::{
    EntryKind, Hub, HubConfig, Join, Limits, LocalSession, Missed, RoomName, SessionError, Told,
    UserName,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn start(limits: Limits) -> Hub {
    Hub::start(HubConfig {
        limits,
        shards: NonZeroU16::new(2),
        ..HubConfig::default()
    })
    .unwrap()
}

fn unlimited() -> Limits {
    Limits {
        messages_per_second: 0,
        ..Limits::default()
    }
}

fn den() -> RoomName {
    RoomName::new("den").unwrap()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// A member of `den`.
async fn member(hub: &Hub, name: &str) -> LocalSession {
    let mut session = hub.session(UserName::user(name).unwrap()).unwrap();
    soon(session.join(Join::next(den()))).await.unwrap();
    session
}

async fn left(hub: &Hub, connections: usize) {
    soon(async {
        while hub.connections() > connections {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_publishes_learns_the_place_and_is_told_its_own_entry() {
    let hub = start(Limits::default());
    let (mut ann, mut bob) = (member(&hub, "ann").await, member(&hub, "bob").await);
    for number in 1..=20 {
        let at = soon(ann.say(&den(), &format!("{number}"))).await.unwrap();
        assert_eq!(at.seq.0, number);
    }
    for session in [&mut ann, &mut bob] {
        for number in 1..=20 {
            let Some(Told::Entry(said)) = soon(session.next()).await else {
                panic!("an entry");
            };
            assert_eq!(said.position.seq.0, number);
            assert_eq!(said.text(), Some(number.to_string()));
        }
    }
}

#[tokio::test]
async fn refusals_have_their_names_and_the_session_goes_on() {
    let hub = start(Limits::default());
    let mut ann = hub.session(UserName::user("ann").unwrap()).unwrap();
    let code = |error: SessionError| match error {
        SessionError::Refused { code, .. } => code,
        other => panic!("{other}"),
    };
    let refused = soon(ann.say(&den(), "too early")).await.unwrap_err();
    assert_eq!(code(refused), "not_in_room");
    let refused = soon(ann.leave(&den())).await.unwrap_err();
    assert_eq!(code(refused), "not_in_room");
    soon(ann.join(Join::next(den()))).await.unwrap();
    let no_text = soon(ann.publish(&den(), &EntryKind::MESSAGE, &7)).await;
    assert_eq!(code(no_text.unwrap_err()), "bad_payload");
    let large = "x".repeat(hub.limits().message_bytes_max);
    let refused = soon(ann.say(&den(), &large)).await.unwrap_err();
    assert!(
        matches!(refused, SessionError::TooLarge { .. }),
        "{refused}"
    );
    assert_eq!(soon(ann.say(&den(), "now")).await.unwrap().seq.0, 1);
    soon(ann.leave(&den())).await.unwrap();
    soon(ann.join(Join::next(den()))).await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_falls_behind_and_is_told_exactly_what_it_missed() {
    let limits = Limits {
        log_entries_max: 100,
        ..unlimited()
    };
    let hub = start(limits);
    let (mut ann, mut bob) = (member(&hub, "ann").await, member(&hub, "bob").await);
    let text = "x".repeat(1_000);
    for _ in 0..1_000 {
        soon(ann.say(&den(), &text)).await.unwrap();
        assert!(matches!(soon(ann.next()).await, Some(Told::Entry(_))));
    }
    soon(ann.say(&den(), "the last")).await.unwrap();
    let (mut next, mut gaps) = (1, 0);
    loop {
        match soon(bob.next()).await.unwrap() {
            Told::Entry(said) => {
                assert_eq!(said.position.seq.0, next);
                next += 1;
                if said.text().as_deref() == Some("the last") {
                    break;
                }
            }
            Told::Gap {
                missed: Missed::Entries { first, last, .. },
                ..
            } => {
                assert_eq!(first.0, next);
                next = last.0 + 1;
                gaps += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(gaps > 0, "it missed nothing");
    assert_eq!(next, 1_002);
}

#[tokio::test]
async fn who_publishes_and_never_reads_keeps_a_bounded_amount_and_gets_all_answers() {
    const PUBLISHES: u64 = 5_000;
    let hub = start(unlimited());
    let mut ann = member(&hub, "ann").await;
    for number in 1..=PUBLISHES {
        assert_eq!(soon(ann.say(&den(), "x")).await.unwrap().seq.0, number);
    }
    let (mut next, mut entries) = (1, 0);
    while next <= PUBLISHES {
        match soon(ann.next()).await.unwrap() {
            Told::Entry(said) => {
                assert_eq!(said.position.seq.0, next);
                next += 1;
                entries += 1;
            }
            Told::Gap {
                missed: Missed::Entries { first, last, .. },
                ..
            } => {
                assert_eq!(first.0, next);
                next = last.0 + 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((1_024..PUBLISHES).contains(&entries), "{entries}");
}

#[tokio::test]
async fn a_dropped_session_leaves_its_rooms_and_its_place() {
    let hub = start(Limits::default());
    let mut ann = hub.session(UserName::user("ann").unwrap()).unwrap();
    let watch = Join {
        presence: true,
        ..Join::next(den())
    };
    soon(ann.join(watch)).await.unwrap();
    let bob = member(&hub, "bob").await;
    assert_eq!(hub.connections(), 2);
    drop(bob);
    left(&hub, 1).await;
    let mut here = 0;
    while here != 1 {
        match soon(ann.next()).await.unwrap() {
            Told::Presence { count, .. } | Told::PresenceChange { count, .. } => here = count,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_publish_that_nobody_waits_for_disturbs_nothing_that_follows() {
    let hub = start(Limits::default());
    let mut ann = member(&hub, "ann").await;
    for round in 0..50_u64 {
        let room = den();
        tokio::select! {
            biased;
            _ = ann.say(&room, "nobody waits") => {}
            () = std::future::ready(()) => {}
        }
        let at = soon(ann.say(&den(), "waits")).await.unwrap();
        assert_eq!(at.seq.0, 2 * round + 2);
    }
    for number in 1..=100 {
        let Some(Told::Entry(said)) = soon(ann.next()).await else {
            panic!("an entry");
        };
        assert_eq!(said.position.seq.0, number);
    }
}

#[tokio::test]
async fn the_end_of_the_hub_ends_sessions_at_once_and_says_why() {
    let hub = start(Limits::default());
    let mut reading = member(&hub, "ann").await;
    let mut idle = member(&hub, "bob").await;
    soon(reading.say(&den(), "last words")).await.unwrap();
    // Nobody polls them, and still nobody is waited for.
    assert_eq!(soon(hub.shutdown(Duration::from_secs(600))).await, 0);
    for session in [&mut reading, &mut idle] {
        assert!(matches!(soon(session.next()).await, Some(Told::Entry(_))));
        assert_eq!(soon(session.next()).await, None);
        assert_eq!(session.end().unwrap().why, "going_away");
        assert!(session.end().unwrap().retry_after.is_some());
        let after = soon(session.say(&den(), "too late")).await;
        assert_eq!(after, Err(SessionError::Ended));
    }
    let late = hub.session(UserName::user("ann").unwrap());
    assert!(matches!(late, Err(SessionError::NoPlace(_))));
}

#[tokio::test]
async fn a_session_that_does_not_read_holds_up_no_end_of_the_hub() {
    let limits = Limits {
        close_timeout: Duration::from_millis(250),
        slow_reader_timeout: Duration::from_secs(3_600),
        ..unlimited()
    };
    let hub = start(limits);
    let mut slow = member(&hub, "slow").await;
    let mut ann = member(&hub, "ann").await;
    let text = "x".repeat(32 * 1024);
    while hub.stats().blocked_sends == 0 {
        soon(ann.say(&den(), &text)).await.unwrap();
        soon(ann.next()).await.unwrap();
    }
    assert_eq!(soon(hub.shutdown(Duration::from_secs(600))).await, 0);
    while soon(slow.next()).await.is_some() {}
    assert_eq!(slow.end(), None, "it was cut behind what it did not read");
}

#[tokio::test]
async fn a_hub_that_is_dropped_ends_its_sessions() {
    let hub = start(Limits::default());
    let mut ann = member(&hub, "ann").await;
    drop(hub);
    assert_eq!(soon(ann.next()).await, None);
}

#[tokio::test]
async fn a_session_that_is_silent_and_does_not_read_is_not_closed() {
    let hub = TestHub::start(HubConfig {
        limits: unlimited(),
        ..HubConfig::default()
    });
    let mut asleep = hub.connect("parlour.echo").await;
    asleep.stop_answering();
    let mut slow = member(&hub, "slow").await;
    let mut silent = member(&hub, "silent").await;
    let mut ann = member(&hub, "ann").await;
    let text = "x".repeat(32 * 1024);
    while hub.stats().blocked_sends < 2 {
        soon(ann.say(&den(), &text)).await.unwrap();
        soon(ann.next()).await.unwrap();
    }
    hub.advance(Duration::from_secs(600)).await;
    asleep.assert_closed(1008).await;
    assert_eq!(
        (hub.stats().stuck_closes, hub.stats().silent_closes),
        (0, 1),
        "only who has deadlines"
    );
    for session in [&mut slow, &mut silent] {
        assert!(matches!(soon(session.next()).await, Some(Told::Entry(_))));
    }
    assert_eq!(hub.connections(), 3);
}

#[tokio::test]
async fn a_hub_without_parlour_v1_has_no_sessions_and_says_so() {
    let hub = Hub::start(HubConfig {
        dialects: Vec::new(),
        ..HubConfig::default()
    });
    let session = hub.unwrap().session(UserName::user("ann").unwrap());
    assert!(matches!(session, Err(SessionError::Unspoken)));
}
