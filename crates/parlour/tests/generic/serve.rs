//! Servers on streams of every kind, and a blocking client for each.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use parlour::{Door, Doors, DoorsConfig, Hub, HubConfig};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};
use tungstenite::WebSocket;

use crate::fragile::Fragile;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Unix,
    OwnTls,
    Duplex,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Tcp, Kind::Unix, Kind::OwnTls, Kind::Duplex];

/// How many Unix sockets this process has made.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A server with the doors `/v1` and `/fragile`.
pub(crate) struct App {
    pub(crate) hub: Hub,
    runtime: Option<Runtime>,
    way: Way,
}

/// How a client gets in.
enum Way {
    Tcp(SocketAddr),
    Unix(PathBuf),
    OwnTls(SocketAddr, TlsConnector),
    Duplex(mpsc::Sender<DuplexStream>),
}

impl App {
    pub(crate) fn start(kind: Kind, mut config: HubConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        config.dialects.push(Arc::new(Fragile));
        let hub = Hub::start(config).unwrap();
        let mut doors = DoorsConfig::new(([127, 0, 0, 1], 80).into());
        // Who comes over no TCP socket of this machine is not local.
        doors.open_doors = vec![Door::Free("fragile"), Door::Free("parlour.v1")];
        let doors = Doors::with(&hub, doors);
        let app = Router::new()
            .route("/v1", doors.free_door("parlour.v1", None))
            .route("/fragile", doors.free_door("fragile", None));
        let way = runtime.block_on(serve(kind, app));
        Self {
            hub,
            runtime: Some(runtime),
            way,
        }
    }

    pub(crate) fn connect(&self, path: &str) -> Client {
        let runtime = self.runtime.as_ref().unwrap();
        let stream = runtime.block_on(self.way.open());
        let bridge = Bridge {
            stream,
            runtime: runtime.handle().clone(),
        };
        tungstenite::client(format!("ws://localhost{path}"), bridge)
            .unwrap()
            .0
    }

    /// How many connections had to be cut.
    pub(crate) fn shut_down(&self) -> usize {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(self.hub.shutdown(PATIENCE))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(kind: Kind, app: Router) -> Way {
    match kind {
        Kind::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(listener, app).await });
            Way::Tcp(address)
        }
        Kind::Unix => {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("parlour-generic-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path).unwrap();
            tokio::spawn(async move { axum::serve(listener, app).await });
            Way::Unix(path)
        }
        Kind::OwnTls => {
            let (acceptor, connector) = tls();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let listener = OwnTls(listener, acceptor);
            tokio::spawn(async move { axum::serve(listener, app).await });
            Way::OwnTls(address, connector)
        }
        Kind::Duplex => {
            let (send, receive) = mpsc::channel(64);
            tokio::spawn(async move { axum::serve(InMemory(receive), app).await });
            Way::Duplex(send)
        }
    }
}

impl Way {
    async fn open(&self) -> Box<dyn Stream> {
        match self {
            Self::Tcp(address) => Box::new(TcpStream::connect(address).await.unwrap()),
            Self::Unix(path) => Box::new(UnixStream::connect(path).await.unwrap()),
            Self::OwnTls(address, connector) => {
                let stream = TcpStream::connect(address).await.unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                Box::new(connector.connect(name, stream).await.unwrap())
            }
            Self::Duplex(send) => {
                let (client, server) = tokio::io::duplex(4 * 1024);
                send.send(server).await.unwrap();
                Box::new(client)
            }
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Self::Unix(path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn tls() -> (TlsAcceptor, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server).into(), Arc::new(client).into())
}

/// A listener as an embedder may write it.
struct OwnTls(TcpListener, TlsAcceptor);

impl Listener for OwnTls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = self.0.accept().await.unwrap();
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A listener without a network.
struct InMemory(mpsc::Receiver<DuplexStream>);

impl Listener for InMemory {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(())
    }
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A client of somebody else's making.
pub(crate) type Client = WebSocket<Bridge>;

/// An asynchronous stream, used by a blocking client that has its patience.
pub(crate) struct Bridge {
    stream: Box<dyn Stream>,
    runtime: Handle,
}

impl Bridge {
    /// Sends nothing more.
    pub(crate) fn finish(&mut self) {
        self.runtime.block_on(self.stream.shutdown()).unwrap();
    }
}

impl Read for Bridge {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = async { tokio::time::timeout(PATIENCE, self.stream.read(bytes)).await };
        self.runtime.block_on(read)?
    }
}

impl Write for Bridge {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = async { tokio::time::timeout(PATIENCE, self.stream.write(bytes)).await };
        self.runtime.block_on(written)?
    }

    fn flush(&mut self) -> io::Result<()> {
        self.runtime.block_on(self.stream.flush())
    }
}
