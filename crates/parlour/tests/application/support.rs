//! A server in this process, and independent clients for it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use parlour::{Doors, DoorsConfig, Hub, HubConfig};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tungstenite::{Message, WebSocket};

/// How long a client waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Socket = WebSocket<TcpStream>;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) runtime: Runtime,
}

impl Server {
    /// The doors as they are, and a free one at `/NAME` for each name.
    pub(crate) fn start(config: HubConfig, free: &[&'static str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let entered = runtime.enter();
        let hub = Hub::start(config).unwrap();
        drop(entered);
        let doors = Doors::with(&hub, DoorsConfig::new(address));
        let mut app: Router = doors.routes();
        for name in free {
            app = app.route(&format!("/{name}"), doors.free_door(name, None));
        }
        runtime.spawn(parlour::serve(listener, app, std::future::pending()));
        Self {
            address,
            hub,
            runtime,
        }
    }

    /// A connection to a free door.
    pub(crate) fn connect(&self, path: &str) -> Socket {
        self.try_connect(path).unwrap()
    }

    pub(crate) fn try_connect(&self, path: &str) -> Result<Socket, String> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("ws://{}{path}", self.address);
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                let body = answer.body().clone().unwrap_or_default();
                let body = String::from_utf8(body).unwrap();
                Err(format!("{} {body}", answer.status().as_u16()))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// A guest's connection to the events door.
    pub(crate) fn events(&self) -> Socket {
        let ticket = self.ticket();
        self.connect(&format!("/ws?otp={ticket}"))
    }

    /// A guest's ticket.
    pub(crate) fn ticket(&self) -> String {
        let (status, body) = self.post("/ticket", "{}");
        assert_eq!(status, 200, "{body}");
        let given: serde_json::Value = serde_json::from_str(&body).unwrap();
        given["otp"].as_str().unwrap().to_owned()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    pub(crate) fn shut_down(&self) -> usize {
        self.runtime.block_on(self.hub.shutdown(PATIENCE))
    }
}

pub(crate) fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).unwrap();
}

pub(crate) fn hear(socket: &mut Socket) -> String {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn ask(socket: &mut Socket, text: &str) -> String {
    say(socket, text);
    hear(socket)
}

/// The code of the close that comes, whatever comes before it; `None` for one without a code.
pub(crate) fn close_code(socket: &mut Socket) -> Option<u16> {
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits for something that must come, without a clock.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// What happened, in its order.
#[derive(Default)]
pub(crate) struct Diary(Mutex<Vec<String>>);

impl Diary {
    pub(crate) fn note(&self, what: impl Into<String>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(what.into());
    }

    pub(crate) fn read(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
