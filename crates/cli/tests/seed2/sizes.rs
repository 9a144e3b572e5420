//! The largest message: row 2.29 with the seed's 512 bytes (E7).

use crate::wire::{Bare, House, Outcome};
use crate::{ANN, BOB, both_ways};

/// An event of exactly so many bytes, the envelope included.
fn event_of(bytes: usize) -> Vec<u8> {
    let (head, tail) = (r#"{"type":"send_message","payload":{"message":""#, r#""}}"#);
    let text = "x".repeat(bytes - head.len() - tail.len());
    format!("{head}{text}{tail}").into_bytes()
}

fn bare(house: &House) -> Bare {
    let ticket = house.way.login(ANN.0, ANN.1).unwrap();
    house.way.open_bare(&format!("/ws?otp={ticket}")).unwrap()
}

fn send_in_parts(client: &mut Bare, event: &[u8]) -> Outcome<()> {
    let parts: Vec<&[u8]> = event.chunks(200).collect();
    for (number, part) in parts.iter().enumerate() {
        let opcode = u8::from(number == 0);
        let fin = if number + 1 == parts.len() { 0x80 } else { 0 };
        client.send(fin | opcode, part)?;
    }
    Ok(())
}

/// Row 2.29.
#[test]
fn a_message_of_512_bytes_passes_whole_or_in_parts() {
    both_ways(|house| {
        let mut client = bare(&house);
        client.send(0x81, &event_of(512)).unwrap();
        let whole = client.next_but_pings().unwrap();
        send_in_parts(&mut client, &event_of(512)).unwrap();
        let in_parts = client.next_but_pings().unwrap();
        for heard in [whole, in_parts] {
            assert!(
                heard.payload.starts_with(b"{\"type\":\"new_message\""),
                "{heard:?}"
            );
        }
    });
}

/// Row 2.29.
#[test]
fn a_message_of_513_bytes_is_closed_1009_whole_or_in_parts_and_not_delivered() {
    both_ways(|house| {
        let ticket = house.way.login(BOB.0, BOB.1).unwrap();
        let mut bob = house.way.enter(&ticket, None).unwrap();
        let mut whole = bare(&house);
        // The rest of it need not be taken any more.
        let _ = whole.send(0x81, &event_of(513));
        assert_eq!(whole.close_code().unwrap(), 1009);
        let mut in_parts = bare(&house);
        let _ = send_in_parts(&mut in_parts, &event_of(513));
        assert_eq!(in_parts.close_code().unwrap(), 1009);
        bob.say("next").unwrap();
        bob.expect_heard("next").unwrap();
    });
}
