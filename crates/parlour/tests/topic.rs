//! Typed views of rooms: rows 3.01 to 3.08 of the example systems, and what was wrong with them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::future::Future;
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use parlour::topic::{Lost, Subscription};
use parlour::{
    Draft, EntryKind, Hub, HubConfig, Join, Limits, Missed, RoomName, Told, Topic, TopicConfig,
    TopicError, UserName,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Barrier, Semaphore};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    sensor: String,
    value: i64,
}

fn start() -> Hub {
    Hub::start(HubConfig {
        shards: NonZeroU16::new(2),
        ..HubConfig::default()
    })
    .unwrap()
}

fn room() -> RoomName {
    RoomName::new("numbers").unwrap()
}

async fn open(hub: &Hub) -> Topic<u64> {
    soon(hub.topic(room())).await.unwrap()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

fn of(size: usize) -> NonZeroUsize {
    NonZeroUsize::new(size).unwrap()
}

/// Everything to the end of a closed topic.
async fn rest(mut subscription: Subscription<u64>) -> Vec<u64> {
    let mut values = Vec::new();
    while let Some(delivery) = soon(subscription.next()).await {
        values.push(*delivery.unwrap().value);
    }
    values
}

/// What a handler has seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn row_3_01_a_topic_has_any_type_and_needs_nobody() {
    let hub = start();
    let topic = soon(hub.topic::<Reading>(room())).await.unwrap();
    let reading = Reading {
        sensor: "roof \"é\"".into(),
        value: -7,
    };
    // Nobody listens.
    assert_eq!(soon(topic.publish(&reading)).await.unwrap().seq.0, 1);
    let mut seen = topic.subscribe().unwrap();
    assert_eq!(soon(topic.publish(&reading)).await.unwrap().seq.0, 2);
    let item = soon(seen.next()).await.unwrap().unwrap();
    assert_eq!((item.position.seq.0, &*item.value), (2, &reading));
    assert_eq!(&*item.from, "$topic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_3_02_publishing_waits_while_the_topic_is_full_and_fails_when_it_is_closed() {
    let hub = start();
    let config = TopicConfig {
        publishes_max: of(2),
        ..TopicConfig::default()
    };
    let topic = soon(hub.topic_with::<u64>(room(), config)).await.unwrap();
    let (release, gate) = mpsc::channel::<()>();
    // It holds the topic up until it is let go.
    topic
        .handle_sync(move |_| gate.recv().unwrap_or(()))
        .unwrap();
    soon(topic.publish(&1)).await.unwrap();
    soon(topic.publish(&2)).await.unwrap();
    let third = tokio::spawn({
        let topic = topic.clone();
        async move { topic.publish(&3).await }
    });
    let waits = tokio::time::timeout(Duration::from_millis(50), topic.publish(&4)).await;
    assert!(waits.is_err(), "there was no room");
    assert!(!third.is_finished());
    drop(release);
    soon(third).await.unwrap().unwrap();
    topic.close();
    assert_eq!(soon(topic.publish(&5)).await, Err(TopicError::Closed));
    assert_eq!(TopicError::Closed.to_string(), "the topic is closed");
}

#[tokio::test]
async fn row_3_03_a_subscriber_has_a_buffer_of_its_own_and_dropping_it_ends_it() {
    let hub = start();
    let topic = open(&hub).await;
    let mut small = topic.subscribe_with(of(1)).unwrap();
    let large = topic.subscribe_with(of(100)).unwrap();
    drop(topic.subscribe().unwrap());
    for number in 1..=50 {
        soon(topic.publish(&number)).await.unwrap();
    }
    topic.close();
    assert_eq!(rest(large).await, (1..=50).collect::<Vec<_>>());
    assert_eq!(*soon(small.next()).await.unwrap().unwrap().value, 1);
    assert!(soon(small.next()).await.unwrap().is_err());
    assert!(soon(small.next()).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_3_04_a_sync_handler_is_called_in_order_and_delays_everybody_else() {
    let hub = start();
    let topic = open(&hub).await;
    let (release, gate) = mpsc::channel::<()>();
    let seen = Seen::default();
    topic
        .handle_sync({
            let seen = seen.clone();
            move |delivery| {
                gate.recv().unwrap();
                seen.note(delivery.unwrap().value.to_string());
            }
        })
        .unwrap();
    let mut subscription = topic.subscribe().unwrap();
    for number in 1..=3 {
        soon(topic.publish(&number)).await.unwrap();
    }
    let nothing = tokio::time::timeout(Duration::from_millis(50), subscription.next()).await;
    assert!(nothing.is_err(), "it was not delayed");
    (0..3).for_each(|_| release.send(()).unwrap());
    for number in 1..=3 {
        assert_eq!(
            *soon(subscription.next()).await.unwrap().unwrap().value,
            number
        );
    }
    assert_eq!(seen.all(), ["1", "2", "3"]);
}

#[tokio::test]
async fn row_3_05_an_async_handler_has_a_task_for_every_message() {
    let hub = start();
    let topic = open(&hub).await;
    // Each waits for all the others, so they must run side by side.
    let together = Arc::new(Barrier::new(11));
    topic
        .handle_async({
            let together = Arc::clone(&together);
            move |_| {
                let together = Arc::clone(&together);
                async move {
                    together.wait().await;
                }
            }
        })
        .unwrap();
    for number in 0..10 {
        soon(topic.publish(&number)).await.unwrap();
    }
    soon(together.wait()).await;
}

#[tokio::test]
async fn row_3_06_sync_handlers_come_first_then_async_ones_then_subscriptions() {
    let hub = start();
    let topic = open(&hub).await;
    let seen = Seen::default();
    let mut subscriptions: Vec<_> = (0..3).map(|_| topic.subscribe().unwrap()).collect();
    for place in 0..2 {
        let seen = seen.clone();
        topic
            .handle_async(move |delivery| {
                // Where its task is made, which is before anything runs.
                seen.note(format!("async {place} {}", delivery.unwrap().value));
                std::future::ready(())
            })
            .unwrap();
    }
    for place in 0..2 {
        let seen = seen.clone();
        topic
            .handle_sync(move |delivery| {
                seen.note(format!("sync {place} {}", delivery.unwrap().value));
            })
            .unwrap();
    }
    let mut expected = Vec::new();
    for number in 1..=20 {
        soon(topic.publish(&number)).await.unwrap();
        for subscription in &mut subscriptions {
            assert_eq!(
                *soon(subscription.next()).await.unwrap().unwrap().value,
                number
            );
        }
        for who in ["sync 0", "sync 1", "async 0", "async 1"] {
            expected.push(format!("{who} {number}"));
        }
        assert_eq!(seen.all(), expected, "subscriptions come last");
    }
}

#[tokio::test]
async fn row_3_07_closing_once_delivers_what_was_accepted_and_waits_for_no_handler() {
    let hub = start();
    let topic = open(&hub).await;
    let stuck = Arc::new(Semaphore::new(0));
    topic
        .handle_async({
            let stuck = Arc::clone(&stuck);
            move |_| {
                let stuck = Arc::clone(&stuck);
                async move { drop(stuck.acquire().await) }
            }
        })
        .unwrap();
    let subscriptions: Vec<_> = (0..3).map(|_| topic.subscribe().unwrap()).collect();
    for number in 0..100 {
        soon(topic.publish(&number)).await.unwrap();
    }
    let clone = topic.clone();
    topic.close();
    clone.close();
    soon(clone.ended()).await;
    for subscription in subscriptions {
        assert_eq!(rest(subscription).await, (0..100).collect::<Vec<_>>());
    }
    assert_eq!(soon(clone.publish(&0)).await, Err(TopicError::Closed));
}

#[tokio::test]
async fn row_3_08_subscribing_to_a_closed_topic_is_an_error() {
    let hub = start();
    let topic = open(&hub).await;
    topic.close();
    assert_eq!(topic.subscribe().err(), Some(TopicError::Closed));
    assert_eq!(topic.handle_sync(|_| {}).err(), Some(TopicError::Closed));
    let handled = topic.handle_async(|_| std::future::ready(()));
    assert_eq!(handled.err(), Some(TopicError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d05_publishing_subscribing_and_removing_may_race_with_the_close() {
    let hub = start();
    for _ in 0..50 {
        let topic = open(&hub).await;
        let mut tasks = Vec::new();
        for _ in 0..4 {
            let topic = topic.clone();
            tasks.push(tokio::spawn(async move {
                loop {
                    let handle = topic.handle_sync(|_| {});
                    let subscription = topic.subscribe();
                    let published = topic.publish(&1).await;
                    if let Ok(handle) = handle {
                        handle.remove();
                    }
                    drop(subscription);
                    match published {
                        Ok(_) => {}
                        Err(TopicError::Closed) => return,
                        Err(other) => panic!("{other}"),
                    }
                }
            }));
        }
        tokio::task::yield_now().await;
        topic.close();
        for task in tasks {
            soon(task).await.unwrap();
        }
        soon(topic.ended()).await;
    }
}

#[tokio::test]
async fn d14_an_async_handler_can_be_removed() {
    let hub = start();
    let topic = open(&hub).await;
    let seen = Seen::default();
    let handle = topic
        .handle_async({
            let seen = seen.clone();
            move |delivery| {
                seen.note(delivery.unwrap().value.to_string());
                std::future::ready(())
            }
        })
        .unwrap();
    let mut last = topic.subscribe().unwrap();
    soon(topic.publish(&1)).await.unwrap();
    soon(last.next()).await.unwrap().unwrap();
    handle.remove();
    handle.remove();
    soon(topic.publish(&2)).await.unwrap();
    soon(last.next()).await.unwrap().unwrap();
    assert_eq!(seen.all(), ["1"]);
}

#[tokio::test]
async fn d15_two_handlers_of_one_closure_are_two_and_each_is_removed_alone() {
    let hub = start();
    let topic = open(&hub).await;
    let counts: Arc<[AtomicUsize; 2]> = Arc::default();
    let handles: Vec<_> = (0..2)
        .map(|place| {
            let counts = Arc::clone(&counts);
            let count = move |_| {
                counts[place].fetch_add(1, Ordering::Relaxed);
            };
            topic.handle_sync(count).unwrap()
        })
        .collect();
    let mut last = topic.subscribe().unwrap();
    soon(topic.publish(&1)).await.unwrap();
    soon(last.next()).await.unwrap().unwrap();
    handles[0].remove();
    soon(topic.publish(&2)).await.unwrap();
    soon(last.next()).await.unwrap().unwrap();
    let counts: Vec<_> = counts.iter().map(|it| it.load(Ordering::Relaxed)).collect();
    assert_eq!(counts, [1, 2]);
}

#[tokio::test]
async fn d16_a_subscriber_that_is_too_slow_is_told_what_it_missed_and_goes_on() {
    let hub = start();
    let topic = open(&hub).await;
    let mut slow = topic.subscribe_with(of(3)).unwrap();
    let mut quick = topic.subscribe().unwrap();
    for number in 1..=10 {
        soon(topic.publish(&number)).await.unwrap();
        soon(quick.next()).await.unwrap().unwrap();
    }
    for number in 1..=3 {
        assert_eq!(*soon(slow.next()).await.unwrap().unwrap().value, number);
    }
    let Err(Lost::Lagged(Missed::Entries { first, last, .. })) = soon(slow.next()).await.unwrap()
    else {
        panic!("seven are missing");
    };
    assert_eq!((first.0, last.0), (4, 10));
    soon(topic.publish(&11)).await.unwrap();
    assert_eq!(*soon(slow.next()).await.unwrap().unwrap().value, 11);
}

#[tokio::test]
async fn d17_a_publish_ends_when_it_has_its_place_and_can_be_given_up() {
    let hub = start();
    let topic = open(&hub).await;
    let mut watcher = hub.session(UserName::user("ann").unwrap()).unwrap();
    soon(watcher.join(Join::next(room()))).await.unwrap();
    let place = soon(topic.publish(&7)).await.unwrap();
    let Some(Told::Entry(said)) = soon(watcher.next()).await else {
        panic!("an entry");
    };
    assert_eq!((said.position, &*said.payload), (place, &b"7"[..]));
    for _ in 0..1_000 {
        // More than may wait, if one that was given up still did.
        tokio::select! {
            biased;
            _ = topic.publish(&8) => {}
            () = std::future::ready(()) => {}
        }
    }
    soon(async {
        while soon(topic.publish(&9)).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn d18_when_the_hub_ends_so_do_its_topics_with_everything_delivered() {
    let hub = start();
    let topic = open(&hub).await;
    let subscription = topic.subscribe().unwrap();
    for number in 0..50 {
        soon(topic.publish(&number)).await.unwrap();
    }
    assert_eq!(soon(hub.shutdown(Duration::from_secs(600))).await, 0);
    assert_eq!(rest(subscription).await, (0..50).collect::<Vec<_>>());
    let refused = soon(topic.publish(&1)).await;
    assert!(refused.is_err(), "{refused:?}");
    soon(topic.ended()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d19_what_was_accepted_before_the_close_reaches_every_subscriber() {
    let hub = start();
    for _ in 0..20 {
        let topic = open(&hub).await;
        let subscription = topic.subscribe_with(of(100_000)).unwrap();
        let publishers: Vec<_> = (0..4)
            .map(|_| {
                let topic = topic.clone();
                tokio::spawn(async move {
                    let mut accepted = Vec::new();
                    while let Ok(place) = topic.publish(&1).await {
                        accepted.push(place.seq);
                    }
                    accepted
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(2)).await;
        topic.close();
        let mut accepted = Vec::new();
        for publisher in publishers {
            accepted.extend(soon(publisher).await.unwrap());
        }
        let mut delivered = Vec::new();
        let mut subscription = subscription;
        while let Some(delivery) = soon(subscription.next()).await {
            delivered.push(delivery.unwrap().position.seq);
        }
        accepted.sort_unstable();
        assert_eq!(delivered, accepted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u05_16_publishers_of_128_messages_each_and_every_subscriber_sees_every_one() {
    const PUBLISHERS: u64 = 16;
    const EACH: u64 = 128;
    let hub = start();
    let topic = open(&hub).await;
    let all = of((PUBLISHERS * EACH) as usize);
    let subscriptions: Vec<_> = (0..16)
        .map(|_| topic.subscribe_with(all).unwrap())
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let topic = topic.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    topic.publish(&(publisher * EACH + number)).await.unwrap();
                }
            })
        })
        .collect();
    for publisher in publishers {
        soon(publisher).await.unwrap();
    }
    topic.close();
    let mut orders = Vec::new();
    for subscription in subscriptions {
        let values = rest(subscription).await;
        let mut by_publisher: HashMap<u64, Vec<u64>> = HashMap::new();
        for value in &values {
            by_publisher
                .entry(value / EACH)
                .or_default()
                .push(value % EACH);
        }
        assert_eq!(by_publisher.len() as u64, PUBLISHERS);
        for numbers in by_publisher.values() {
            assert!(numbers.iter().copied().eq(0..EACH), "{numbers:?}");
        }
        orders.push(values);
    }
    assert!(orders.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn an_entry_of_another_type_is_told_by_name_and_loses_nothing() {
    let hub = start();
    let numbers = open(&hub).await;
    let texts = soon(hub.topic::<String>(room())).await.unwrap();
    let mut seen = numbers.subscribe().unwrap();
    soon(numbers.publish(&1)).await.unwrap();
    let place = soon(texts.publish(&"two".to_owned())).await.unwrap();
    soon(numbers.publish(&3)).await.unwrap();
    assert_eq!(*soon(seen.next()).await.unwrap().unwrap().value, 1);
    match soon(seen.next()).await.unwrap() {
        Err(Lost::OtherType { position, .. }) => assert_eq!(position, place),
        other => panic!("{other:?}"),
    }
    assert_eq!(*soon(seen.next()).await.unwrap().unwrap().value, 3);
}

#[tokio::test]
async fn what_others_say_in_the_room_is_not_the_topics_unless_it_is_of_its_kind() {
    let hub = start();
    let open_kind = EntryKind::new("number").unwrap();
    let config = TopicConfig {
        kind: open_kind.clone(),
        ..TopicConfig::default()
    };
    let opened = soon(hub.topic_with::<u64>(room(), config)).await.unwrap();
    let own = open(&hub).await;
    let (mut to_opened, to_own) = (opened.subscribe().unwrap(), own.subscribe().unwrap());
    let mut ann = hub.session(UserName::user("ann").unwrap()).unwrap();
    soon(ann.join(Join::next(room()))).await.unwrap();
    soon(ann.say(&room(), "hello")).await.unwrap();
    soon(ann.publish(&room(), &open_kind, &42)).await.unwrap();
    let draft = Draft::message("$app", "hello");
    soon(hub.publish(room(), draft)).await.unwrap();
    soon(own.publish(&7)).await.unwrap();
    let item = soon(to_opened.next()).await.unwrap().unwrap();
    assert_eq!((*item.value, &*item.from), (42, "ann"));
    own.close();
    assert_eq!(rest(to_own).await, [7]);
}

#[tokio::test]
async fn a_topic_is_not_seen_among_those_who_are_in_its_room() {
    let hub = start();
    let _topic = open(&hub).await;
    let mut ann = hub.session(UserName::user("ann").unwrap()).unwrap();
    let join = Join {
        presence: true,
        ..Join::next(room())
    };
    soon(ann.join(join)).await.unwrap();
    let _later = open(&hub).await;
    loop {
        match soon(ann.next()).await.unwrap() {
            Told::Presence { count, users, .. } if count > 0 => {
                assert_eq!((count, users), (1, Some(vec!["ann".to_owned()])));
                return;
            }
            Told::Presence { .. } | Told::PresenceChange { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_last_handle_that_goes_closes_the_topic() {
    let hub = start();
    let topic = open(&hub).await;
    let subscription = topic.subscribe().unwrap();
    soon(topic.publish(&1)).await.unwrap();
    drop(topic.clone());
    soon(topic.publish(&2)).await.unwrap();
    drop(topic);
    assert_eq!(rest(subscription).await, [1, 2]);
    soon(async {
        while hub.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_panics_is_removed_and_hurts_nobody() {
    let hub = start();
    let topic = open(&hub).await;
    let seen = Seen::default();
    topic
        .handle_sync({
            let seen = seen.clone();
            move |delivery| {
                seen.note(delivery.unwrap().value.to_string());
                panic!("as it was asked to");
            }
        })
        .unwrap();
    let subscription = topic.subscribe().unwrap();
    soon(topic.publish(&1)).await.unwrap();
    soon(topic.publish(&2)).await.unwrap();
    topic.close();
    assert_eq!(rest(subscription).await, [1, 2]);
    assert_eq!(seen.all(), ["1"]);
}

#[tokio::test]
async fn an_async_handler_with_too_many_tasks_is_told_what_it_missed() {
    const OVER: u64 = 1_024 + 10;
    let hub = start();
    let topic = open(&hub).await;
    let gate = Arc::new(Semaphore::new(0));
    let lost = Arc::new(Mutex::new(None));
    topic
        .handle_async({
            let (gate, lost) = (Arc::clone(&gate), Arc::clone(&lost));
            move |delivery| {
                if let Err(Lost::Lagged(Missed::Entries { first, last, .. })) = delivery {
                    *lost.lock().unwrap() = Some((first.0, last.0));
                }
                let gate = Arc::clone(&gate);
                async move { drop(gate.acquire().await) }
            }
        })
        .unwrap();
    let mut last = topic.subscribe_with(of(2_000)).unwrap();
    for number in 1..=OVER {
        soon(topic.publish(&number)).await.unwrap();
        soon(last.next()).await.unwrap().unwrap();
    }
    gate.add_permits(1);
    soon(async {
        while lost.lock().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(*lost.lock().unwrap(), Some((1_025, OVER)));
}

#[tokio::test]
async fn a_value_that_is_too_large_or_no_json_is_refused_by_name() {
    let hub = Hub::start(HubConfig {
        limits: Limits {
            message_bytes_max: 16,
            ..Limits::default()
        },
        ..HubConfig::default()
    });
    // Its reader's own frames are larger than that.
    let opened = soon(hub.unwrap().topic::<String>(room())).await;
    assert!(opened.is_err());
    let hub = start();
    let topic = soon(hub.topic::<HashMap<Vec<u8>, u8>>(room()))
        .await
        .unwrap();
    let no_json = HashMap::from([(vec![1], 1)]);
    let refused = soon(topic.publish(&no_json)).await;
    assert!(
        matches!(refused, Err(TopicError::NotJson(_))),
        "{refused:?}"
    );
    let texts = soon(hub.topic::<String>(room())).await.unwrap();
    let large = "x".repeat(hub.limits().message_bytes_max);
    let refused = soon(texts.publish(&large)).await;
    assert!(
        matches!(refused, Err(TopicError::Publish(_))),
        "{refused:?}"
    );
    assert_eq!(soon(texts.publish(&String::new())).await.unwrap().seq.0, 1);
}

/// A number, but for one that it cannot be read as.
#[derive(Debug, Serialize)]
struct Picky(u8);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(from)?;
        assert!(number != 13, "as it was asked to");
        Ok(Self(number))
    }
}

#[tokio::test]
async fn a_value_whose_reading_panics_is_of_another_type_and_the_topic_goes_on() {
    let hub = start();
    let config = TopicConfig {
        kind: EntryKind::new("move").unwrap(),
        ..TopicConfig::default()
    };
    let kind = config.kind.clone();
    let topic = hub.topic_with::<Picky>(room(), config).await.unwrap();
    let mut seen = topic.subscribe().unwrap();
    // What any client in the room could publish.
    let draft = Draft::new("guest-eve", kind, &b"13"[..]);
    hub.publish(room(), draft).await.unwrap();
    topic.publish(&Picky(1)).await.unwrap();
    topic.close();
    let lost = soon(seen.next()).await.unwrap().unwrap_err();
    let Lost::OtherType { from, error, .. } = lost else {
        panic!("{lost:?}");
    };
    assert_eq!(&*from, "guest-eve");
    assert!(error.contains("panicked"), "{error}");
    assert_eq!(soon(seen.next()).await.unwrap().unwrap().value.0, 1);
    assert!(soon(seen.next()).await.is_none());
    soon(topic.ended()).await;
}

#[tokio::test]
async fn a_topic_ends_with_its_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let config = HubConfig {
        runtime: Some(runtime.handle().clone()),
        ..HubConfig::default()
    };
    let hub = Hub::start(config).unwrap();
    let topic = hub.topic::<u8>(room()).await.unwrap();
    let mut seen = topic.subscribe().unwrap();
    runtime.shutdown_background();
    assert!(soon(seen.next()).await.is_none());
    soon(topic.ended()).await;
    assert_eq!(topic.publish(&1).await, Err(TopicError::Closed));
    let late = hub.topic::<u8>(room()).await.unwrap();
    soon(late.ended()).await;
}
