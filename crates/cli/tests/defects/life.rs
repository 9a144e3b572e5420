//! Signs of life: D43, D44.

use std::time::Duration;

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Outcome, PATIENCE, require};

/// Several times the two seconds after which silence is an end.
const LONG_SILENCE: Duration = Duration::from_secs(10);

const SETUP: Setup = Setup {
    flags: &["--ping-interval", "1s", "--pong-timeout", "1s"],
    users: &[],
};

/// D43: each ping is the end of another second in which the client sent no pong.
#[test]
fn d43_whatever_a_client_sends_is_a_sign_of_life() {
    const EVENT: &[u8] = br#"{"type":"send_message","payload":{"message":"busy"}}"#;
    fn check(target: &mut Target) -> Outcome<()> {
        let mut way = target.way();
        // The seconds are part of the check, also against a double with a fault.
        way.patience = PATIENCE;
        let mut busy = way.open_bare(&format!("/ws?otp={}", way.guest("busy")?))?;
        for _ in 0..4 {
            loop {
                let frame = busy.next()?;
                if frame.is_ping() {
                    break;
                }
                require(frame.close_code().is_none(), || {
                    format!("who is busy is closed: {frame:?}")
                })?;
            }
            busy.send(0x81, EVENT)?;
        }
        let frame = busy.next_but_pings()?;
        require(frame.first == 0x81, || format!("it is closed: {frame:?}"))
    }
    prove(&SETUP, check, &[Fault::OnlyPongsAreLife]);
}

/// D44: also where a client only listens, and where it needs no ticket.
#[test]
fn d44_who_is_gone_without_a_word_is_noticed_at_every_door() {
    fn check(target: &mut Target) -> Outcome<()> {
        let mut way = target.way();
        // As above.
        way.patience = LONG_SILENCE;
        let ticket = format!("/ws?otp={}", way.guest("silent")?);
        let doors = [ticket.as_str(), "/echo", "/plain", "/subscribe"];
        let silent = doors.map(|door| way.open_bare(door).map(|line| (door, line)));
        for opened in silent {
            let (door, mut line) = opened?;
            let code = line
                .close_code()
                .map_err(|error| format!("{door}: {error}"))?;
            require(code == 1008, || format!("{door}: 1008 is due, not {code}"))?;
        }
        Ok(())
    }
    prove(&SETUP, check, &[Fault::FreeDoorsNeverPing]);
}
