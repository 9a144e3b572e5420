//! A thousand members of one room, all speaking.

use std::sync::{Arc, Barrier};
use std::thread;

use super::support::Server;

const MEMBERS: usize = 1_000;
/// What each member says, one after the other.
const SAID: usize = 2;

#[test]
fn a_thousand_members_who_all_speak_hear_everything_in_one_order() {
    let server = Arc::new(Server::start());
    let ready = Arc::new(Barrier::new(MEMBERS));
    let members: Vec<_> = (0..MEMBERS)
        .map(|number| {
            let (server, ready) = (Arc::clone(&server), Arc::clone(&ready));
            thread::Builder::new()
                .stack_size(256 * 1024)
                .spawn(move || speak_and_listen(&server, &ready, number))
                .unwrap()
        })
        .collect();
    let mut heard = members.into_iter().map(|member| member.join().unwrap());
    let order = heard.next().unwrap();
    assert_everything_once_and_by_sender(&order);
    for (number, other) in heard.enumerate() {
        assert!(other == order, "member {} heard another order", number + 1);
    }
}

/// Joins, says its words at the same time as everybody, and hears those of all.
fn speak_and_listen(server: &Server, ready: &Barrier, number: usize) -> Vec<(usize, usize)> {
    let mut client = server.join(&format!("m{number}"), "crowd");
    ready.wait();
    for word in 0..SAID {
        client.say(&format!("{number} {word}"));
    }
    let heard = (0..MEMBERS * SAID).map(|_| {
        let told = client.told();
        let text = told["message"].as_str().unwrap();
        let (speaker, word) = text.split_once(' ').unwrap();
        assert_eq!(told["from"], format!("guest-m{speaker}"));
        (speaker.parse().unwrap(), word.parse().unwrap())
    });
    heard.collect()
}

fn assert_everything_once_and_by_sender(order: &[(usize, usize)]) {
    let mut next = vec![0; MEMBERS];
    for (speaker, word) in order {
        assert_eq!(
            next[*speaker], *word,
            "the words of {speaker} are not in its order"
        );
        next[*speaker] += 1;
    }
    assert!(next.iter().all(|words| *words == SAID));
}
