//! The end of the server (row 2.37 as E6 decides it), and its count (row 2.35).

use std::time::Instant;

use rustix::process::Signal;

use crate::both_ways;
use crate::wire::{End, House, PATIENCE, Request};
use crate::{ANN, BOB};

/// E6.
#[test]
fn a_stop_is_told_with_1001_and_ends_with_status_0() {
    both_ways(|mut house| {
        let mut sockets = [ANN, BOB].map(|(user, password)| {
            let ticket = house.way.login(user, password).unwrap();
            house.way.enter(&ticket, None).unwrap()
        });
        house.signal(Signal::TERM).unwrap();
        for socket in &mut sockets {
            let end = socket.end().unwrap();
            assert_eq!(
                end,
                End::Closed(Some(1001), "the server is going away".to_owned())
            );
        }
        assert_eq!(house.wait().unwrap().code(), Some(0), "{}", house.log());
    });
}

fn count(house: &House) -> String {
    let answer = house.way.ask(&Request::get("/debug")).unwrap();
    answer.expect(200, "/debug").unwrap().body.trim().to_owned()
}

/// Row 2.35; D34 is tested with the other defects.
#[test]
fn the_number_of_connections_can_be_read_as_text() {
    both_ways(|house| {
        assert_eq!(count(&house), "0");
        let ticket = house.way.login(ANN.0, ANN.1).unwrap();
        let mut socket = house.way.enter(&ticket, None).unwrap();
        assert_eq!(count(&house), "1");
        socket.close().unwrap();
        socket.end().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while count(&house) != "0" {
            assert!(Instant::now() < deadline, "it is still counted");
        }
    });
}
