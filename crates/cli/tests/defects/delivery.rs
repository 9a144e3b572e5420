//! Who hears what from whom, and how a connection ends: D20, D22, D24, D25.

use serde_json::json;

use crate::double::Fault;
use crate::slow::wait_for_count;
use crate::target::{ANN, Setup, Target, prove};
use crate::wire::{End, Outcome, require};

/// D20.
#[test]
fn d20_who_names_no_room_is_in_the_room_general() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut unnamed = way.enter(&way.guest("ann")?, None)?;
        let mut by_name = way.enter_as_guest("bob", "den")?;
        by_name.event("change_room", &json!({ "name": "general" }))?;
        by_name.settle()?;
        by_name.say("to general")?;
        unnamed.expect_heard("to general")?;
        let mut newcomer = way.enter(&way.guest("cid")?, None)?;
        newcomer.say("from a newcomer")?;
        by_name.expect_heard("to general")?;
        by_name.expect_heard("from a newcomer").map(drop)
    }
    prove(&Setup::default(), check, &[Fault::FirstRoomIsEmpty]);
}

/// D22.
#[test]
fn d22_from_is_the_user_of_the_ticket_and_not_what_the_client_claims() {
    const SETUP: Setup = Setup {
        flags: &[],
        users: &[ANN],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut ann = way.enter(&way.login(ANN.0, ANN.1)?, Some("den"))?;
        let mut guest = way.enter_as_guest("cid", "den")?;
        ann.settle()?;
        for (speaker, name) in [(&mut ann, ANN.0), (&mut guest, "guest-cid")] {
            let payload = json!({ "message": name, "from": "operator" });
            speaker.event("send_message", &payload)?;
            loop {
                let heard = speaker.heard()?;
                require(heard["from"] == heard["message"], || {
                    format!("{} said it, not {}", heard["message"], heard["from"])
                })?;
                if heard["message"] == name {
                    break;
                }
            }
        }
        Ok(())
    }
    prove(&SETUP, check, &[Fault::FromIsClaimed]);
}

/// D24: that nothing lives on inside cannot be seen; that it is counted no longer and its socket is
/// let go long before the next ping can.
#[test]
fn d24_who_is_gone_is_let_go_at_once_and_not_at_the_next_ping() {
    const SETUP: Setup = Setup {
        flags: &["--ping-interval", "120s"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut stays = way.enter_as_guest("stays", "den")?;
        let ticket = way.guest("gone")?;
        let gone = way.open_bare(&format!("/ws?otp={ticket}"))?;
        wait_for_count(&way, 2)?;
        drop(gone);
        wait_for_count(&way, 1)?;

        let ticket = way.guest("half")?;
        let mut half = way.open_bare(&format!("/ws?otp={ticket}"))?;
        let ended = half.line().tcp().shutdown(std::net::Shutdown::Write);
        ended.map_err(|error| error.to_string())?;
        half.drain()?;
        wait_for_count(&way, 1)?;
        stays.say("still here")?;
        stays.expect_heard("still here").map(drop)
    }
    prove(&SETUP, check, &[Fault::GoneIsKeptUntilPing]);
}

fn require_close(end: &End, due: u16) -> Outcome<()> {
    let has_reason = matches!(end, End::Closed(_, reason) if !reason.is_empty());
    require(end.code() == Some(due) && has_reason, || {
        format!("a close with {due} and a reason is due, not {end:?}")
    })
}

/// D25: a rule, and not the network.
#[test]
fn d25_bad_frames_are_told_and_end_with_a_close_frame() {
    fn check(target: &mut Target) -> Outcome<()> {
        let mut client = target.way().enter_as_guest("ann", "den")?;
        for _ in 0..9 {
            client.send_text("no json")?;
            client.refused()?;
        }
        client.send_text("no json")?;
        require_close(&client.end()?, 1008)
    }
    prove(&Setup::default(), check, &[Fault::CutsAfterBadFrames]);
}

/// D25.
#[test]
fn d25_a_missed_pong_ends_with_a_close_frame() {
    const SETUP: Setup = Setup {
        flags: &["--ping-interval", "1s", "--pong-timeout", "1s"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let mut way = target.way();
        // The silence is part of the check, also against a double with a fault.
        way.patience = crate::wire::PATIENCE;
        let ticket = way.guest("silent")?;
        let mut silent = way.open_bare(&format!("/ws?otp={ticket}"))?;
        let code = silent.close_code()?;
        require(code == 1008, || format!("1008 is due, not {code}"))
    }
    prove(&SETUP, check, &[Fault::CutsSilent]);
}

/// D25.
#[test]
fn d25_a_stop_ends_every_connection_with_a_close_frame() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut clients = [
            way.enter_as_guest("ann", "den")?,
            way.enter_as_guest("bob", "elsewhere")?,
            way.open("/plain", &[])?,
            way.open("/subscribe", &[])?,
            way.open("/echo", &[])?,
        ];
        target.begin_stop()?;
        for client in &mut clients {
            require_close(&client.end()?, 1001)?;
        }
        Ok(())
    }
    prove(&Setup::default(), check, &[Fault::CutsAtStop]);
}
