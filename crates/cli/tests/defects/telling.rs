//! What the server tells: its clients of their mistakes, its operator of itself, and the log of
//! nothing that happens with every message. D45, D47, D49.

use serde_json::json;

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Outcome, Request, require};

/// D45.
#[test]
fn d45_what_is_wrong_with_a_frame_is_told_to_who_sent_it() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut ann = way.enter_as_guest("ann", "den")?;
        let mut bob = way.enter_as_guest("bob", "den")?;
        ann.settle()?;
        for (frame, due) in [
            ("no json", "bad_json"),
            (r#"{"type":"delete_room","payload":{}}"#, "unknown_type"),
        ] {
            ann.send_text(frame)?;
            let code = ann.refused()?;
            require(code == due, || format!("{due} is due, not {code}"))?;
        }
        ann.say("still here")?;
        ann.expect_heard("still here")?;
        bob.expect_heard("still here").map(drop)
    }
    prove(&Setup::default(), check, &[Fault::ErrorsAreOnlyLogged]);
}

/// D47. Files, flags, variables and the end in order are tested in `settings` and with D18.
#[test]
fn d47_the_operator_can_ask_whether_it_serves_and_what_it_counts() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let _ann = way.enter_as_guest("ann", "den")?;
        way.ask(&Request::get("/healthz"))?.expect(200, "health")?;
        let counts = way.ask(&Request::get("/debug?format=json"))?;
        let counts = counts.expect(200, "the counters")?.json()?;
        require(counts.is_object(), || format!("no counters: {counts}"))
    }
    prove(&Setup::default(), check, &[Fault::SaysNothingOfItself]);
}

/// D49: messages, pings, errors, coming and going, at the level that holds when nobody sets one. A
/// write that fails is the end of its connection: D09, D24.
#[test]
fn d49_no_line_is_logged_for_what_clients_do_all_the_time() {
    const SETUP: Setup = Setup {
        flags: &["--messages-per-second", "0"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut ann = way.enter_as_guest("ann", "den")?;
        ann.settle()?;
        let before = target.log();
        for number in 0..100 {
            ann.event(
                "send_message",
                &json!({ "message": format!("word{number}") }),
            )?;
            ann.heard()?;
            ann.send(tungstenite::Message::Ping("mine".into()))?;
            ann.next()?;
        }
        for _ in 0..5 {
            ann.send_text("no json")?;
            ann.refused()?;
        }
        // Coming and going are no news either, in order or not.
        let mut visitor = way.enter_as_guest("visitor", "elsewhere")?;
        visitor.close()?;
        visitor.end()?;
        drop(way.open_bare("/plain")?);
        crate::slow::wait_for_count(&way, 1)?;
        let log = target.log();
        require(log.starts_with(&before), || "the log shrinks".to_owned())?;
        let new = &log[before.len()..];
        require(new.is_empty(), || {
            format!("{} lines are new:\n{new}", new.lines().count())
        })
    }
    let faults = [Fault::LogsMessages, Fault::LogsConnections];
    prove(&SETUP, check, &faults);
}
