//! What ordinary clients do does not end the server: D01 to D03, D06, D07.

use std::sync::Barrier;
use std::thread;

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Outcome, Request, Socket, Way, require};

/// D01: texts too short to hold a command.
#[test]
fn d01_a_text_of_any_length_ends_at_most_its_own_connection() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut bystander = way.enter_as_guest("bystander", "den")?;
        for text in ["", "h", "hi", "ok", "abc", "/nic", "/nick"] {
            let mut client = way.enter_as_guest("short", "den")?;
            client.send_text(text)?;
            client.refused()?;
            client.settle()?;
        }
        bystander.say("still here")?;
        bystander.expect_heard("still here")?;
        target.require_alive()
    }
    prove(&Setup::default(), check, &[Fault::ShortTextKills]);
}

/// D02.
#[test]
fn d02_a_failed_handshake_is_answered_and_nobody_else_notices() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut bystander = way.enter_as_guest("bystander", "den")?;
        let path = format!("/ws?otp={}", way.guest("outside")?);
        let good = Request::upgrade(&path);
        for (what, statuses, request) in [
            ("a plain GET", [426, 400], Request::get(&path)),
            ("no Upgrade", [426, 400], good.clone().without("Upgrade")),
            (
                "no key",
                [400, 400],
                good.clone().without("Sec-WebSocket-Key"),
            ),
            (
                "no version",
                [400, 426],
                good.clone().without("Sec-WebSocket-Version"),
            ),
            (
                "a foreign page",
                [403, 403],
                good.clone().header("Origin", "http://evil.example"),
            ),
            ("no ticket", [401, 401], Request::upgrade("/ws")),
        ] {
            let answer = way.ask(&request)?;
            require(statuses.contains(&answer.status), || {
                format!("{what}: {answer:?}")
            })?;
        }
        bystander.say("still here")?;
        bystander.expect_heard("still here")?;
        target.require_alive()
    }
    prove(&Setup::default(), check, &[Fault::FailedHandshakeKills]);
}

/// D03.
#[test]
fn d03_fifty_messages_without_a_pause_remove_nobody() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let enter = |name| way.enter_as_guest(name, "den");
        let mut members = [enter("ann")?, enter("bob")?, enter("cid")?];
        for number in 0..50 {
            members[0].say(&number.to_string())?;
        }
        for member in &mut members {
            for number in 0..50 {
                member.expect_heard(&number.to_string())?;
            }
        }
        Ok(())
    }
    prove(&Setup::default(), check, &[Fault::BurstRemoves]);
}

const AT_ONCE: usize = 8;

/// Does it in so many threads that start together.
fn all_at_once<T: Send>(job: impl Fn(usize) -> Outcome<T> + Sync) -> Outcome<Vec<T>> {
    let start = Barrier::new(AT_ONCE);
    let run = |number| {
        start.wait();
        job(number)
    };
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..AT_ONCE)
            .map(|number| scope.spawn(move || run(number)))
            .collect();
        jobs.into_iter().map(|job| job.join().unwrap()).collect()
    })
}

/// D06: tickets made and used by many at once. What a map without a lock does cannot be seen in
/// the map; that every ticket is new, opens its own connection and ends nothing can.
#[test]
fn d06_tickets_made_by_many_at_once_are_all_different_and_all_good() {
    const EACH: usize = 10;
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let tickets = all_at_once(|number| {
            let mut own = Vec::new();
            for _ in 0..EACH {
                let ticket = way.guest(&format!("many{number}"))?;
                own.push(ticket.clone());
                way.enter(&ticket, Some("den"))?;
            }
            Ok(own)
        })?;
        let mut tickets: Vec<_> = tickets.into_iter().flatten().collect();
        tickets.sort_unstable();
        tickets.dedup();
        require(tickets.len() == AT_ONCE * EACH, || {
            format!("only {} tickets are different", tickets.len())
        })?;
        target.require_alive()
    }
    prove(&Setup::default(), check, &[Fault::UnlockedTickets]);
}

/// D07: the members of a room change while it is spoken in and counted. A race inside cannot be
/// seen; that nobody who stays misses a word, whoever comes and goes, can.
#[test]
fn d07_who_stays_hears_everything_while_others_come_and_go() {
    const ROUNDS: usize = 10;
    fn speak(speaker: &mut Socket, number: usize) -> Outcome<()> {
        for round in 0..ROUNDS {
            speaker.say(&format!("{number} {round}"))?;
            let own = format!("{number} {round}");
            while speaker.heard()?["message"] != own.as_str() {}
        }
        Ok(())
    }
    fn come_and_go(way: &Way, number: usize) -> Outcome<()> {
        for _ in 0..ROUNDS {
            let mut visitor = way.enter_as_guest(&format!("visitor{number}"), "den")?;
            way.ask(&Request::get("/debug"))?.expect(200, "/debug")?;
            visitor.close()?;
        }
        Ok(())
    }
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut listener = way.enter_as_guest("listener", "den")?;
        all_at_once(|number| {
            if number % 2 == 0 {
                return come_and_go(&way, number);
            }
            let mut speaker = way.enter_as_guest(&format!("speaker{number}"), "den")?;
            speak(&mut speaker, number)
        })?;
        let mut next = [0; AT_ONCE];
        for _ in 0..AT_ONCE / 2 * ROUNDS {
            let heard = listener.heard()?;
            let words = heard["message"].as_str().unwrap_or_default();
            let (number, round) = words.split_once(' ').ok_or("strange words")?;
            let expected = &mut next[number.parse::<usize>().unwrap()];
            require(round == expected.to_string(), || {
                format!("{number} said {expected} next, not {round}")
            })?;
            *expected += 1;
        }
        target.require_alive()
    }
    prove(&Setup::default(), check, &[Fault::UnlockedMembers]);
}
