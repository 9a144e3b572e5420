use std::future::Future;
use std::num::NonZeroU16;
use std::task::{Context, Waker};

use super::*;
use crate::HubConfig;
use parlour_proto::{EntryKind, Limits, Seq};

fn hub(change: impl FnOnce(&mut Limits)) -> Hub {
    let mut limits = Limits::default();
    change(&mut limits);
    Hub::start(HubConfig {
        limits,
        shards: NonZeroU16::new(2),
        ..HubConfig::default()
    })
    .unwrap()
}

fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

fn draft(payload: &str) -> Draft {
    Draft::new("$app", EntryKind::MESSAGE, payload.to_owned())
}

fn all_permits_are_back(hub: &Hub) -> bool {
    hub.0.publishes.available_permits() == PUBLISHES_MAX as usize
}

#[tokio::test]
async fn rooms_that_nobody_is_in_number_what_is_published_wherever_their_home_is() {
    let hub = hub(|_| {});
    for name in ["a", "b", "c", "d", "e", "f"] {
        let first = hub.publish(room(name), draft("\"x\"")).await.unwrap();
        let second = hub.publish(room(name), draft("\"y\"")).await.unwrap();
        assert_eq!((first.seq, second.seq), (Seq(1), Seq(2)));
        assert_eq!(first.epoch, second.epoch);
    }
    assert!(all_permits_are_back(&hub));
}

#[tokio::test]
async fn what_is_no_message_is_refused_by_name() {
    let hub = hub(|limits| {
        limits.message_bytes_max = 10;
        limits.rooms_max = 1;
    });
    for payload in ["", "x", "7", "{}", "\"x"] {
        let refused = hub.publish(room("a"), draft(payload)).await;
        assert_eq!(refused, Err(PublishError::Refused(Refusal::BadPayload)));
    }
    let long = hub.publish(room("a"), draft("\"123456789\"")).await;
    assert_eq!(long, Err(PublishError::TooLarge(10)));
    let mut refusals = 0;
    for n in 0..4 {
        let published = hub.publish(room(&format!("r{n}")), draft("\"x\"")).await;
        refusals += usize::from(published == Err(PublishError::Refused(Refusal::TooManyRooms)));
    }
    assert!(refusals >= 2, "one room for each shard at most");
    assert!(all_permits_are_back(&hub));
}

#[tokio::test]
async fn over_the_bound_a_publish_is_refused_busy_at_once() {
    let hub = hub(|_| {});
    let held = Arc::clone(&hub.0.publishes);
    let held = held.try_acquire_many_owned(PUBLISHES_MAX - 1).unwrap();
    let long = format!("\"{}\"", "x".repeat(BYTES_PER_PERMIT));
    let busy = PublishError::Busy {
        retry_after: RETRY_AFTER,
    };
    assert_eq!(hub.publish(room("a"), draft(&long)).await, Err(busy));
    assert!(hub.publish(room("a"), draft("\"x\"")).await.is_ok());
    drop(held);
    assert!(hub.publish(room("a"), draft(&long)).await.is_ok());
}

#[tokio::test]
async fn callers_that_give_up_leave_nothing_behind() {
    let hub = hub(|_| {});
    for _ in 0..100 {
        let mut publish = Box::pin(hub.publish(room("a"), draft("\"x\"")));
        // It is on its way, and nobody will ask for the answer.
        let _ = publish
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
    }
    // Behind all of these in the same inbox.
    assert_eq!(
        hub.publish(room("a"), draft("\"x\"")).await.unwrap().seq,
        Seq(101)
    );
    let all = Arc::clone(&hub.0.publishes).acquire_many_owned(PUBLISHES_MAX);
    assert!(all.await.is_ok(), "every permit comes back");
}

#[tokio::test]
async fn a_hub_that_goes_away_says_so() {
    let hub = hub(|_| {});
    let other = hub.clone();
    hub.shutdown(Duration::from_secs(600)).await;
    let refused = other.publish(room("a"), draft("\"x\"")).await;
    assert_eq!(refused, Err(PublishError::GoingAway));
    // Also if nobody has told it: its threads have ended.
    other.0.is_going_away.store(false, Ordering::Relaxed);
    let refused = other.publish(room("a"), draft("\"x\"")).await;
    assert_eq!(refused, Err(PublishError::GoingAway));
    assert!(all_permits_are_back(&other));
}
