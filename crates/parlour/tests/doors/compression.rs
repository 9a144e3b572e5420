//! permessage-deflate at the doors: RFC 7692.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use parlour::Compression;
use parlour_ws::deflate::{Deflater, Inflater, Window};
use parlour_ws::{Opcode, put_masked_frame};

use crate::support::{House, Request, Socket, upgrade};

/// What Chromium, Firefox and Safari offer.
const BROWSER: &str = "permessage-deflate; client_max_window_bits";
const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const COMPRESSED_TEXT: u8 = 0xC1;
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

fn offering(path: &str, offer: &str) -> Request {
    upgrade(path).header("Sec-WebSocket-Extensions", offer)
}

/// What a door answers to this request, which it upgrades.
fn agreed(house: &House, request: &Request) -> Option<String> {
    let answer = Socket::open(house.address).ask(request);
    assert_eq!(answer.status, 101, "{answer:?}");
    answer.header("sec-websocket-extensions").map(str::to_owned)
}

/// A client that knows compression.
struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    fn open(house: &House, request: &Request) -> Self {
        let mut socket = Socket::open(house.address);
        let answer = socket.ask(request);
        assert_eq!(answer.status, 101, "{answer:?}");
        let (stream, unread) = socket.into_parts();
        Self { stream, unread }
    }

    fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = Vec::new();
        put_masked_frame(&mut frame, Opcode::Text, payload, [1, 2, 3, 4]);
        frame[0] = first;
        self.stream.write_all(&frame).unwrap();
    }

    fn say(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes());
    }

    fn say_compressed(&mut self, text: &str) {
        let mut deflater = Deflater::new(Window::Full);
        let payload = deflater.deflate(text.as_bytes()).expect("it gets shorter");
        self.send(COMPRESSED_TEXT, payload);
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        while self.unread.len() < len {
            let mut piece = [0; 4096];
            let count = self.stream.read(&mut piece).unwrap();
            assert_ne!(count, 0, "cut after {:x?}", self.unread);
            self.unread.extend_from_slice(&piece[..count]);
        }
        self.unread.drain(..len).collect()
    }

    /// The next frame: its first byte and its payload.
    fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.take(2);
        let len = match head[1] {
            126 => usize::from(u16::from_be_bytes(self.take(2).try_into().unwrap())),
            127 => usize::try_from(u64::from_be_bytes(self.take(8).try_into().unwrap())).unwrap(),
            len => usize::from(len),
        };
        (head[0], self.take(len))
    }

    /// The next message: the first byte and the length of its frame, and its text.
    fn heard(&mut self) -> (u8, usize, String) {
        let (first, payload) = self.frame();
        let len = payload.len();
        let said = if first & 0x40 == 0 {
            payload
        } else {
            Inflater::new().inflate(&payload, 1 << 20).unwrap().to_vec()
        };
        (first, len, String::from_utf8(said).unwrap())
    }

    /// The next message with this in it.
    fn hears(&mut self, words: &str) -> (u8, usize, String) {
        loop {
            let heard = self.heard();
            assert_ne!(heard.0, CLOSE, "{heard:?}");
            if heard.2.contains(words) {
                return heard;
            }
        }
    }

    fn close_code(&mut self) -> u16 {
        let (first, payload) = self.frame();
        assert_eq!(first, CLOSE, "{payload:x?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

fn echo(house: &House, offer: &str) -> Client {
    Client::open(house, &offering("/echo", offer))
}

/// Text that can be compressed, also within 512 bytes.
fn long(len: usize) -> String {
    let text: String = (0..len).map(|n| format!("{} ", n % 10)).collect();
    text[..len].to_owned()
}

#[test]
fn every_door_agrees_on_what_browsers_offer_and_on_nothing_unasked() {
    let house = House::start();
    for path in ["/echo", "/plain", "/subscribe"] {
        assert_eq!(
            agreed(&house, &offering(path, BROWSER)).as_deref(),
            Some(ANSWER),
            "{path}"
        );
        assert_eq!(agreed(&house, &upgrade(path)), None, "{path}");
    }
    for dialect in ["parlour.events", "parlour.v1"] {
        let (_, ticket) = house.ann();
        let path = format!("/ws?otp={ticket}");
        let request = offering(&path, BROWSER).header("Sec-WebSocket-Protocol", dialect);
        assert_eq!(
            agreed(&house, &request).as_deref(),
            Some(ANSWER),
            "{dialect}"
        );
    }
}

#[test]
fn the_first_acceptable_offer_of_all_headers_is_taken() {
    let house = House::start();
    let request = offering(
        "/echo",
        "permessage-deflate; server_max_window_bits=8, x; y=1",
    )
    .header("Sec-WebSocket-Extensions", "permessage-deflate; nonsense")
    .header(
        "Sec-WebSocket-Extensions",
        "permessage-deflate; server_max_window_bits=12",
    );
    let small = format!("{ANSWER}; server_max_window_bits=9");
    assert_eq!(agreed(&house, &request), Some(small));
    let unknown = offering("/echo", "permessage-deflate; nonsense");
    assert_eq!(agreed(&house, &unknown), None, "it is served without");
}

#[test]
fn where_compression_is_off_every_offer_is_declined() {
    let house = House::with(|config| config.compression = Compression::Off);
    assert_eq!(agreed(&house, &offering("/echo", BROWSER)), None);
    let mut client = echo(&house, BROWSER);
    client.say(&long(5_000));
    assert_eq!(client.heard(), (TEXT, 5_000, long(5_000)));
    client.say_compressed(&long(5_000));
    assert_eq!(client.close_code(), 1002);
}

#[test]
fn long_messages_are_compressed_both_ways_and_tiny_ones_are_not() {
    let house = House::start();
    for offer in [BROWSER, "permessage-deflate; server_max_window_bits=9"] {
        let mut client = echo(&house, offer);
        client.say_compressed(&long(5_000));
        let (first, len, said) = client.heard();
        assert_eq!((first, said), (COMPRESSED_TEXT, long(5_000)));
        assert!(len < 1_000, "{len} bytes");
        client.say(&long(5_000));
        assert_eq!(
            client.heard(),
            (first, len, long(5_000)),
            "it may come plain"
        );
        client.say_compressed(&long(200));
        assert_eq!(client.heard(), (TEXT, 200, long(200)));
    }
}

#[test]
fn members_with_any_window_and_with_none_are_told_the_same() {
    let house = House::start();
    let mut members: Vec<Client> = [
        BROWSER,
        BROWSER,
        "permessage-deflate; server_max_window_bits=10",
        "",
    ]
    .map(|offer| Client::open(&house, &offering("/plain", offer)))
    .into();
    let text = long(2_000);
    members[3].say(&text);
    let heard: Vec<_> = members.iter_mut().map(|it| it.hears(&text)).collect();
    assert!(heard.iter().all(|it| it.2 == heard[0].2), "{heard:?}");
    let firsts: Vec<u8> = heard.iter().map(|it| it.0).collect();
    assert_eq!(
        firsts,
        [COMPRESSED_TEXT, COMPRESSED_TEXT, COMPRESSED_TEXT, TEXT]
    );
    assert_eq!(heard[0].1, heard[1].1);
    // Who is asked for names is asked for them whatever is compressed.
    members[0].say("/nick kim");
    members[0].say_compressed(&text);
    for member in &mut members {
        let heard = member.hears(&text);
        assert!(heard.2.contains("kim"), "{heard:?}");
    }
}

#[test]
fn a_bomb_and_garbage_end_their_connection_and_nothing_else() {
    let house = House::start();
    let mut bystander = echo(&house, BROWSER);
    let mut deflater = Deflater::new(Window::Full);
    let bomb = deflater.deflate(&vec![b'x'; 10 << 20]).unwrap().to_vec();
    assert!(
        bomb.len() < 60_000,
        "{} bytes: it would not be let in",
        bomb.len()
    );
    for (first, payload, code) in [
        (COMPRESSED_TEXT, &bomb[..], 1009),
        (COMPRESSED_TEXT, b"garbage", 1002),
        (COMPRESSED_TEXT, b"", 1002),
        (0xC9, b"a ping", 1002),
        (0xC0, b"goes on", 1002),
        (0xA1, b"RSV2", 1002),
    ] {
        let mut client = echo(&house, BROWSER);
        client.send(first, payload);
        assert_eq!(client.close_code(), code, "{first:#x}");
        bystander.say_compressed(&long(1_000));
        assert_eq!(bystander.heard().2, long(1_000));
    }
    let mut client = echo(&house, BROWSER);
    let not_utf8 = Deflater::new(Window::Full)
        .deflate(&[0xff; 100])
        .unwrap()
        .to_vec();
    client.send(COMPRESSED_TEXT, &not_utf8);
    assert_eq!(client.close_code(), 1007);
}
