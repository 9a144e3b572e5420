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
        urgent: Urgent::default(),
        place_time: HTTP_PLACE_TIME,
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

#[tokio::test]
async fn an_answer_does_not_wait_for_what_was_sent_before() {
    let mut listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (stream, _) = Accepting::new(Duration::ZERO).next(&mut listener).await;
    assert!(stream.nodelay().unwrap());
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

/// Serves `listener` with places for `served_max`, each to be had for `place_time`.
fn serve_in_places(
    listener: TcpListener,
    router: Router,
    served_max: usize,
    place_time: Duration,
) -> tokio::task::JoinHandle<UnderWay> {
    let mut serving = serving(router);
    serving.limits.http_served_max = served_max;
    serving.place_time = place_time;
    serving.urgent = Urgent::new(["/healthz".to_owned()]);
    let slots = Slots::new(&serving.limits, &[]);
    let never = std::future::pending();
    tokio::spawn(async move { serve_from(listener, slots, serving, never).await })
}

async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn answer_of(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const AN_HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn of_a_crowd_so_many_are_served_at_once_and_the_others_wait_for_them() {
    const CROWD: usize = 40;
    const SERVED_MAX: usize = 8;
    const OF_LOOPBACK: usize = 6;
    let (begun, mut is_begun) = tokio::sync::mpsc::channel(CROWD);
    let go_on = Arc::new(tokio::sync::Semaphore::new(0));
    let served = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let handler = {
        let (go_on, served) = (go_on.clone(), served.clone());
        move || async move {
            let now = served.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            begun.try_send(now).unwrap();
            go_on.acquire().await.unwrap().forget();
            served.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            "hello"
        }
    };
    let router = Router::new().route("/", axum::routing::get(handler));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(ask(address, "/").await);
    }
    let _server = serve_in_places(listener, router, SERVED_MAX, AN_HOUR);
    for begun in 1..=CROWD {
        let at_once = is_begun.recv().await.unwrap();
        assert!(at_once <= OF_LOOPBACK, "{at_once} at once");
        if begun >= OF_LOOPBACK {
            go_on.add_permits(1);
        }
    }
    go_on.add_permits(OF_LOOPBACK);
    for client in crowd {
        assert!(answer_of(client).await.ends_with("hello"));
    }
}

/// A router whose `/never` is never answered, and which says when it was asked for.
fn never_answering() -> (Router, tokio::sync::mpsc::Receiver<()>) {
    let (begun, is_begun) = tokio::sync::mpsc::channel(8);
    let never = move || async move {
        begun.try_send(()).unwrap();
        std::future::pending::<()>().await;
    };
    let health = axum::routing::get(|| async { "ok" });
    let router = hello()
        .route("/never", axum::routing::get(never))
        .route("/healthz", health);
    (router, is_begun)
}

#[tokio::test]
async fn who_takes_long_goes_on_and_lets_the_next_one_in() {
    let (router, mut is_begun) = never_answering();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _server = serve_in_places(listener, router, 1, Duration::from_millis(1));
    let slow = ask(address, "/never").await;
    is_begun.recv().await.unwrap();
    let mut half_a_head = TcpStream::connect(address).await.unwrap();
    half_a_head.write_all(b"GET / HT").await.unwrap();
    assert!(get(address).await.ends_with("hello"));
    let rest = b"TP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    half_a_head.write_all(rest).await.unwrap();
    assert!(answer_of(half_a_head).await.ends_with("hello"));
    drop(slow);
}

#[tokio::test]
async fn what_is_urgent_does_not_wait_for_the_others() {
    let (router, mut is_begun) = never_answering();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _server = serve_in_places(listener, router, 1, AN_HOUR);
    let slow = ask(address, "/never").await;
    is_begun.recv().await.unwrap();
    let waiting = ask(address, "/").await;
    assert!(
        answer_of(ask(address, "/healthz").await)
            .await
            .ends_with("ok")
    );
    drop(slow);
    assert!(answer_of(waiting).await.ends_with("hello"));
}

#[tokio::test]
async fn who_says_nothing_takes_no_place() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let _server = serve_in_places(listener, hello(), 1, AN_HOUR);
    assert!(get(address).await.ends_with("hello"));
}
