//! One who does not read, or is gone, holds up nobody: D04, D08 to D11, D16.

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Bare, Outcome, Request, Socket, Way, require};

/// Text of one message.
const MESSAGE_BYTES: usize = 60_000;
/// More than the buffers of a socket hold on both sides.
const MESSAGES: usize = (12 << 20) / MESSAGE_BYTES;

/// A member that reads nothing from now on.
fn stuck(way: &Way) -> Outcome<Bare> {
    const EVENT: &[u8] = br#"{"type":"send_message","payload":{"message":"here"}}"#;
    let ticket = way.guest("stuck")?;
    let mut stuck = way.open_bare(&format!("/ws?otp={ticket}&room=den"))?;
    stuck.send(0x81, EVENT)?;
    stuck.next()?;
    Ok(stuck)
}

/// Says much, each message when the last one has been heard.
fn say_much(speaker: &mut Socket) -> Outcome<()> {
    let padding = "x".repeat(MESSAGE_BYTES - 8);
    for number in 0..MESSAGES {
        let text = format!("{number:08}{padding}");
        speaker.say(&text)?;
        let heard = speaker.heard()?;
        require(heard["message"] == text.as_str(), || {
            format!("message {number} is not what was said")
        })?;
    }
    Ok(())
}

/// The number of connections, as `/debug` tells it.
pub(crate) fn count(way: &Way) -> Outcome<usize> {
    let answer = way.ask(&Request::get("/debug"))?.expect(200, "/debug")?;
    let number = answer.body.trim().parse();
    number.map_err(|_| format!("no number: {answer:?}"))
}

/// Waits until so many connections are counted.
pub(crate) fn wait_for_count(way: &Way, due: usize) -> Outcome<()> {
    let deadline = std::time::Instant::now() + way.patience;
    loop {
        let counted = count(way)?;
        if counted == due {
            return Ok(());
        }
        require(std::time::Instant::now() < deadline, || {
            format!("{counted} connections are counted, {due} are there")
        })?;
    }
}

/// D04.
#[test]
fn d04_one_who_was_too_slow_may_go_without_ending_the_server() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let stuck = stuck(&way)?;
        let mut speaker = way.enter_as_guest("speaker", "den")?;
        say_much(&mut speaker)?;
        drop(stuck);
        wait_for_count(&way, 1)?;
        speaker.say("still here")?;
        speaker.expect_heard("still here")?;
        target.require_alive()
    }
    prove(&Setup::default(), check, &[Fault::SlowMemberKills]);
}

/// D08.
#[test]
fn d08_one_who_stops_reading_does_not_stop_its_room() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let _stuck = stuck(&way)?;
        let mut listener = way.enter_as_guest("listener", "den")?;
        let mut speaker = way.enter_as_guest("speaker", "den")?;
        say_much(&mut speaker)?;
        // And its pings are answered.
        speaker.send(tungstenite::Message::Ping("mine".into()))?;
        let pong = speaker.next()?;
        require(pong == tungstenite::Message::Pong("mine".into()), || {
            format!("a pong is due, not {pong}")
        })?;
        let heard = listener.heard()?;
        require(
            heard["message"]
                .as_str()
                .is_some_and(|it| it.starts_with("00000000")),
            || "the listener has missed the first message".to_owned(),
        )
    }
    prove(&Setup::default(), check, &[Fault::SlowMemberStallsRoom]);
}

/// D09.
#[test]
fn d09_who_is_suddenly_gone_holds_up_no_sender() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut speaker = way.enter_as_guest("speaker", "den")?;
        for round in 0..5 {
            let gone = stuck(&way)?;
            // What has come for it and was not read makes the end of it a reset.
            speaker.say("for who goes")?;
            drop(gone);
            for number in 0..20 {
                let words = format!("{round} {number}");
                speaker.say(&words)?;
                while speaker.heard()?["message"] != words.as_str() {}
            }
        }
        wait_for_count(&way, 1)
    }
    prove(&Setup::default(), check, &[Fault::GoneMemberStallsSender]);
}

/// D10.
#[test]
fn d10_while_one_is_stuck_others_come_go_are_counted_and_told() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let _stuck = stuck(&way)?;
        let mut speaker = way.enter_as_guest("speaker", "den")?;
        let said = say_much(&mut speaker);
        // Whatever became of that: the rest of the server answers.
        let mut newcomer = way.enter_as_guest("newcomer", "elsewhere")?;
        require(count(&way)? >= 2, || "not everybody is counted".to_owned())?;
        newcomer.close()?;
        newcomer.end()?;
        said
    }
    prove(&Setup::default(), check, &[Fault::SlowMemberStallsServer]);
}

/// D11.
#[test]
fn d11_one_who_takes_nothing_for_long_is_let_go() {
    const SETUP: Setup = Setup {
        flags: &["--slow-reader-timeout", "1s"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut stuck = stuck(&way)?;
        let mut speaker = way.enter_as_guest("speaker", "den")?;
        say_much(&mut speaker)?;
        wait_for_count(&way, 1)?;
        // What had been sent before it was stuck is there, and then the end.
        stuck.drain()
    }
    prove(&SETUP, check, &[Fault::NoWriteDeadline]);
}

/// D16, E5: at the doors that have no words for a gap. At the others it is told of (`crates/hub`).
#[test]
fn d16_one_who_was_too_slow_is_closed_1008_with_the_reason() {
    const SETUP: Setup = Setup {
        // Nothing of it is about a disk.
        flags: &["--room-log-entries", "20", "--rooms", "*=volatile"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let doors = ["/plain", "/subscribe"];
        let mut stuck = Vec::new();
        for door in doors {
            stuck.push((door, way.open_bare(door)?));
        }
        let mut speaker = way.enter_as_guest("speaker", "general")?;
        say_much(&mut speaker)?;
        for (door, mut client) in stuck {
            let close = loop {
                let frame = client.next().map_err(|error| format!("{door}: {error}"))?;
                if frame.close_code().is_some() {
                    break frame;
                }
            };
            let has_reason = close.payload.len() > 2;
            require(close.close_code() == Some(1008) && has_reason, || {
                format!("{door}: 1008 and a reason are due, not {close:?}")
            })?;
        }
        Ok(())
    }
    prove(&SETUP, check, &[Fault::SlowIsToldNothing]);
}
