//! Passwords, sessions, tickets and tokens are never logged, at whatever level (docs/seeds.md, D28, D33).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlour::{Door, Token};
use support::{House, login, request, upgrade};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn no_secret_is_in_the_log_at_the_most_talkative_level() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .init();
    let (operator, publisher) = ("0123456789-operator", "0123456789-publisher");
    let house = House::public(|config| {
        config.operator_token = Some(Token::new(operator.to_owned()).unwrap());
        config.publish_token = Some(Token::new(publisher.to_owned()).unwrap());
        config.open_doors = vec![Door::Publish];
    });
    let (session, used) = house.ann();
    let here = house.connect(&used);
    let cookie = format!("parlour_session={session}");
    let fresh = house.send(&request("POST", "/ticket").header("Cookie", &cookie));
    let unused = fresh.text("otp");
    let refused = upgrade(&format!("/ws?otp={unused}")).header("Origin", "http://evil.example");
    assert_eq!(house.send(&refused).status, 403);
    let wrong = "a wrong password that must not be seen";
    assert_eq!(house.send(&login("ann", wrong)).status, 401);
    assert_eq!(
        house
            .send(&request("POST", "/ticket").bearer("wrong-session"))
            .status,
        401
    );
    assert_eq!(
        house
            .send(&request("GET", "/debug").bearer(operator))
            .status,
        200
    );
    let published = request("POST", "/rooms/den/publish").bearer(publisher);
    assert_eq!(
        house.send(&published.json(r#"{"payload":"x"}"#)).status,
        200
    );
    house.users.is_broken.store(true, SeqCst);
    assert_eq!(house.send(&login("ann", "right-and-secret")).status, 503);
    house.users.is_broken.store(false, SeqCst);
    assert_eq!(
        house
            .send(&request("POST", "/logout").bearer(&session))
            .status,
        204
    );
    here.closed();
    house.shut_down(Duration::from_secs(60));

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("the disk has burnt"),
        "the log is on, and the operator is told: {log}"
    );
    for secret in [
        session.as_str(),
        &used,
        &unused,
        wrong,
        "right-and-secret",
        "wrong-session",
        operator,
        publisher,
        "otp=",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
