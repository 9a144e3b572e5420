//! What people are called, and how that changes.

use crate::support::{Chatter, Server, Setup};

const PASSWORD: &str = "correct horse battery";

#[test]
fn newcomers_are_numbered_from_0_and_a_number_never_comes_back() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    let bob = Chatter::new(&server);
    assert_eq!(
        [&*ann.first, &*bob.first],
        ["AnonymousUser0", "AnonymousUser1"]
    );
    ann.sees_come(&bob.first);
    drop(bob);
    ann.sees_go("AnonymousUser1");
    // With as many here as before (D39).
    assert_eq!(Chatter::new(&server).first, "AnonymousUser2");
    ann.sees_come("AnonymousUser2");
}

#[test]
fn a_new_nickname_is_told_to_everybody_and_the_command_is_not_shown() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    ann.say("/nick ann and more");
    let texts = [&mut ann, &mut bob].map(|it| it.client.next().into_text().unwrap().to_string());
    let expected = format!(
        r#"{{"type":"nick_update","id":"{}","nickname":"ann","message":"Client AnonymousUser0 changed to ann"}}"#,
        ann.id
    );
    assert_eq!(
        texts,
        [expected.clone(), expected],
        "the first word is the name"
    );
    ann.say("hello");
    assert_eq!(bob.heard(), ("ann".to_owned(), "hello".to_owned()));
}

#[test]
fn what_is_sent_behind_the_command_is_said_under_the_new_name() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    for round in 0..20 {
        let name = format!("ann{round}");
        ann.say(&format!("/nick {name}"));
        ann.say("hello");
        assert_eq!(bob.told("nick_update").0, name);
        assert_eq!(bob.heard(), (name, "hello".to_owned()));
    }
}

#[test]
fn d38_the_command_is_a_word_and_blanks_around_the_name_do_not_count() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    for (wish, name) in [
        ("/nick  kim", "kim"),
        ("/nick lee  ", "lee"),
        ("/nick\tmax", "max"),
    ] {
        ann.say(wish);
        assert_eq!(ann.told("nick_update").0, name, "{wish:?}");
    }
    for ignored in ["/nick", "/nick ", "/nick   "] {
        ann.say(ignored);
    }
    ann.say("/nickname x");
    assert_eq!(ann.heard(), ("max".to_owned(), "/nickname x".to_owned()));
}

#[test]
fn d32_a_name_that_breaks_a_rule_is_refused_in_words_and_told_to_nobody_else() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    for bad in [
        "*".to_owned(),
        "guest-ann".into(),
        "GUEST-ann".into(),
        "a\u{7}b".into(),
        "a\u{200b}b".into(),
        "n".repeat(65),
    ] {
        let words = ann.is_refused(&format!("/nick {bad}"));
        assert!(words.contains("nickname"), "{bad}: {words}");
    }
    ann.becomes(&"n".repeat(64));
    assert_eq!(bob.told("nick_update").0, "n".repeat(64));
    // Markup is text like any other.
    ann.becomes("<b>&amp;</b>");
    assert_eq!(bob.told("nick_update").0, "<b>&amp;</b>");
}

#[test]
fn d39_two_people_never_have_one_name_and_who_goes_gives_it_back() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    ann.becomes("Kim");
    let mut bob = Chatter::new(&server);
    for taken in ["Kim", "kim", "KIM", "\u{ff2b}im"] {
        assert!(
            bob.is_refused(&format!("/nick {taken}"))
                .contains("has that name")
        );
    }
    ann.sees_come(&bob.first);
    ann.becomes("KIM");
    assert_eq!(bob.told("nick_update").0, "KIM");
    drop(ann);
    bob.sees_go("KIM");
    bob.becomes("kim");
    // A nickname is nobody's once its holder has another one.
    let mut cid = Chatter::new(&server);
    bob.sees_come(&cid.first);
    bob.becomes("bob");
    assert_eq!(cid.told("nick_update").0, "bob");
    cid.becomes("kim");
}

#[test]
fn nobody_is_called_like_a_user() {
    let server = Setup::default()
        .user("Percy", PASSWORD)
        .user("AnonymousUser0", PASSWORD)
        .start();
    let mut ann = Chatter::new(&server);
    assert_eq!(ann.first, "AnonymousUser1");
    for name in ["Percy", "percy", "PERCY", "anonymoususer0"] {
        assert!(
            ann.is_refused(&format!("/nick {name}"))
                .contains("has that name"),
            "{name}"
        );
    }
}

#[test]
fn who_has_the_name_of_a_new_account_is_called_otherwise_from_then_on() {
    let server = Server::start();
    let mut ann = Chatter::new(&server);
    ann.becomes("Percy");
    let mut bob = Chatter::new(&server);
    ann.sees_come(&bob.first);
    server.add_user("percy", PASSWORD);
    let now = (
        "AnonymousUser2".to_owned(),
        "Client Percy changed to AnonymousUser2".to_owned(),
    );
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.told("nick_update"), now);
    }
    assert!(ann.is_refused("/nick percy").contains("has that name"));
    ann.say("hello");
    assert_eq!(
        bob.heard(),
        ("AnonymousUser2".to_owned(), "hello".to_owned())
    );
}
