//! Tickets and the handshake: rows 2.07 to 2.13.

use std::time::{Duration, Instant};

use crate::wire::{Opened, Request};
use crate::{ANN, both_ways};

fn at(ticket: &str) -> String {
    format!("/ws?otp={ticket}")
}

/// Rows 2.07, 2.09; D28 for the second way.
#[test]
fn a_ticket_opens_one_connection_by_the_address_or_by_a_subprotocol() {
    both_ways(|house| {
        let ticket = house.way.login(ANN.0, ANN.1).unwrap();
        house.way.enter(&ticket, None).unwrap();
        let again = house.way.ask(&Request::upgrade(&at(&ticket))).unwrap();
        again.expect(401, "a used ticket").unwrap();

        let ticket = house.way.login(ANN.0, ANN.1).unwrap();
        let offer = format!("parlour.events, ticket.{ticket}");
        let headers = [("sec-websocket-protocol", offer.as_str())];
        let mut socket = house.way.open("/ws", &headers).unwrap();
        assert_eq!(socket.protocol.as_deref(), Some("parlour.events"));
        socket.settle().unwrap();
        let again = house.way.knock("/ws", &headers).unwrap();
        assert!(matches!(again, Opened::Refused(answer) if answer.status == 401));
    });
}

/// Row 2.08.
#[test]
fn without_a_good_ticket_there_is_no_upgrade() {
    both_ways(|house| {
        for path in [
            "/ws",
            "/ws?otp=",
            "/ws?otp=7b5c0c6e-6b0c-4e0c-8c39-8f3a4f3f0a11",
        ] {
            let answer = house.way.ask(&Request::upgrade(path)).unwrap();
            answer.expect(401, path).unwrap();
        }
    });
}

/// Row 2.10 as D21 mends it: five seconds, and no sweep to wait for.
#[test]
fn a_ticket_lives_its_five_seconds_and_no_longer() {
    const LIFE: Duration = Duration::from_secs(5);
    both_ways(|house| {
        let asked = Instant::now();
        let used = house.way.login(ANN.0, ANN.1).unwrap();
        let kept = house.way.login(ANN.0, ANN.1).unwrap();
        let given = Instant::now();
        let early = house.way.ask(&Request::upgrade(&at(&used))).unwrap();
        // On a machine so slow that its life is over, nothing is shown.
        assert!(early.status == 101 || asked.elapsed() >= LIFE, "{early:?}");

        // The passing of its time is what is tested.
        std::thread::sleep((given + LIFE).saturating_duration_since(Instant::now()));
        let late = house.way.ask(&Request::upgrade(&at(&kept))).unwrap();
        late.expect(401, "an old ticket").unwrap();
    });
}

/// Row 2.11 as E3 decides it: pages of this very address, and programs, which send none.
#[test]
fn a_foreign_page_is_forbidden_and_told_the_version() {
    both_ways(|house| {
        let ticket = house.way.login(ANN.0, ANN.1).unwrap();
        let own = house.way.origin();
        let swapped = if house.way.is_tls() { "http" } else { "https" };
        let (_, rest) = own.split_once("://").unwrap();
        for origin in [
            "https://localhost:1",
            "null",
            "http://evil.example",
            &format!("{swapped}://{rest}"),
            &format!("{own}0"),
        ] {
            let request = Request::upgrade(&at(&ticket)).header("Origin", origin);
            let answer = house
                .way
                .ask(&request)
                .unwrap()
                .expect(403, origin)
                .unwrap();
            assert!(answer.body.starts_with("Forbidden\n"), "{answer:?}");
            assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        }
        // D23: all that has left the ticket good.
        let request = Request::upgrade(&at(&ticket)).header("Origin", &own);
        house.way.ask(&request).unwrap().expect(101, &own).unwrap();
    });
}

/// Row 2.12.
#[test]
fn a_bad_ticket_counts_before_a_bad_origin() {
    both_ways(|house| {
        let request = Request::upgrade("/ws?otp=x").header("Origin", "http://evil.example");
        house
            .way
            .ask(&request)
            .unwrap()
            .expect(401, "both")
            .unwrap();
    });
}

/// Row 2.13 with the status of design.md, section 9; D23: the ticket stays good.
#[test]
fn a_plain_get_is_told_to_upgrade_and_uses_up_nothing() {
    both_ways(|house| {
        let ticket = house.way.login(ANN.0, ANN.1).unwrap();
        let answer = house.way.ask(&Request::get(&at(&ticket))).unwrap();
        answer.expect(426, "a plain GET").unwrap();
        house.way.enter(&ticket, None).unwrap();
    });
}
