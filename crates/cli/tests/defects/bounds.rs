//! How large a message may be, and how many of everything there may be: D42, D48.

use serde_json::json;

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Bare, Outcome, Request, Way, require};

/// A `send_message` of exactly so many bytes, its envelope included.
fn event_of(bytes: usize) -> Vec<u8> {
    let (head, tail) = (r#"{"type":"send_message","payload":{"message":""#, r#""}}"#);
    let text = "x".repeat(bytes - head.len() - tail.len());
    format!("{head}{text}{tail}").into_bytes()
}

fn bare(way: &Way) -> Outcome<Bare> {
    way.open_bare(&format!("/ws?otp={}", way.guest("ann")?))
}

/// D42: that the page stops its user before the limit is tested in `web/tests/unsent.test.js`.
#[test]
fn d42_the_largest_message_is_a_setting_and_told_to_who_comes_in() {
    const BYTES: usize = 2_000;
    const SETUP: Setup = Setup {
        flags: &["--max-message-bytes", "2000"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let wish = Request::post("/ticket", r#"{"name":"ann"}"#);
        let told = way.ask(&wish)?.expect(200, "a ticket")?.json()?;
        require(told["max_message_bytes"] == BYTES, || {
            format!("the limit is not told: {told}")
        })?;
        let mut fits = bare(&way)?;
        fits.send(0x81, &event_of(BYTES))?;
        let heard = fits.next()?;
        require(heard.payload.len() > BYTES, || {
            format!("{BYTES} bytes are not passed on: {heard:?}")
        })?;
        let mut larger = bare(&way)?;
        // The rest of it need not be taken any more.
        let _ = larger.send(0x81, &event_of(BYTES + 1));
        let code = larger.close_code()?;
        require(code == 1009, || format!("1009 is due, not {code}"))
    }
    let faults = [Fault::FixedMessageLimit, Fault::LimitIsNotTold];
    prove(&SETUP, check, &faults);
}

/// D48.
#[test]
fn d48_there_are_so_many_connections_and_who_is_one_too_many_is_told_so() {
    const SETUP: Setup = Setup {
        flags: &["--max-connections", "2"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut ann = way.enter_as_guest("ann", "den")?;
        let bob = way.enter_as_guest("bob", "den")?;
        let knock = || way.ask(&Request::upgrade(&format!("/ws?otp={}", way.guest("cid")?)));
        knock()?.expect(503, "one too many")?;
        ann.say("still here")?;
        ann.expect_heard("still here")?;
        drop(bob);
        crate::slow::wait_for_count(&way, 1)?;
        knock()?.expect(101, "one who has room again").map(drop)
    }
    prove(&SETUP, check, &[Fault::EndlessConnections]);
}

/// D48.
#[test]
fn d48_there_are_so_many_tickets_that_nobody_has_used() {
    const SETUP: Setup = Setup {
        flags: &["--max-tickets", "8", "--ticket-ttl", "60s"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let wish = || way.ask(&Request::post("/ticket", r#"{"name":"ann"}"#));
        let first = wish()?.expect(200, "a ticket")?.field("otp")?;
        for _ in 0..8 {
            if wish()?.status == 200 {
                continue;
            }
            wish()?.expect_error(429, "too_many_tickets", "one too many")?;
            way.enter(&first, None)?;
            return wish()?.expect(200, "one after a use").map(drop);
        }
        Err("there is no end of tickets".to_owned())
    }
    prove(&SETUP, check, &[Fault::EndlessTickets]);
}

/// D48.
#[test]
fn d48_there_are_so_many_rooms_and_who_asks_for_one_more_is_told_so() {
    const SETUP: Setup = Setup {
        flags: &["--max-rooms", "2"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut ann = way.enter_as_guest("ann", "den")?;
        let mut guests = Vec::new();
        // Each core has a share of the rooms, so a name or two may still find a place.
        for number in 0..20 {
            let mut guest = way.enter_as_guest("guest", "den")?;
            let room = json!({ "name": format!("room {number}") });
            guest.event("change_room", &room)?;
            // Nothing answers a change of rooms that is done, so something else is asked behind it; what
            // is decided elsewhere may be answered after that, so it is asked twice.
            for _ in 0..2 {
                guest.event("no such event", &json!({}))?;
                if guest.refused()? == "too_many_rooms" {
                    ann.say("still here")?;
                    return ann.expect_heard("still here").map(drop);
                }
            }
            guests.push(guest);
        }
        Err("there is no end of rooms".to_owned())
    }
    prove(&SETUP, check, &[Fault::EndlessRooms]);
}
