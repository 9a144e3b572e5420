use super::*;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Gives its errors first, and then what the listener gives.
struct Faulty {
    errors: VecDeque<io::Error>,
    listener: TcpListener,
}

impl Accept for Faulty {
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        match self.errors.pop_front() {
            Some(error) => Err(error),
            None => self.listener.accept().await,
        }
    }
}

fn hello() -> Router {
    Router::new().route("/", axum::routing::get(|| async { "hello" }))
}

fn serving(router: Router) -> Serving {
    Serving {
        router,
        tls: None,
        limits: ListenerLimits::default(),
    }
}

/// A listener, and a client that has asked it for `/`.
async fn asked() -> (TcpListener, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write_all(request).await.unwrap();
    (listener, client)
}

async fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn a_shortage_of_handles_is_waited_out() {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let errors = [EMFILE, ENFILE, EMFILE].map(io::Error::from_raw_os_error);
    let source = Faulty {
        errors: errors.into(),
        listener,
    };
    let start = tokio::time::Instant::now();
    let (stop, stopped) = oneshot::channel::<()>();
    let slots = Slots::new(&ListenerLimits::default(), &[]);
    let server = tokio::spawn(serve_from(source, slots, serving(hello()), async {
        drop(stopped.await);
    }));
    assert!(get(address).await.ends_with("hello"));
    assert!(
        start.elapsed() >= 3 * ListenerLimits::default().accept_pause,
        "each failure is followed by a pause"
    );
    stop.send(()).unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_client_that_breaks_off_costs_no_pause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let errors = [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset].map(io::Error::from);
    let mut source = Faulty {
        errors: errors.into(),
        listener,
    };
    let _client = TcpStream::connect(address).await.unwrap();
    let mut accepting = Accepting::new(ListenerLimits::default().accept_pause);
    accepting.next(&mut source).await;
    assert!(source.errors.is_empty() && !accepting.is_out_of_handles);
}

#[tokio::test]
async fn a_stopped_listener_ends_its_idle_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stop_signal = async { drop(stopped.await) };
    let server = tokio::spawn(serve(listener, hello(), stop_signal));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 1024];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    stop.send(()).unwrap();
    let under_way = server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    under_way.finish(Duration::from_secs(60)).await;
    assert_eq!(idle.read(&mut buffer).await.unwrap(), 0);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, hello(), std::future::pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(ListenerLimits::default().head_bytes_max)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_take_its_answer_is_cut() {
    const BODY_BYTES: usize = 64 * 1024 * 1024;
    let body = bytes::Bytes::from(vec![b'x'; BODY_BYTES]);
    let router = Router::new().route("/", axum::routing::get(|| async { body }));
    let (listener, mut client) = asked().await;
    let (stream, peer) = listener.accept().await.unwrap();
    let (_stop, stopped) = stop::pair();
    let serving = Arc::new(serving(router));
    let slots = Slots::new(&serving.limits, &[]);
    let slot = slots.fill(slots.free().await, peer.ip()).unwrap();
    let served = connection::serve(stream, peer, serving, stopped, slot);
    tokio::time::timeout(2 * ListenerLimits::default().write_time, served)
        .await
        .expect("the connection ends although its client reads nothing");
    let mut taken = Vec::new();
    let end = client.read_to_end(&mut taken).await;
    assert!(end.is_err() && taken.len() < BODY_BYTES, "{end:?}");
}

#[tokio::test]
async fn a_request_that_is_unclear_about_its_host_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, hello(), std::future::pending()));
    for (head, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n", "200"),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n", "200"),
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "400"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n", "400"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{head}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(&answer[9..12], status, "{head}");
    }
}

#[tokio::test]
async fn who_is_left_after_the_grace_is_cut() {
    let (begun, mut is_begun) = tokio::sync::mpsc::channel(1);
    let never = move || async move {
        begun.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/", axum::routing::get(never));
    let (listener, mut client) = asked().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, router, async {
        drop(stopped.await);
    }));
    is_begun.recv().await.unwrap();
    stop.send(()).unwrap();
    server.await.unwrap().finish(Duration::ZERO).await;
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}
