//! Tickets: D21, D23, D28.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Opened, Outcome, Request, require};

fn at(ticket: &str) -> String {
    format!("/ws?otp={ticket}")
}

/// D21.
#[test]
fn d21_a_ticket_is_refused_as_soon_as_its_time_is_over() {
    const LIFE: Duration = Duration::from_secs(1);
    const SETUP: Setup = Setup {
        flags: &["--ticket-ttl", "1s"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let asked = Instant::now();
        let ticket = way.guest("early")?;
        let answer = way.ask(&Request::upgrade(&at(&ticket)))?;
        // On a machine so slow that its life is over, nothing is shown.
        require(answer.status == 101 || asked.elapsed() >= LIFE, || {
            format!("a ticket within its time: {answer:?}")
        })?;
        let ticket = way.guest("late")?;
        // The passing of its time is what is tested.
        thread::sleep(LIFE);
        let answer = way.ask(&Request::upgrade(&at(&ticket)))?;
        answer.expect(401, "a ticket after its time").map(drop)
    }
    prove(&SETUP, check, &[Fault::OldTicketsWork]);
}

/// D23.
#[test]
fn d23_a_ticket_is_spent_only_after_every_other_check() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let ticket = way.guest("ann")?;
        let good = Request::upgrade(&at(&ticket));
        for (status, request) in [
            (403, good.clone().header("Origin", "http://evil.example")),
            (426, Request::get(&at(&ticket))),
            (400, good.clone().without("Sec-WebSocket-Key")),
            (
                400,
                good.clone()
                    .without("Sec-WebSocket-Version")
                    .header("Sec-WebSocket-Version", "8"),
            ),
        ] {
            way.ask(&request)?.expect(status, "a bad request")?;
        }
        way.ask(&good)?
            .expect(101, "a good one after them")
            .map(drop)
    }
    prove(&Setup::default(), check, &[Fault::TicketSpentFirst]);
}

/// D23.
#[test]
fn d23_of_two_racing_uses_of_a_ticket_exactly_one_wins() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        for _ in 0..20 {
            let request = Request::upgrade(&at(&way.guest("ann")?));
            let start = Barrier::new(2);
            let race = || {
                start.wait();
                way.ask(&request).map(|answer| answer.status)
            };
            let mut statuses = thread::scope(|scope| {
                let racers = [scope.spawn(race), scope.spawn(race)];
                let ends = racers.map(|racer| racer.join().unwrap());
                ends.into_iter().collect::<Outcome<Vec<_>>>()
            })?;
            statuses.sort_unstable();
            require(statuses == [101, 401], || format!("{statuses:?}"))?;
        }
        Ok(())
    }
    prove(&Setup::default(), check, &[Fault::TicketRaceLetsBothIn]);
}

/// D28.
#[test]
fn d28_a_ticket_is_not_logged_and_may_come_as_a_subprotocol() {
    const SETUP: Setup = Setup {
        flags: &["--log", "trace"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let by_address = way.guest("ann")?;
        way.enter(&by_address, None)?;
        way.ask(&Request::upgrade(&at(&by_address)))?
            .expect(401, "a used ticket")?;
        let by_protocol = way.guest("bob")?;
        let offer = format!("parlour.events, ticket.{by_protocol}");
        let opened = way.knock("/ws", &[("sec-websocket-protocol", &offer)])?;
        let Opened::Socket(mut socket) = opened else {
            return Err("a ticket as subprotocol is refused".to_owned());
        };
        let chosen = socket.protocol.clone();
        require(chosen.as_deref() == Some("parlour.events"), || {
            format!("parlour.events is to be chosen, not {chosen:?}")
        })?;
        socket.settle()?;
        let log = target.log();
        require(!log.is_empty(), || "nothing is logged at all".to_owned())?;
        for secret in [&by_address, &by_protocol] {
            require(!log.contains(secret.as_str()), || {
                format!("a ticket is in the log:\n{log}")
            })?;
        }
        Ok(())
    }
    let faults = [Fault::LogsAddresses, Fault::TicketByAddressOnly];
    prove(&SETUP, check, &faults);
}
