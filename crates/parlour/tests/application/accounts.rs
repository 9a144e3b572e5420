//! Accounts of the application's own that fail.

use std::sync::Arc;
use std::time::Duration;

use parlour::testing::TestHub;
use parlour::{
    Accounts, AccountsError, BoxFuture, Doors, DoorsConfig, HubConfig, Password, Session,
    SessionId, SessionSecret, UserName,
};

/// Panics when it is asked for `eve`, before it gives its future.
struct Panics;

impl Accounts for Panics {
    fn has_user<'a>(&'a self, name: &'a UserName) -> BoxFuture<'a, Result<bool, AccountsError>> {
        assert!(name.as_str() != "eve", "as it was asked to");
        Box::pin(std::future::ready(Ok(false)))
    }

    fn sign_in<'a>(
        &'a self,
        _: &'a str,
        _: Password,
    ) -> BoxFuture<'a, Result<Option<(Session, SessionSecret)>, AccountsError>> {
        unreachable!("nobody signs in")
    }

    fn session(&self, _: &str) -> Result<Option<Session>, AccountsError> {
        Ok(None)
    }

    fn is_open(&self, _: SessionId) -> bool {
        false
    }

    fn end_session(&self, _: SessionId) -> BoxFuture<'_, Result<(), AccountsError>> {
        unreachable!("nobody signs out")
    }

    fn health(&self) -> Result<(), AccountsError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_nickname_whose_look_up_panics_is_refused_and_its_wisher_goes_on() {
    let hub = TestHub::start(HubConfig::default());
    let config = DoorsConfig {
        accounts: Some(Arc::new(Panics)),
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
