//! What a hub promises whoever holds it.

use super::*;
use crate::limits::CONNECTION_SHARE;

#[test]
fn two_dialects_of_one_name_are_refused() {
    let mut config = HubConfig::default();
    config.dialects.push(Arc::new(dialect::Echo));
    assert!(matches!(Hub::start(config), Err(StartError::Dialects)));
}

#[tokio::test]
async fn a_shard_that_fails_is_told_of_and_lets_nobody_in() {
    let hub = Hub::start(HubConfig::default()).unwrap();
    hub.0.inboxes[0].post(Mail::Fail);
    hub.failed().await;
    assert_eq!(
        hub.take_place(None, CONNECTION_SHARE).err(),
        Some(Full::GoingAway)
    );
    assert_eq!(hub.shutdown(Duration::from_secs(600)).await, 0);
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_shard_that_fails_ends_its_connections_for_their_handlers() {
    let clients = crate::connections::Connections::builder("mine").build();
    let config = HubConfig::default().connections(&clients);
    let hub = crate::testing::TestHub::start(config);
    let _peer = hub.connect("mine").await;
    hub.settle().await;
    let client = clients.list().pop().unwrap();
    hub.0.post_all(|| Mail::Fail);
    let closed = tokio::time::timeout(Duration::from_secs(30), client.closed());
    closed.await.unwrap();
    assert!(clients.list().is_empty());
}

#[tokio::test]
async fn a_hub_without_connections_ends_at_once() {
    let config = HubConfig {
        shards: NonZeroU16::new(3),
        ..HubConfig::default()
    };
    let hub = Hub::start(config).unwrap();
    assert_eq!(hub.shutdown(Duration::from_secs(600)).await, 0);
    assert!(hub.is_going_away());
    assert_eq!(
        hub.take_place(None, CONNECTION_SHARE).err(),
        Some(Full::GoingAway)
    );
}
