//! Lines and events, without a screen or a server.

use std::time::Duration;

use parlour_client::{
    Away, CallError, EntryKind, Epoch, Event, Hello, HelloLimits, Joined, Lost, Position, RoomName,
    Said, Seq, Timestamp,
};

use super::{Act, Conversation, Done, Shown};

fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

fn at(seq: u64) -> Position {
    Position {
        epoch: Epoch(1),
        seq: Seq(seq),
    }
}

fn said(name: &str, seq: u64, from: &str, text: &str) -> Event {
    Event::Entry(Said {
        room: room(name),
        position: at(seq),
        id: None,
        from: from.into(),
        kind: EntryKind::MESSAGE,
        payload: serde_json::Value::from(text).to_string().into(),
        sent: Timestamp::from_unix_nanoseconds(0),
    })
}

fn connected(user: &str) -> Event {
    Event::Connected(Hello {
        version: "0".into(),
        user: user.into(),
        guest: true,
        limits: HelloLimits::default(),
    })
}

fn joined(name: &str, seq: u64, head: u64, is_back: bool) -> Event {
    let joined = Joined {
        position: at(seq),
        head: Seq(head),
    };
    Event::Joined {
        room: room(name),
        joined,
        is_back,
    }
}

fn users(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// In `den`, as guest-kim.
fn in_den() -> Conversation {
    let mut conversation = Conversation::new("http://x", room("den"), []);
    assert_eq!(conversation.begin(), [Act::Join(room("den"))]);
    conversation.hear(&connected("guest-kim"));
    conversation.hear(&joined("den", 0, 0, false));
    conversation
}

/// What is shown of an event, each line with its mark.
fn shown(conversation: &mut Conversation, event: &Event) -> String {
    let lines = conversation
        .hear(event)
        .into_iter()
        .map(|shown| match shown {
            Shown::Message(line) => line.text(),
            Shown::Note(line) => format!("-- {line}"),
            Shown::Refusal(line) => format!("!! {line}"),
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn say(name: &str, text: &str) -> Vec<Act> {
    vec![Act::Say {
        room: room(name),
        text: text.into(),
    }]
}

fn refused(acts: &[Act]) -> &str {
    match acts {
        [Act::Show(Shown::Refusal(words))] => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_is_said_and_a_slash_commands() {
    let mut chat = in_den();
    assert_eq!(chat.typed("hello  "), say("den", "hello"));
    assert_eq!(chat.typed("  indented"), say("den", "  indented"));
    assert_eq!(chat.typed("//etc/passwd"), say("den", "/etc/passwd"));
    assert_eq!(chat.typed("/me waves"), say("den", "/me waves"));
    assert_eq!(chat.typed("/nick bob"), [Act::Rename("bob".into())]);
    assert_eq!(chat.typed("/quit now"), [Act::Quit]);
    assert!(chat.typed("").is_empty() && chat.typed("   ").is_empty());
    assert!(chat.typed("/help").len() >= 6);
}

#[test]
fn what_is_no_command_is_never_said() {
    let mut chat = in_den();
    for (line, words) in [
        ("/dance", "no command /dance"),
        ("/", "no command /"),
        ("/nickname x", "no command /nickname"),
        ("/nick", "/nick NAME"),
        ("/join", "/join ROOM"),
        ("/join $x", "reserved"),
        ("/me", "/me WAVES"),
    ] {
        let acts = chat.typed(line);
        assert!(refused(&acts).contains(words), "{line}: {acts:?}");
    }
    assert_eq!(chat.typed("still here"), say("den", "still here"));
}

#[test]
fn lines_go_to_the_room_that_was_gone_into_last() {
    let mut chat = in_den();
    assert_eq!(chat.prompt(), "den> ");
    assert_eq!(chat.typed("/join hall"), [Act::Join(room("hall"))]);
    assert_eq!(chat.typed("a"), say("hall", "a"));
    assert!(matches!(
        &chat.typed("/join den")[..],
        [Act::Show(Shown::Note(_))]
    ));
    assert_eq!(
        (chat.prompt(), chat.typed("b")),
        ("den> ".into(), say("den", "b"))
    );
    assert_eq!(chat.typed("/part"), [Act::Part(room("den"))]);
    assert_eq!(chat.typed("c"), say("hall", "c"));
    assert_eq!(chat.typed("/part hall"), [Act::Part(room("hall"))]);
    assert!(refused(&chat.typed("d")).contains("/join ROOM"));
    assert_eq!(chat.prompt(), "> ");
    assert_eq!(chat.typed("/join den"), [Act::Join(room("den"))]);
}

#[test]
fn a_room_that_refuses_is_not_talked_in() {
    let mut chat = in_den();
    chat.typed("/join hall");
    let refusal = CallError::Refused {
        code: "too_many_rooms".into(),
        message: "the server has as many rooms as it may have".into(),
        retry_after: None,
    };
    let acts = chat.done(Done::Joined(room("hall"), Err(refusal)));
    assert!(refused(&acts).starts_with("not in hall: the server has"));
    assert_eq!(chat.typed("a"), say("den", "a"));
}

#[test]
fn messages_are_lines_and_those_of_other_rooms_say_so() {
    let mut chat = in_den();
    assert_eq!(
        shown(&mut chat, &said("den", 1, "ann", "hi\nyou")),
        "ann: hi ⏎ you"
    );
    assert_eq!(
        shown(&mut chat, &said("den", 2, "ann", "/me waves")),
        "* ann waves"
    );
    assert_eq!(
        shown(&mut chat, &said("hall", 1, "ann", "hi")),
        "[hall] ann: hi"
    );
    let attack = said("den", 3, "ann", "\u{1b}]0;title\u{7}");
    assert_eq!(shown(&mut chat, &attack), "ann: \\u{1b}]0;title\\u{7}");
    let Event::Entry(mut nick) = said("den", 4, "guest-kim", "") else {
        unreachable!("an entry")
    };
    nick.kind = EntryKind::named("$nick");
    nick.payload = r#"{"was":"bob","now":"kim"}"#.into();
    assert_eq!(
        shown(&mut chat, &Event::Entry(nick.clone())),
        "bob is now kim"
    );
    nick.kind = EntryKind::new("app:move").unwrap();
    assert_eq!(shown(&mut chat, &Event::Entry(nick)), "", "for programs");
}

#[test]
fn who_comes_and_goes_is_told_once_and_oneself_never() {
    let mut chat = in_den();
    let presence = |names: &[&str]| Event::Presence {
        room: room("den"),
        count: names.len() as u64,
        users: Some(users(names)),
    };
    let first = presence(&["ann", "guest-kim"]);
    assert_eq!(shown(&mut chat, &first), "-- 2 in den: ann, guest-kim");
    let change = Event::PresenceChange {
        room: room("den"),
        count: 3,
        came: users(&["bob", "cid", "guest-kim"]),
        went: users(&["ann"]),
    };
    assert_eq!(
        shown(&mut chat, &change),
        "-- ann went from den\n-- bob, cid came into den"
    );
    let who = [Act::Show(Shown::Note(
        "3 in den: bob, cid, guest-kim".into(),
    ))];
    assert_eq!(chat.typed("/who"), who);
    // After a time away only the difference is news.
    let again = presence(&["cid", "dan", "guest-kim"]);
    assert_eq!(
        shown(&mut chat, &again),
        "-- bob went from den\n-- dan came into den"
    );
    assert_eq!(shown(&mut chat, &again), "");
    let many = Event::Presence {
        room: room("den"),
        count: 812,
        users: None,
    };
    assert_eq!(shown(&mut chat, &many), "");
    assert_eq!(
        chat.typed("/who"),
        [Act::Show(Shown::Note("812 in den".into()))]
    );
}

#[test]
fn a_time_away_is_told_from_its_beginning_to_its_end() {
    let mut chat = in_den();
    let away = Event::Away {
        why: Away::Lost(Lost::Silent),
        retry_in: Duration::from_millis(1_240),
    };
    let words = "-- the server gave no sign of life; trying again in 1.2 s";
    assert_eq!(shown(&mut chat, &away), words);
    let back = "-- back: connected to http://x as guest-kim";
    assert_eq!(shown(&mut chat, &connected("guest-kim")), back);
    assert_eq!(
        shown(&mut chat, &joined("den", 3, 5, true)),
        "-- den goes on, 2 entries later"
    );
    assert_eq!(shown(&mut chat, &joined("den", 5, 5, true)), "");
}

#[test]
fn it_has_heard_itself_when_every_room_has_given_back_what_was_said() {
    let mut chat = in_den();
    assert!(chat.has_heard_itself());
    chat.done(Done::Said(room("den"), Ok(at(7))));
    assert!(!chat.has_heard_itself());
    chat.hear(&said("den", 6, "ann", "x"));
    assert!(!chat.has_heard_itself());
    chat.hear(&said("den", 7, "guest-kim", "x"));
    assert!(chat.has_heard_itself());
    let lost = chat.done(Done::Said(room("den"), Err(CallError::Unknown)));
    assert!(refused(&lost).starts_with("the answer was lost"));
    let refusal = chat.done(Done::Said(room("den"), Err(CallError::BadPayload)));
    assert!(refused(&refusal).starts_with("not said: "));
}
