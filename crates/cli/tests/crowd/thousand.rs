//! A thousand members of one room, all speaking.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::support::{Client, PATIENCE, Server};

const MEMBERS: usize = 1_000;
/// What each member says, each time when everybody has heard everything: what is under way fits the
/// room's log, so nobody may miss anything, however slow this machine makes him.
const ROUNDS: usize = 3;

struct Crowd {
    server: Server,
    all: Gate,
    /// Members that are known to be in the room.
    present: AtomicUsize,
}

#[test]
fn a_thousand_members_who_all_speak_hear_everything_in_one_order() {
    let crowd = Arc::new(Crowd {
        server: Server::start(),
        all: Gate::default(),
        present: AtomicUsize::new(0),
    });
    let members: Vec<_> = (0..MEMBERS)
        .map(|number| {
            let crowd = Arc::clone(&crowd);
            let member = thread::Builder::new().stack_size(256 * 1024);
            member
                .spawn(move || speak_and_listen(&crowd, number))
                .unwrap()
        })
        .collect();
    let mut heard = members.into_iter().map(|member| member.join().unwrap());
    let order = heard.next().unwrap();
    assert_everything_once_and_by_speaker(&order);
    for (number, other) in heard.enumerate() {
        assert!(other == order, "member {} heard another order", number + 1);
    }
}

/// Opens when so many have come to it in all. Unlike a `Barrier` it gives up when one never comes.
#[derive(Default)]
struct Gate {
    came: Mutex<usize>,
    one_more: Condvar,
}

impl Gate {
    fn wait_for(&self, all: usize) {
        let mut came = self.came.lock().unwrap();
        *came += 1;
        self.one_more.notify_all();
        let short = |came: &mut usize| *came < all;
        let (came, waited) = self
            .one_more
            .wait_timeout_while(came, PATIENCE, short)
            .unwrap();
        assert!(!waited.timed_out(), "only {came} of {all} came");
    }
}

/// Joins, speaks at the same time as everybody, and hears everybody.
fn speak_and_listen(crowd: &Crowd, number: usize) -> Vec<(usize, usize)> {
    let (otp, _) = crowd.server.ticket(&format!("m{number}"));
    let path = format!("/ws?otp={otp}&room=crowd");
    let mut client = Client::open(&crowd.server, &path, &[]).unwrap();
    if number == 0 {
        call_until_all_are_present(&mut client, crowd);
    } else {
        client.told();
        crowd.present.fetch_add(1, SeqCst);
    }
    let mut heard = Vec::new();
    for round in 0..ROUNDS {
        crowd.all.wait_for(MEMBERS * (round + 1));
        client.say(&format!("{number} {round}"));
        while heard.len() < MEMBERS * (round + 1) {
            heard.extend(spoken(&mut client));
        }
    }
    heard
}

/// A client is answered before it is in its room, so the first one calls until all have heard it.
fn call_until_all_are_present(client: &mut Client, crowd: &Crowd) {
    while crowd.present.load(SeqCst) < MEMBERS - 1 {
        client.say("call");
        client.told();
    }
}

/// Who spoke in which round; `None` for a late call.
fn spoken(client: &mut Client) -> Option<(usize, usize)> {
    let told = client.told();
    let (speaker, round) = told["message"].as_str().unwrap().split_once(' ')?;
    assert_eq!(told["from"], format!("guest-m{speaker}"));
    Some((speaker.parse().unwrap(), round.parse().unwrap()))
}

fn assert_everything_once_and_by_speaker(order: &[(usize, usize)]) {
    let mut next = vec![0; MEMBERS];
    for (speaker, round) in order {
        assert_eq!(
            next[*speaker], *round,
            "member {speaker} was heard out of its own order"
        );
        next[*speaker] += 1;
    }
    assert!(next.iter().all(|rounds| *rounds == ROUNDS));
}
