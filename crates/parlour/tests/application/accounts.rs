//! Accounts of the application's own that fail.

use std::sync::Arc;
use std::time::Duration;

use parlour::testing::TestHub;
use parlour::{Doors, DoorsConfig, HubConfig};

use crate::users::Users;

#[tokio::test]
async fn a_nickname_whose_look_up_panics_is_refused_and_its_wisher_goes_on() {
    let hub = TestHub::start(HubConfig::default());
    let config = DoorsConfig {
        accounts: Some(Arc::new(Users::panicking_at("eve"))),
        ..DoorsConfig::new("127.0.0.1:8080".parse().unwrap())
    };
    let _doors = Doors::with(&hub, config);
    let mut ann = hub.connect("parlour.plain").await;
    ann.take_all().await;
    ann.send("/nick eve");
    assert_eq!(ann.take_all().await.len(), 1, "the refusal");
    ann.send("/nick kim");
    ann.send("hello");
    assert_eq!(
        ann.take_all().await.len(),
        2,
        "the new name, and what it says"
    );
    drop(ann);
    hub.advance(Duration::from_secs(60)).await;
    assert_eq!(hub.connections(), 0);
}
