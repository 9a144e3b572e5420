//! A server with TLS, and clients that speak it.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use parlour::dialect::{Dialect as _, Events};
use parlour::{
    Doors, Hub, HubConfig, Limits, Listener, ListenerLimits, RoomName, TlsKeys, UnderWay,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls::{DEFAULT_VERSIONS, SupportedProtocolVersion};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tungstenite::{Message, WebSocket};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Secure = StreamOwned<ClientConnection, TcpStream>;

/// A certificate for `localhost`, with its key.
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
    pub(crate) der: CertificateDer<'static>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            cert: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
            der: CertificateDer::from(made.cert.der().to_vec()),
        }
    }

    pub(crate) fn keys(&self) -> TlsKeys {
        TlsKeys::from_pem(self.cert.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// A client that trusts this certificate and no other.
    pub(crate) fn trust(&self) -> Arc<ClientConfig> {
        self.trust_by(DEFAULT_VERSIONS)
    }

    pub(crate) fn trust_by(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

/// A server with the doors `/echo`, `/room` (events, in `general`), and a page `/own`.
pub(crate) struct App {
    pub(crate) hub: Hub,
    pub(crate) address: SocketAddr,
    pub(crate) pair: Pair,
    pub(crate) keys: TlsKeys,
    stop: oneshot::Sender<()>,
    server: JoinHandle<UnderWay>,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default(), ListenerLimits::default()).await
    }

    pub(crate) async fn start_with(limits: Limits, bounds: ListenerLimits) -> Self {
        let hub = Hub::start(HubConfig {
            limits,
            ..HubConfig::default()
        })
        .unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let doors = Doors::new(&hub, address);
        let router = Router::new()
            .merge(doors.routes())
            .route(
                "/room",
                doors.free_door(Events.name(), Some(RoomName::general())),
            )
            .route("/own", get(|| async { "own" }));
        let pair = Pair::new();
        let keys = pair.keys();
        let listener = Listener::new(socket)
            .tls(keys.clone())
            .limits(bounds)
            .unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(listener.serve(router, async { drop(stopped.await) }));
        Self {
            hub,
            address,
            pair,
            keys,
            stop,
            server,
        }
    }

    pub(crate) fn stranger(&self) -> Stranger {
        Stranger {
            address: self.address,
            trust: self.pair.trust(),
        }
    }

    /// Stops as a server does: no new connections, then 1001 to all.
    pub(crate) async fn stop(self) -> usize {
        self.stop.send(()).unwrap();
        let under_way = self.server.await.unwrap();
        let cut = self.hub.shutdown(PATIENCE).await;
        under_way.finish(PATIENCE).await;
        cut
    }
}

/// Who connects.
#[derive(Clone)]
pub(crate) struct Stranger {
    pub(crate) address: SocketAddr,
    pub(crate) trust: Arc<ClientConfig>,
}

impl Stranger {
    pub(crate) fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A TLS stream, whose handshake is done with its first use.
    pub(crate) fn tls(&self) -> Secure {
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::clone(&self.trust), name).unwrap();
        StreamOwned::new(client, self.tcp())
    }

    pub(crate) fn shaken(&self) -> Secure {
        let mut stream = self.tls();
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stream
    }

    pub(crate) fn socket(&self, path: &str) -> WebSocket<Secure> {
        let url = format!("wss://{}{path}", self.address);
        tungstenite::client(url, self.tls()).unwrap().0
    }

    /// An upgrade request as bytes.
    pub(crate) fn request(&self, path: &str) -> Vec<u8> {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.address
        )
        .into_bytes()
    }

    /// One plain or TLS stream's answer to a GET, until the stream's end.
    pub(crate) fn get(
        &self,
        stream: &mut (impl std::io::Read + std::io::Write),
        path: &str,
    ) -> String {
        let host = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// Runs blocking clients beside the server.
pub(crate) async fn beside<T: Send + 'static>(clients: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(clients).await.unwrap()
}

pub(crate) fn echoes(socket: &mut WebSocket<Secure>, text: &str) {
    socket.send(Message::text(text)).unwrap();
    assert!(heard(socket) == text);
}

/// The next text message.
pub(crate) fn heard(socket: &mut WebSocket<Secure>) -> String {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads to the end of the TCP stream and says whether TLS had ended before it.
pub(crate) fn ends_cleanly(stream: &mut Secure) -> bool {
    let mut sink = [0; 4096];
    loop {
        match stream.read(&mut sink) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// A frame of a client with a mask of zeros (RFC 6455, 5.2), for a payload below 126 bytes.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![first, 0x80 | len, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// Reads an HTTP head up to its end.
pub(crate) fn head(stream: &mut impl std::io::Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).unwrap()
}
