//! Who is let in, who is not, and what is said then.

use std::time::Duration;

use parlour::{Guests, TlsKeys};
use parlour_client::{Client, Config, ConnectError, Event};

use crate::house::House;
use crate::script::Script;
use crate::{config, next};

async fn refused(config: Config) -> ConnectError {
    match Client::connect(config).await {
        Ok(_) => panic!("it was let in"),
        Err(error) => error,
    }
}

fn code(error: &ConnectError) -> (u16, &str) {
    match error {
        ConnectError::Refused { status, code, .. } => (*status, code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_user_signs_in_once_and_a_session_comes_in() {
    let house = House::start().await;
    let user = config(&house.url(), "").user("ann", "right".into());
    let (_client, mut events) = Client::connect(user).await.unwrap();
    let Event::Connected(hello) = next(&mut events).await else {
        panic!("connected first")
    };
    assert_eq!((&*hello.user, hello.guest), ("ann", false));

    let session = "secret-of-session-1-which-nobody-may-see";
    let by_session = Config::new(&house.url()).unwrap().session(session.into());
    let (_client, mut events) = Client::connect(by_session).await.unwrap();
    assert!(matches!(next(&mut events).await, Event::Connected(hello) if hello.user == "ann"));
    let wrong = Config::new(&house.url()).unwrap().session("wrong\n".into());
    assert_eq!(code(&refused(wrong).await), (401, "bad_session"));
}

#[tokio::test]
async fn a_wrong_password_is_said_to_be_one_and_does_not_pass() {
    let house = House::start().await;
    let wrong = config(&house.url(), "").user("ann", "a horse".into());
    let error = refused(wrong).await;
    assert_eq!(code(&error), (401, "bad_credentials"));
    assert!(!error.may_pass());
    assert!(!format!("{error:?} {error}").contains("a horse"));
}

#[tokio::test]
async fn guests_who_are_not_wanted_are_told_so() {
    let house = House::with(|_, doors| doors.guests = Guests::Nobody).await;
    let error = refused(config(&house.url(), "ann")).await;
    assert_eq!(code(&error), (403, "guests_not_allowed"));
    assert!(!error.may_pass());
}

#[tokio::test]
async fn a_guests_name_must_be_one() {
    let house = House::start().await;
    let error = refused(config(&house.url(), &"x".repeat(65))).await;
    assert_eq!(code(&error), (400, "bad_name"));
}

#[tokio::test]
async fn a_server_that_is_busy_says_for_how_long() {
    let house = House::start().await;
    house
        .users
        .is_busy
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let error = refused(config(&house.url(), "").user("ann", "right".into())).await;
    assert_eq!(code(&error), (503, "busy"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
    assert!(error.may_pass());
}

#[tokio::test]
async fn nobody_there_and_nobody_who_answers_are_told_apart() {
    let script = Script::start().await;
    let slow = config(&script.url(), "ann").connect_timeout(Duration::from_millis(50));
    let (error, _line) = tokio::join!(refused(slow), script.silent());
    assert!(matches!(error, ConnectError::Timeout { .. }), "{error}");
    assert!(error.may_pass());

    let quiet = config(&script.url(), "ann").connect_timeout(Duration::from_millis(200));
    let (error, _line) = tokio::join!(refused(quiet), script.bare());
    assert!(
        matches!(error, ConnectError::Timeout { .. }),
        "no hello: {error}"
    );

    let url = script.url();
    drop(script);
    let error = refused(config(&url, "ann")).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.may_pass() && error.to_string().contains("is running"));
}

#[tokio::test]
async fn what_is_no_parlour_server_is_said_to_be_none() {
    for (status, body) in [
        ("200 OK", "<html>"),
        ("404 Not Found", "nothing here"),
        ("301 Moved", ""),
    ] {
        let script = Script::start().await;
        let error = tokio::select! {
            error = refused(config(&script.url(), "ann")) => error,
            () = script.answer_always(status, body) => unreachable!("it does so for ever"),
        };
        assert!(
            matches!(error, ConnectError::NotParlour { .. }),
            "{status}: {error}"
        );
        assert!(!error.may_pass());
    }
    let script = Script::start().await;
    let error = tokio::select! {
        error = refused(config(&script.url(), "ann")) => error,
        () = script.answer_always("502 Bad Gateway", "<html>") => unreachable!("for ever"),
    };
    assert_eq!(code(&error), (502, ""));
    assert!(error.may_pass(), "a proxy whose server is away");
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_where_it_is_named_and_nowhere_else() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let key = made.signing_key.serialize_pem();
    let keys = TlsKeys::from_pem(pem.as_bytes(), key.as_bytes()).unwrap();
    let house = House::at("127.0.0.1:0".parse().unwrap(), Some(keys), |_, _| {}).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cert.pem");
    std::fs::write(&file, pem).unwrap();

    let url = format!("https://localhost:{}", house.address.port());
    let trusting = config(&url, "ann").ca_file(&file).unwrap();
    let (client, _events) = Client::connect(trusting).await.unwrap();
    let general = parlour_client::Join::next(parlour_client::RoomName::general());
    client.join(general.clone()).await.unwrap();
    let long = "x".repeat(60_000);
    client.say(&general.room, &long).await.unwrap();

    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&file, other.cert.pem()).unwrap();
    let wary = config(&url, "ann").ca_file(&file).unwrap();
    let error = refused(wary).await;
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
    let elsewhere = format!("https://127.0.0.1:{}", house.address.port());
    std::fs::write(&file, made.cert.pem()).unwrap();
    let misnamed = config(&elsewhere, "ann").ca_file(&file).unwrap();
    assert!(matches!(refused(misnamed).await, ConnectError::Tls { .. }));

    let plain = format!("http://localhost:{}", house.address.port());
    assert!(!refused(config(&plain, "ann")).await.to_string().is_empty());
}

#[test]
fn a_file_without_a_certificate_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("none.pem");
    let refusal = || {
        let config = Config::new("https://localhost").unwrap();
        config.ca_file(&file).unwrap_err().to_string()
    };
    assert!(refusal().contains("cannot read") && refusal().contains("none.pem"));
    std::fs::write(&file, "not PEM").unwrap();
    assert!(refusal().contains("no certificate in"));
}
