//! The client's role: what a receiver makes of a server's frames, and of an answer to an opening.

mod common;

use common::streams::{LIMITS, hostile_stream};
use common::{Item, KEY, Outcome, TEXT, text};
use parlour_ws::client::{HEAD_BYTES_MAX, Opened, Opening, OpeningError};
use parlour_ws::{Limits, Opcode, ProtocolError, Receiver, put_close, put_frame};
use proptest::prelude::*;
use std::time::Duration;

fn receive(limits: &Limits, inputs: &[&[u8]]) -> Outcome {
    common::receive_inputs_as(Receiver::client(), limits, inputs.iter().copied())
}

#[test]
fn a_servers_frames_are_read_whole_and_byte_by_byte() {
    let long = "κόσμε".repeat(20_000);
    let limits = Limits {
        max_message_bytes: 1 << 20,
    };
    let mut stream = Vec::new();
    put_frame(&mut stream, Opcode::Text, b"");
    put_frame(&mut stream, Opcode::Text, long.as_bytes());
    put_frame(&mut stream, Opcode::Binary, &[7; 300]);
    put_frame(&mut stream, Opcode::Ping, b"?");
    put_close(&mut stream, 1001, "bye");
    let items = [
        text(""),
        text(&long),
        Item::Binary(vec![7; 300]),
        Item::Ping(b"?".to_vec()),
        Item::Close(Some((1001, "bye".into()))),
    ];
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(receive(&limits, &[&stream]), Outcome::items(items.clone()));
    assert_eq!(receive(&limits, &bytes), Outcome::items(items));
}

#[test]
fn a_masked_frame_of_a_server_is_refused_1002_rfc_6455_5_1() {
    let masked = common::frame(TEXT, b"Hello");
    let refused = Outcome::error(ProtocolError::Masked);
    assert_eq!(receive(&LIMITS, &[&masked]), refused);
    assert_eq!(
        receive(&LIMITS, &[&masked[..2]]),
        refused,
        "at its second byte"
    );
    assert_eq!(ProtocolError::Masked.close_code(), 1002);
    let empty = [0x81, 0x80];
    assert_eq!(
        receive(&LIMITS, &[&empty]),
        refused,
        "a key of zero is one, too"
    );
}

/// The stream of a client, turned into one of a server: no masks. Broken frames stay broken in some
/// way, which is all that is asked of them.
fn unmasked(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = stream;
    while let [first, second, after @ ..] = rest {
        let length_bytes = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if second & 0x80 == 0 || after.len() < length_bytes + 4 {
            break;
        }
        let (length, after) = after.split_at(length_bytes);
        let announced = match length_bytes {
            0 => usize::from(second & 0x7F),
            _ => length.iter().fold(0, |sum: usize, byte| {
                sum.saturating_mul(256).saturating_add(usize::from(*byte))
            }),
        };
        out.extend([*first, second & 0x7F]);
        out.extend(length);
        let (payload, after) = after[4..].split_at(announced.min(after.len() - 4));
        let bytes = payload.iter().zip(KEY.iter().cycle());
        out.extend(bytes.map(|(byte, key)| byte ^ key));
        rest = after;
    }
    out.extend(rest);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_cut_in_two_gives_what_the_whole_gives(stream in hostile_stream()) {
        let stream = unmasked(&stream);
        let whole = receive(&LIMITS, &[&stream]);
        for cut in 0..=stream.len() {
            let (left, right) = stream.split_at(cut);
            prop_assert_eq!(&receive(&LIMITS, &[left, right]), &whole, "cut at {}", cut);
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&receive(&LIMITS, &bytes), &whole);
    }

    #[test]
    fn both_roles_read_the_same_of_the_same_frames(stream in common::streams::stream()) {
        let client = receive(&LIMITS, &[&unmasked(&stream)]);
        let server = common::receive_inputs(&LIMITS, [&stream[..]]);
        // A frame without its mask is no fault here, and `unmasked` leaves what follows it as it was.
        if server.error != Some(ProtocolError::NotMasked) {
            prop_assert_eq!(client, server);
        }
    }
}

const OPENING: Opening<'_> = Opening {
    host: "server.example.com:8080",
    target: "/ws?room=den",
    key: *b"the sample nonce",
    protocols: &["parlour.v1", "ticket.SECRET"],
    headers: &[("User-Agent", "test")],
};

const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: WebSocket\r\n\
    connection: keep-alive, upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: parlour.v1\r\n\r\n";

fn check(answer: &str) -> Result<Option<Opened<'static>>, OpeningError> {
    OPENING.check(answer.as_bytes())
}

#[test]
fn the_request_is_the_one_of_rfc_6455_4_1() {
    let request = String::from_utf8(OPENING.request().unwrap()).unwrap();
    assert_eq!(
        request,
        "GET /ws?room=den HTTP/1.1\r\nHost: server.example.com:8080\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: parlour.v1, ticket.SECRET\r\nUser-Agent: test\r\n\r\n"
    );
}

#[test]
fn nothing_breaks_out_of_the_request() {
    let refused = |opening: Opening<'_>, what| {
        assert_eq!(opening.request(), Err(OpeningError::BadRequest(what)));
    };
    refused(
        Opening {
            host: "a\r\nb",
            ..OPENING
        },
        "host",
    );
    refused(
        Opening {
            host: "",
            ..OPENING
        },
        "host",
    );
    refused(
        Opening {
            target: "/a b",
            ..OPENING
        },
        "target",
    );
    refused(
        Opening {
            target: "ws",
            ..OPENING
        },
        "target",
    );
    refused(
        Opening {
            protocols: &["a, b"],
            ..OPENING
        },
        "subprotocol",
    );
    refused(
        Opening {
            headers: &[("A: b\r\nC", "d")],
            ..OPENING
        },
        "name of a header",
    );
    refused(
        Opening {
            headers: &[("A", "b\r\nC: d")],
            ..OPENING
        },
        "value of a header",
    );
}

#[test]
fn the_right_answer_opens_and_the_first_frames_follow_it() {
    let head_bytes = ANSWER.len();
    let protocol = Some("parlour.v1");
    let opened = Ok(Some(Opened {
        protocol,
        head_bytes,
    }));
    assert_eq!(check(ANSWER), opened);
    assert_eq!(check(&format!("{ANSWER}\u{1}\u{2}")), opened);
    for cut in 0..head_bytes {
        assert_eq!(check(&ANSWER[..cut]), Ok(None), "cut at {cut}");
    }
    let none = ANSWER.replace("Sec-WebSocket-Protocol: parlour.v1\r\n", "");
    assert!(matches!(
        check(&none),
        Ok(Some(Opened { protocol: None, .. }))
    ));
}

#[test]
fn what_is_wrong_with_an_answer_is_named() {
    for (was, is, error) in [
        (
            "Upgrade: WebSocket",
            "Upgrade: h2c",
            OpeningError::NotWebSocket,
        ),
        ("Upgrade: WebSocket\r\n", "", OpeningError::NotWebSocket),
        (
            "keep-alive, upgrade",
            "close",
            OpeningError::ConnectionNotUpgrade,
        ),
        ("s3pP", "s3pQ", OpeningError::WrongAccept),
        ("Sec-WebSocket-Accept", "X", OpeningError::WrongAccept),
        (
            "connection:",
            "Sec-WebSocket-Accept: x\r\nconnection:",
            OpeningError::WrongAccept,
        ),
        (
            "Protocol: parlour.v1",
            "Protocol: ticket.OTHER",
            OpeningError::UnofferedProtocol("ticket.OTHER".into()),
        ),
        (
            "Protocol: parlour.v1",
            "Protocol: parlour.v1\r\nSec-WebSocket-Protocol: ticket.SECRET",
            OpeningError::UnofferedProtocol("parlour.v1, ticket.SECRET".into()),
        ),
        (
            "connection:",
            "Sec-WebSocket-Extensions: permessage-deflate\r\nconnection:",
            OpeningError::UnofferedExtension("permessage-deflate".into()),
        ),
        ("HTTP/1.1", "HTTP/1.0", OpeningError::NotHttp),
        ("HTTP/1.1", "SSH-2.0-x", OpeningError::NotHttp),
    ] {
        let answer = ANSWER.replace(was, is);
        assert_ne!(answer, ANSWER);
        assert_eq!(check(&answer), Err(error), "{is}");
    }
}

#[test]
fn another_status_says_what_the_server_answered() {
    let answer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nfull!";
    let refused = check(answer).unwrap_err();
    let expected = OpeningError::Refused {
        status: 503,
        reason: "Service Unavailable".into(),
        retry_after: Some(Duration::from_secs(7)),
        body_bytes: Some(5),
        head_bytes: answer.len() - 5,
    };
    assert_eq!(refused, expected);
    let words = "the server answered 503 Service Unavailable instead of opening a WebSocket";
    assert_eq!(refused.to_string(), words);
    let most = format!("HTTP/1.1 503 x\r\nRetry-After: {}\r\n\r\n", u64::MAX);
    let day = Some(Duration::from_secs(86_400));
    assert!(
        matches!(check(&most), Err(OpeningError::Refused { retry_after, .. }) if retry_after == day)
    );
    let bare = check("HTTP/1.1 200 OK\r\nRetry-After: Sun, 22 Nov 2026\r\n\r\n").unwrap_err();
    assert!(matches!(
        bare,
        OpeningError::Refused {
            status: 200,
            retry_after: None,
            body_bytes: None,
            ..
        }
    ));
}

#[test]
fn an_answer_has_a_bound() {
    let endless = format!("HTTP/1.1 101 x\r\nX: {}", "x".repeat(HEAD_BYTES_MAX));
    assert_eq!(check(&endless), Err(OpeningError::HeadTooLarge));
    assert_eq!(check(&endless[..HEAD_BYTES_MAX - 1]), Ok(None));
    let many = format!("HTTP/1.1 101 x\r\n{}", "A: b\r\n".repeat(65));
    assert_eq!(check(&many), Err(OpeningError::HeadTooLarge));
}

proptest! {
    /// A verdict may come before the end of an answer, and does not change when more comes.
    #[test]
    fn a_verdict_on_an_answer_is_final(
        place in 0..ANSWER.len(),
        byte in any::<u8>(),
        noise in any::<bool>(),
    ) {
        let mut answer = ANSWER.as_bytes().to_vec();
        if noise {
            answer[place] = byte;
        }
        let whole = OPENING.check(&answer);
        for cut in 0..answer.len() {
            match OPENING.check(&answer[..cut]) {
                Ok(None) => {}
                verdict => prop_assert_eq!(&verdict, &whole, "cut at {}", cut),
            }
        }
    }
}
