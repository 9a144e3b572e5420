//! Sixteen publish 128 messages each, all at once, and everybody sees every one: U.05.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::wire::{House, Outcome, Request, Socket, require};

const PUBLISHERS: usize = 16;
const MESSAGES: usize = 128;

/// The room for all of it is the default; the pace is not what is tested.
fn house() -> House {
    House::open(&["--messages-per-second", "0"], &[]).unwrap()
}

fn text(publisher: usize, number: usize) -> String {
    format!("{publisher} {number}")
}

/// Reads until all have come, each once and those of one publisher in order; the order of all.
fn take_all(socket: &mut Socket, text_of: fn(&Value) -> &Value) -> Outcome<Vec<String>> {
    let mut order = Vec::new();
    let mut next = [0; PUBLISHERS];
    while order.len() < PUBLISHERS * MESSAGES {
        let event = socket.next_event()?;
        let words = text_of(&event).as_str().unwrap_or_default().to_owned();
        if words.starts_with("settled ") {
            continue;
        }
        let (publisher, number) = words
            .split_once(' ')
            .ok_or_else(|| format!("strange: {event}"))?;
        let publisher: usize = publisher.parse().map_err(|_| format!("strange: {event}"))?;
        require(number == next[publisher].to_string(), || {
            format!("{publisher} said {} next, not {number}", next[publisher])
        })?;
        next[publisher] += 1;
        order.push(words);
    }
    Ok(order)
}

fn require_one_order(orders: &[Vec<String>]) {
    assert_eq!(orders.len(), PUBLISHERS);
    for order in orders {
        assert!(*order == orders[0], "two have seen different orders");
    }
}

/// U.05: at the events door everybody is publisher and subscriber.
#[test]
fn at_the_events_door_everybody_sees_every_message_in_one_order() {
    let house = house();
    let enter = |number| house.way.enter_as_guest(&format!("p{number}"), "den");
    let sockets = (0..PUBLISHERS).map(|number| enter(number).unwrap());
    let start = Barrier::new(PUBLISHERS);
    let run = |publisher: usize, mut socket: Socket| {
        start.wait();
        for number in 0..MESSAGES {
            let payload = json!({ "message": text(publisher, number) });
            socket.event("send_message", &payload).unwrap();
        }
        take_all(&mut socket, |event| &event["payload"]["message"]).unwrap()
    };
    let run = &run;
    let sockets: Vec<_> = sockets.collect();
    let orders = thread::scope(|scope| {
        let jobs = sockets.into_iter().enumerate();
        let jobs: Vec<_> = jobs
            .map(|(number, socket)| scope.spawn(move || run(number, socket)))
            .collect();
        jobs.into_iter()
            .map(|job| job.join().unwrap())
            .collect::<Vec<_>>()
    });
    require_one_order(&orders);
}

/// U.05: published by HTTP, and seen by as many subscribers. A request is answered when its message
/// has its number (E13), so what one publishes after the other keeps its order (row 3.20).
#[test]
fn what_is_published_by_http_every_subscriber_sees_in_one_order() {
    let house = house();
    let subscribe = |_| house.way.open("/subscribe", &[]).unwrap();
    let sockets: Vec<_> = (0..PUBLISHERS).map(subscribe).collect();
    let start = Barrier::new(PUBLISHERS);
    let publish = |publisher: usize| {
        start.wait();
        for number in 0..MESSAGES {
            let body = json!({ "name": "p", "msg": text(publisher, number) });
            let request = Request::post("/publish", body.to_string());
            let answer = house.way.ask(&request).unwrap();
            answer.expect(204, "a publish").unwrap();
        }
    };
    let publish = &publish;
    let orders = thread::scope(|scope| {
        for number in 0..PUBLISHERS {
            scope.spawn(move || publish(number));
        }
        let listen = |mut socket: Socket| take_all(&mut socket, |event| &event["msg"]).unwrap();
        let jobs: Vec<_> = sockets
            .into_iter()
            .map(|socket| scope.spawn(move || listen(socket)))
            .collect();
        jobs.into_iter()
            .map(|job| job.join().unwrap())
            .collect::<Vec<_>>()
    });
    require_one_order(&orders);
}
