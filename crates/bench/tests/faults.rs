//! A wire that loses, doubles or swaps frames is noticed.
//!
//! Between the generator and the raw server stands a double that passes every byte on, except
//! that it spoils one frame of one connection.

#![allow(clippy::unwrap_used)] // The helpers of a test may panic as the test may.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use parlour_bench::BenchError;
use parlour_bench::baseline::{Mode, RawServer};
use parlour_bench::events::NEW_MESSAGE_HEAD;
use parlour_bench::frame::split;
use parlour_bench::generator::{Generator, Load, Phase};
use parlour_bench::ledger::Layout;
use parlour_bench::progress::Show;
use parlour_bench::target::Target;

/// The connection that suffers, the ticket connection being the first, and the frame of it.
const VICTIM: usize = 2;
const SPOILED: usize = 60;

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Lose,
    Double,
    Swap,
}

fn faulty(fault: Fault) -> Target {
    let mut server = RawServer::bind("127.0.0.1:0".parse().unwrap(), Mode::Plain).unwrap();
    let behind = server.address().unwrap();
    thread::spawn(move || server.serve());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::at(listener.local_addr().unwrap());
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let fault = if number == VICTIM { fault } else { Fault::None };
            pass(client.unwrap(), behind, fault);
        }
    });
    target
}

fn pass(client: TcpStream, behind: SocketAddr, fault: Fault) {
    let server = TcpStream::connect(behind).unwrap();
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    thread::spawn(move || spoil(server, client, fault));
}

/// Passes the head of the answer on, then frame by frame.
fn spoil(mut server: TcpStream, mut client: TcpStream, fault: Fault) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut head_passed = fault == Fault::None;
    let (mut messages, mut held) = (0, Vec::new());
    let mut piece = [0; 4096];
    loop {
        let count = server.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&piece[..count]);
        if fault == Fault::None {
            client.write_all(&bytes)?;
            bytes.clear();
            continue;
        }
        if !head_passed {
            let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
                continue;
            };
            client.write_all(&bytes[..end + 4])?;
            bytes.drain(..end + 4);
            head_passed = true;
        }
        while let Some(frame) = split(&bytes).unwrap() {
            let length = bytes.len() - frame.rest.len();
            messages += usize::from(frame.payload.starts_with(NEW_MESSAGE_HEAD));
            let whole: Vec<u8> = bytes.drain(..length).collect();
            match fault {
                Fault::Lose if messages == SPOILED => {}
                Fault::Double if messages == SPOILED => client.write_all(&whole.repeat(2))?,
                Fault::Swap if messages == SPOILED => held = whole,
                _ => {
                    client.write_all(&whole)?;
                    client.write_all(&std::mem::take(&mut held))?;
                }
            }
        }
    }
}

fn run(fault: Fault) -> Result<u64, BenchError> {
    let layout = Layout {
        members: 4,
        rooms: 1,
        publishers: 1,
        idle: 0,
    };
    let mut generator = Generator::open(&faulty(fault), layout, 64, Show::nothing())?;
    // Several messages in flight, so that a lost one does not stop the rest.
    let load = Load::Outstanding(8);
    let phase = Phase {
        load,
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(300),
    };
    Ok(generator.run(&phase, None, Show::nothing())?.deliveries)
}

#[test]
fn a_sound_wire_passes() {
    assert!(run(Fault::None).unwrap() > SPOILED as u64);
}

#[test]
fn a_lost_message_fails_the_run() {
    let error = run(Fault::Lose).unwrap_err();
    assert!(
        matches!(
            error,
            BenchError::Delivery {
                missing: 1,
                out_of_order: 0,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_doubled_message_fails_the_run() {
    let error = run(Fault::Double).unwrap_err();
    assert!(
        matches!(
            error,
            BenchError::Delivery {
                missing: 0,
                out_of_order: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn swapped_messages_fail_the_run() {
    let error = run(Fault::Swap).unwrap_err();
    // Seen between the two it is a gap, after both it is the wrong order.
    let BenchError::Delivery {
        missing,
        out_of_order,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(missing + out_of_order, 1);
}
