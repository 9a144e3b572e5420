use crate::plane::Transport;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parlour_hub::{Sent, Sockets as _};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, StreamOwned};
use rustls::{ProtocolVersion, SupportedProtocolVersion};
use socket2::SockRef;

use super::super::tests::World;
use super::super::{Got, Table};
use super::{READ_BYTES, SEND_BYTES_MAX, TlsSession, WAITING_BYTES_MAX};
use crate::limits::SCRATCH_BYTES;
use crate::tls::TlsKeys;

const PATIENCE: Duration = Duration::from_secs(20);
/// Small, so that records are cut in the middle.
const SMALL_BUFFER_BYTES: usize = 8 * 1024;

type Client = StreamOwned<ClientConnection, TcpStream>;
const BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// A socket with TLS in the table, and its client.
fn connect(world: &mut World, index: u32) -> Client {
    connect_by(world, index, &rustls::version::TLS13)
}

fn connect_by(world: &mut World, index: u32, version: &'static SupportedProtocolVersion) -> Client {
    let (mut stream, peer) = world.pair();
    SockRef::from(&stream)
        .set_send_buffer_size(SMALL_BUFFER_BYTES)
        .unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let (keys, client) = ends(version);
    let mut client = StreamOwned::new(client, peer);
    let shaking: JoinHandle<Client> = thread::spawn(move || {
        client.conn.complete_io(&mut client.sock).unwrap();
        client
    });
    let mut connection = ServerConnection::new(keys.config()).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).unwrap();
    }
    let client = shaking.join().unwrap();
    assert_eq!(client.conn.protocol_version(), Some(version.version));
    stream.set_nonblocking(true).unwrap();
    let (session, early) = TlsSession::take_over(connection).unwrap();
    assert!(early.is_empty());
    world
        .table
        .open(index, Transport::Socket(stream, Some(session)))
        .unwrap();
    assert_eq!(
        world.table.take_ready(),
        Some(index),
        "it is looked at at once"
    );
    client
}

fn ends(version: &'static SupportedProtocolVersion) -> (TlsKeys, ClientConnection) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let keys = TlsKeys::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(made.cert.der().to_vec()))
        .unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    (keys, ClientConnection::new(Arc::new(config), name).unwrap())
}

fn read(table: &mut Table, index: u32) -> (Got, Vec<u8>) {
    let mut scratch = vec![0; SCRATCH_BYTES];
    let got = table.read(index, &mut scratch);
    scratch.truncate(if let Got::Bytes(len) = got { len } else { 0 });
    (got, scratch)
}

/// Reads as long as nothing comes.
fn wait_read(table: &mut Table, index: u32) -> (Got, Vec<u8>) {
    loop {
        match read(table, index) {
            (Got::Nothing, _) => thread::yield_now(),
            other => return other,
        }
    }
}

/// Bytes that tell where they belong.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32 / 4).flat_map(u32::to_be_bytes).collect()
}

/// Sends until the socket is full, and returns how much that was.
fn fill(table: &mut Table, index: u32, bytes: &[u8]) -> usize {
    match table.send(index, bytes) {
        Sent::Bytes(len) if len < SEND_BYTES_MAX.min(bytes.len()) => len,
        other => panic!("nobody reads, and it took {other:?}"),
    }
}

fn waiting(world: &mut World, index: u32) -> usize {
    let session = world.table.sessions[index as usize].as_mut().unwrap();
    session
        .connection
        .process_new_packets()
        .unwrap()
        .tls_bytes_to_write()
}

#[test]
fn partial_writes_lose_double_and_reorder_nothing() {
    for version in BOTH {
        let mut world = World::new();
        let mut client = connect_by(&mut world, 0, version);
        let bytes = pattern(4 << 20);
        let reader = thread::spawn({
            let len = bytes.len();
            move || {
                let mut heard = vec![0; len];
                client.read_exact(&mut heard).unwrap();
                heard
            }
        });
        let mut rest = &bytes[..];
        let mut partial = 0;
        while !rest.is_empty() {
            match world.table.send(0, rest) {
                Sent::Bytes(len) => rest = &rest[len..],
                Sent::Gone => panic!("it is there"),
            }
            if waiting(&mut world, 0) > 0 {
                partial += 1;
            }
            while world.table.slots[0].flags & super::super::BLOCKED != 0 {
                if world.table.take_later().is_none() {
                    world.wait_writable(0);
                }
                world.table.unblock(0);
            }
        }
        assert!(partial > 0, "the test must see records cut in the middle");
        assert!(reader.join().unwrap() == bytes, "{:?}", version.version);
    }
}

#[test]
fn a_full_socket_keeps_one_record_and_takes_no_more() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    let bytes = pattern(8 << 20);
    let mut taken = fill(&mut world.table, 0, &bytes);
    while world.table.unblock(0) {
        taken += fill(&mut world.table, 0, &bytes[taken..]);
    }
    assert!((1..=WAITING_BYTES_MAX / 2).contains(&waiting(&mut world, 0)));
    assert_eq!(world.table.send(0, &bytes[taken..]), Sent::Bytes(0));
    world.table.finish(0);
    // Nobody has read anything, so there is hardly room: the stream must not end before the rest.
    world.table.unblock(0);
    assert!(waiting(&mut world, 0) <= WAITING_BYTES_MAX);

    let reader = thread::spawn(move || {
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).map(|_| heard)
    });
    while !reader.is_finished() && waiting(&mut world, 0) > 0 {
        world.wait_writable(0);
        world.table.unblock(0);
    }
    let heard = reader
        .join()
        .unwrap()
        .expect("a close_notify, and then the end");
    assert!(
        heard == bytes[..taken],
        "what was taken, and the last word behind it"
    );
}

#[test]
fn what_waits_goes_first_when_the_socket_is_writable() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    let bytes = pattern(1 << 20);
    let taken = fill(&mut world.table, 0, &bytes);
    let mut heard = vec![0; taken];
    let reader = thread::spawn(move || {
        client.read_exact(&mut heard).unwrap();
        (client, heard)
    });
    while !world.table.unblock(0) {
        world.wait_writable(0);
    }
    let (mut client, heard) = reader.join().unwrap();
    assert!(heard == bytes[..taken]);
    assert_eq!(world.table.send(0, b"more"), Sent::Bytes(4));
    let mut more = [0; 4];
    client.read_exact(&mut more).unwrap();
    assert_eq!(&more, b"more");
}

#[test]
fn one_read_decrypts_all_that_it_took_in() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    for word in ["one ", "two ", "three"] {
        client.write_all(word.as_bytes()).unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 13 {
        heard.extend(wait_read(&mut world.table, 0).1);
        let session = world.table.sessions[0].as_mut().unwrap();
        let state = session.connection.process_new_packets().unwrap();
        assert_eq!(
            state.plaintext_bytes_to_read(),
            0,
            "epoll would not tell of it"
        );
    }
    assert_eq!(heard, b"one two three");
}

#[test]
fn a_full_read_is_followed_by_another_and_loses_nothing() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    let bytes = pattern(4 * READ_BYTES);
    let heard = thread::scope(|scope| {
        scope.spawn(|| client.write_all(&bytes).unwrap());
        let mut peeked = vec![0; READ_BYTES + 1];
        let stream = world.table.slots[0].stream.as_ref().unwrap();
        while stream.peek(&mut peeked).unwrap_or(0) <= READ_BYTES {
            thread::yield_now();
        }
        let (_, mut heard) = read(&mut world.table, 0);
        let again = world.table.take_ready();
        assert_eq!(again, Some(0), "epoll does not tell of the rest");
        while heard.len() < bytes.len() {
            let (got, more) = wait_read(&mut world.table, 0);
            assert!(matches!(got, Got::Bytes(_)), "{got:?}");
            heard.extend(more);
        }
        heard
    });
    assert!(heard == bytes);
}

#[test]
fn half_a_record_is_a_sign_of_life_and_nothing_else() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    client.conn.writer().write_all(b"halved").unwrap();
    let mut record = Vec::new();
    client.conn.write_tls(&mut record).unwrap();
    client.sock.write_all(&record[..9]).unwrap();
    assert_eq!(wait_read(&mut world.table, 0).0, Got::Bytes(0));
    client.sock.write_all(&record[9..]).unwrap();
    assert_eq!(wait_read(&mut world.table, 0).1, b"halved");
}

#[test]
fn the_last_words_are_heard_before_a_close_notify_and_it_is_answered() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    client.conn.writer().write_all(b"bye").unwrap();
    client.conn.send_close_notify();
    let mut records = Vec::new();
    while client.conn.wants_write() {
        client.conn.write_tls(&mut records).unwrap();
    }
    client.sock.write_all(&records).unwrap();
    assert_eq!(wait_read(&mut world.table, 0).1, b"bye");
    assert_eq!(
        world.table.take_ready(),
        Some(0),
        "the end is still to be seen"
    );
    assert_eq!(read(&mut world.table, 0).0, Got::End);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0, "a close_notify too");
}

#[test]
fn a_stream_that_is_cut_off_has_ended() {
    let mut world = World::new();
    let client = connect(&mut world, 0);
    drop(client.sock);
    assert_eq!(wait_read(&mut world.table, 0).0, Got::End);
}

#[test]
fn what_is_no_tls_ends_the_connection_after_what_was_said_before() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    client.conn.writer().write_all(b"said").unwrap();
    let mut bytes = Vec::new();
    client.conn.write_tls(&mut bytes).unwrap();
    bytes.extend_from_slice(&[23, 3, 3, 0, 32]);
    bytes.extend_from_slice(&[b'x'; 32]);
    client.sock.write_all(&bytes).unwrap();
    assert_eq!(wait_read(&mut world.table, 0).1, b"said");
    assert_eq!(world.table.take_ready(), Some(0));
    assert_eq!(read(&mut world.table, 0).0, Got::End);
    let told = client.read(&mut [0; 8]).unwrap_err().to_string();
    assert!(told.contains("alert"), "{told}");
}

#[test]
fn keys_change_on_the_way() {
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    for word in [*b"one", *b"two", *b"six"] {
        client.conn.refresh_traffic_keys().unwrap();
        client.write_all(&word).unwrap();
        let mut heard = Vec::new();
        while heard.len() < word.len() {
            heard.extend(wait_read(&mut world.table, 0).1);
        }
        assert_eq!(heard, word);
        assert_eq!(world.table.send(0, &word), Sent::Bytes(3));
        let mut echoed = [0; 3];
        client.read_exact(&mut echoed).unwrap();
        assert_eq!(echoed, word);
    }
}

#[test]
fn a_flood_of_control_records_ends_the_connection() {
    const MANY: usize = 1_000;
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    let mut flood = Vec::new();
    for _ in 0..MANY {
        client.conn.refresh_traffic_keys().unwrap();
        while client.conn.wants_write() {
            client.conn.write_tls(&mut flood).unwrap();
        }
    }
    // The server may have gone before all of it is written.
    let _ = client.sock.write_all(&flood);
    let mut reads = 0;
    while wait_read(&mut world.table, 0).0 != Got::End {
        reads += 1;
        assert!(reads < MANY, "it goes on and on");
    }
}

#[test]
fn a_panic_in_tls_ends_that_connection_and_no_other() {
    let mut world = World::new();
    let _victim = connect(&mut world, 0);
    let mut bystander = connect(&mut world, 1);
    world.table.sessions[0].as_mut().unwrap().panics = true;
    assert_eq!(world.table.send(0, b"x"), Sent::Gone);
    assert_eq!(read(&mut world.table, 0).0, Got::End);
    assert_eq!(world.table.take_gone(), Some(0));
    assert_eq!(world.table.send(1, b"here"), Sent::Bytes(4));
    let mut heard = [0; 4];
    bystander.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"here");
}

#[test]
fn an_index_that_is_given_out_again_has_no_session_of_the_first() {
    let mut world = World::new();
    let first = connect(&mut world, 0);
    world.table.cut(0);
    assert_eq!(world.table.take_gone(), Some(0));
    assert!(world.table.sessions[0].is_none());
    drop(first);
    let (stream, mut plain) = world.pair();
    stream.set_nonblocking(true).unwrap();
    world
        .table
        .open(0, Transport::Socket(stream, None))
        .unwrap();
    assert_eq!(world.table.send(0, b"in plain"), Sent::Bytes(8));
    let mut heard = [0; 8];
    plain.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"in plain");
}

#[test]
fn what_was_decrypted_before_the_hand_over_is_not_lost() {
    let (mut server_end, client_end) = World::new().pair();
    let (keys, client) = ends(&rustls::version::TLS13);
    let mut client = StreamOwned::new(client, client_end);
    let speaking = thread::spawn(move || {
        client.write_all(b"early").unwrap();
        client
    });
    let mut connection = ServerConnection::new(keys.config()).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut server_end).unwrap();
    }
    let _client = speaking.join().unwrap();
    while connection
        .process_new_packets()
        .unwrap()
        .plaintext_bytes_to_read()
        == 0
    {
        connection.read_tls(&mut server_end).unwrap();
    }
    let (session, early) = TlsSession::take_over(connection).unwrap();
    assert_eq!(early, b"early");
    assert_eq!(
        session.connection.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
}

#[test]
fn what_tls_had_to_write_at_the_hand_over_goes_out_first() {
    let mut world = World::new();
    let (mut server_end, client_end) = world.pair();
    client_end.set_read_timeout(Some(PATIENCE)).unwrap();
    let (keys, client) = ends(&rustls::version::TLS13);
    let mut client = StreamOwned::new(client, client_end);
    let shaking = thread::spawn(move || {
        client.conn.complete_io(&mut client.sock).unwrap();
        client
    });
    let mut connection = ServerConnection::new(keys.config()).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut server_end).unwrap();
    }
    let mut client = shaking.join().unwrap();
    connection.writer().write_all(b"the 101's tail").unwrap();
    server_end.set_nonblocking(true).unwrap();
    let (session, _) = TlsSession::take_over(connection).unwrap();
    world
        .table
        .open(0, Transport::Socket(server_end, Some(session)))
        .unwrap();
    let mut heard = [0; 14];
    client.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"the 101's tail");
}

#[test]
fn one_send_has_a_share_of_a_turn_and_the_rest_comes_in_another() {
    const LARGE_BUFFER_BYTES: usize = 4 << 20;
    let mut world = World::new();
    let mut client = connect(&mut world, 0);
    let socket = SockRef::from(world.table.slots[0].stream.as_ref().unwrap());
    socket.set_send_buffer_size(LARGE_BUFFER_BYTES).unwrap();
    let bytes = pattern(SEND_BYTES_MAX + 4);
    let reader = thread::spawn(move || {
        let mut heard = vec![0; SEND_BYTES_MAX + 4];
        client.read_exact(&mut heard).unwrap();
        heard
    });
    assert_eq!(world.table.send(0, &bytes), Sent::Bytes(SEND_BYTES_MAX));
    assert_eq!(waiting(&mut world, 0), 0, "the socket takes more");
    let rest = &bytes[SEND_BYTES_MAX..];
    assert_eq!(
        world.table.send(0, rest),
        Sent::Bytes(0),
        "not in this turn"
    );
    assert!(world.table.has_work());
    assert_eq!(world.table.take_later(), Some(0));
    assert!(world.table.unblock(0));
    assert_eq!(world.table.send(0, rest), Sent::Bytes(4));
    assert!(reader.join().unwrap() == bytes);
}
