//! Who may connect, join and publish.

use std::sync::Arc;

use parlour::policy::{Denied, Policy, Visitor};
use parlour::{Draft, EntryKind, Hub, HubConfig, Join, RoomName, UserName};
use tokio::sync::Notify;

use super::support::{Diary, Server, Socket, ask, hear, say, until};

/// Lets nobody in whose address says `banned`, nobody into `staff`, and no `!` be published.
struct House;

impl Policy for House {
    async fn connect(&self, visitor: &Visitor) -> Result<(), Denied> {
        let query = visitor.head().uri.query().unwrap_or_default();
        tokio::task::yield_now().await;
        assert!(!query.contains("panic"), "as it was asked to");
        match query.contains("banned") {
            true => Err(Denied::because(format!("{} is banned", visitor.door()))),
            false => Ok(()),
        }
    }

    async fn join(&self, who: &UserName, room: &RoomName) -> Result<(), Denied> {
        tokio::task::yield_now().await;
        assert!(room.as_str() != "panic", "as it was asked to");
        match room.as_str() {
            "staff" if who.is_guest() => Err(Denied::because("the staff only")),
            _ => Ok(()),
        }
    }

    async fn publish(&self, _: &UserName, room: &RoomName, draft: &Draft) -> Result<(), Denied> {
        tokio::task::yield_now().await;
        match draft.payload.contains(&b'!') {
            true => Err(Denied::because(format!("no shouting in {}", room.as_str()))),
            false => Ok(()),
        }
    }
}

fn server() -> Server {
    Server::start(HubConfig::default().policy(House), &[])
}

fn enter(room: &str) -> String {
    format!(r#"{{"type":"change_room","payload":{{"name":"{room}"}}}}"#)
}

fn message(text: &str) -> String {
    format!(r#"{{"type":"send_message","payload":{{"message":"{text}"}}}}"#)
}

fn not_allowed(words: &str) -> String {
    format!(r#"{{"type":"error","payload":{{"code":"not_allowed","message":"{words}"}}}}"#)
}

fn v1(server: &Server) -> Socket {
    use tungstenite::client::IntoClientRequest as _;
    let uri = format!("ws://{}/ws?otp={}", server.address, server.ticket());
    let mut request = uri.into_client_request().unwrap();
    let protocol = "parlour.v1".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let stream = std::net::TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(super::support::PATIENCE))
        .unwrap();
    let mut socket = tungstenite::client(request, stream).unwrap().0;
    assert!(hear(&mut socket).contains(r#""t":"hello""#));
    socket
}

#[test]
fn who_may_not_connect_is_told_why_at_every_door_and_keeps_the_ticket() {
    let server = server();
    let refused = server.try_connect("/echo?banned").err().unwrap();
    assert!(
        refused.contains("403 ") && refused.contains("parlour.echo is banned"),
        "{refused}"
    );
    let ticket = server.ticket();
    let refused = server
        .try_connect(&format!("/ws?otp={ticket}&banned"))
        .err()
        .unwrap();
    assert!(
        refused.contains("403 ") && refused.contains("parlour.events is banned"),
        "{refused}"
    );
    server.connect(&format!("/ws?otp={ticket}"));
    server.connect("/echo");
}

#[test]
fn who_may_not_join_is_told_in_the_policys_words_and_stays_where_he_is() {
    let server = server();
    let mut client = server.events();
    assert_eq!(
        ask(&mut client, &enter("staff")),
        not_allowed("the staff only")
    );
    let answer = ask(&mut client, &message("hi"));
    assert!(answer.contains("new_message"), "still in general: {answer}");
    say(&mut client, &enter("den"));
    assert!(ask(&mut client, &message("hi")).contains("new_message"));
}

#[test]
fn the_room_that_one_comes_with_is_asked_for_too() {
    let server = server();
    let mut client = server.connect(&format!("/ws?otp={}&room=staff", server.ticket()));
    assert_eq!(hear(&mut client), not_allowed("the staff only"));
    let answer = ask(&mut client, &message("hi"));
    assert!(answer.contains("not_in_room"), "{answer}");
}

#[test]
fn what_may_not_be_published_is_refused_and_the_rest_goes_on() {
    let server = server();
    let mut client = server.events();
    assert_eq!(
        ask(&mut client, &message("hi!")),
        not_allowed("no shouting in general")
    );
    assert!(ask(&mut client, &message("hi")).contains(r#""message":"hi""#));
}

#[test]
fn in_v1_a_refusal_names_the_room_and_the_id() {
    let server = server();
    let mut client = v1(&server);
    let refused = ask(&mut client, r#"{"t":"join","rooms":[{"room":"staff"}]}"#);
    for part in ["not_allowed", "the staff only", r#""room":"staff""#] {
        assert!(refused.contains(part), "{refused}");
    }
    let joined = ask(&mut client, r#"{"t":"join","rooms":[{"room":"den"}]}"#);
    assert!(joined.contains(r#""t":"joined""#), "{joined}");
    let publish = r#"{"t":"publish","room":"den","id":"i1","payload":"hi!"}"#;
    let refused = ask(&mut client, publish);
    for part in ["not_allowed", "no shouting in den", r#""id":"i1""#] {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn of_several_rooms_those_that_are_allowed_are_joined() {
    let server = server();
    let mut client = v1(&server);
    let frame = r#"{"t":"join","rooms":[{"room":"a"},{"room":"staff"},{"room":"b"}]}"#;
    say(&mut client, frame);
    let answers = [hear(&mut client), hear(&mut client), hear(&mut client)];
    let refused = answers.iter().filter(|it| it.contains("not_allowed"));
    let refused: Vec<_> = refused.collect();
    assert!(
        refused.len() == 1 && refused[0].contains(r#""message":"the staff only","room":"staff""#),
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|it| it.contains("joined")).count(),
        2,
        "{answers:?}"
    );
}

#[test]
fn a_policy_that_fails_has_allowed_nothing() {
    let server = server();
    let refused = server.try_connect("/echo?panic").err().unwrap();
    assert!(refused.contains("403 "), "{refused}");
    let mut client = server.events();
    let refused = ask(&mut client, &enter("panic"));
    assert!(refused.contains("not_allowed"), "{refused}");
    assert!(ask(&mut client, &message("hi")).contains("new_message"));
}

#[test]
fn publishing_over_http_asks_the_policy_too() {
    let server = server();
    let (status, answer) = server.post("/rooms/den/publish", r#"{"payload":"hi!"}"#);
    assert_eq!(status, 403, "{answer}");
    assert!(answer.contains("no shouting in den"), "{answer}");
    for (room, words) in [("staff", "the staff only"), ("panic", "try again later")] {
        let (status, answer) =
            server.post(&format!("/rooms/{room}/publish"), r#"{"payload":"hi"}"#);
        assert_eq!(status, 403, "who may not join may not publish: {answer}");
        assert!(answer.contains(words), "{answer}");
    }
    let (status, answer) = server.post("/rooms/den/publish", r#"{"payload":"hi"}"#);
    assert_eq!(status, 200, "{answer}");
}

/// Thinks about everything that is published until it is told to go on.
struct Slow(Arc<Diary>, Arc<Notify>);

impl Policy for Slow {
    const ASKED_TO_JOIN: bool = false;

    async fn join(&self, _: &UserName, _: &RoomName) -> Result<(), Denied> {
        Err(Denied::because("is never asked"))
    }

    async fn publish(&self, _: &UserName, _: &RoomName, draft: &Draft) -> Result<(), Denied> {
        self.0
            .note(String::from_utf8(draft.payload.to_vec()).unwrap());
        if draft.payload == "\"first\"" {
            self.1.notified().await;
        }
        Ok(())
    }
}

#[test]
fn commands_keep_their_order_while_a_policy_thinks_and_others_go_on() {
    let (diary, go) = (Arc::new(Diary::default()), Arc::new(Notify::new()));
    let policy = Slow(Arc::clone(&diary), Arc::clone(&go));
    let server = Server::start(HubConfig::default().policy(policy), &[]);
    let [mut slow, mut other] = [server.events(), server.events()];
    say(&mut slow, &message("first"));
    say(&mut slow, &enter("den"));
    say(&mut slow, &message("second"));
    until(|| diary.read().len() == 1);
    assert!(ask(&mut other, &message("meanwhile")).contains("meanwhile"));
    go.notify_one();
    for text in ["meanwhile", "first", "second"] {
        let told = hear(&mut slow);
        assert!(told.contains(text), "{told}");
    }
    assert_eq!(diary.read(), ["\"first\"", "\"meanwhile\"", "\"second\""]);
    assert!(hear(&mut other).contains("first"));
}

/// Panics at every question before there is a future to wait for.
struct Hasty;

impl Policy for Hasty {
    fn connect(&self, visitor: &Visitor) -> impl Future<Output = Result<(), Denied>> + Send {
        let query = visitor.head().uri.query().unwrap_or_default();
        assert!(!query.contains("panic"), "as it was asked to");
        std::future::ready(Ok(()))
    }

    fn join(
        &self,
        _: &UserName,
        room: &RoomName,
    ) -> impl Future<Output = Result<(), Denied>> + Send {
        assert!(!room.as_str().starts_with("panic"), "as it was asked to");
        std::future::ready(Ok(()))
    }

    fn publish(
        &self,
        _: &UserName,
        _: &RoomName,
        draft: &Draft,
    ) -> impl Future<Output = Result<(), Denied>> + Send {
        assert!(!draft.payload.contains(&b'!'), "as it was asked to");
        std::future::ready(Ok(()))
    }
}

#[test]
fn a_policy_that_fails_before_it_begins_to_think_has_allowed_nothing_either() {
    let server = Server::start(HubConfig::default().policy(Hasty), &[]);
    let refused = server.try_connect("/echo?panic").err().unwrap();
    assert!(refused.contains("403 "), "{refused}");
    let mut client = v1(&server);
    let refused = ask(&mut client, r#"{"t":"join","rooms":[{"room":"panic"}]}"#);
    assert!(refused.contains("not_allowed"), "{refused}");
    let joins = r#"{"t":"join","rooms":[{"room":"panic"},{"room":"panic2"}]}"#;
    for refused in [ask(&mut client, joins), hear(&mut client)] {
        assert!(refused.contains("not_allowed"), "{refused}");
    }
    let joined = ask(&mut client, r#"{"t":"join","rooms":[{"room":"den"}]}"#);
    assert!(joined.contains(r#""t":"joined""#), "{joined}");
    let refused = ask(
        &mut client,
        r#"{"t":"publish","room":"den","payload":"hi!"}"#,
    );
    assert!(refused.contains("not_allowed"), "{refused}");
    assert!(ask(&mut client, r#"{"t":"ping"}"#).contains("pong"));
    let (status, answer) = server.post("/rooms/den/publish", r#"{"payload":"hi!"}"#);
    assert_eq!(status, 403, "{answer}");
}

/// Lets nobody do anything.
struct Nobody;

impl Policy for Nobody {
    async fn join(&self, _: &UserName, _: &RoomName) -> Result<(), Denied> {
        Err(Denied::because("nobody may join"))
    }

    async fn publish(&self, _: &UserName, _: &RoomName, _: &Draft) -> Result<(), Denied> {
        Err(Denied::because("nobody may publish"))
    }
}

#[tokio::test]
async fn sessions_and_topics_in_this_process_are_not_asked_for() {
    let hub = Hub::start(HubConfig::default().policy(Nobody)).unwrap();
    let den = RoomName::new("den").unwrap();
    let mut ann = hub.session(UserName::user("ann").unwrap()).unwrap();
    ann.join(Join::next(den.clone())).await.unwrap();
    ann.publish(&den, &EntryKind::MESSAGE, "hello")
        .await
        .unwrap();
    let topic = hub.topic::<u8>(den).await.unwrap();
    topic.publish(&7).await.unwrap();
}
