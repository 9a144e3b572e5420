//! The socket as others meet it: wrong words, silence, leftovers and foreign places.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use parlour::{Doors, Hub, HubConfig};
use parlour_accounts::{Book, BookConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::server::CONNECTIONS_MAX;
use super::*;

/// A served socket in a data directory of its own.
struct Live {
    data: PathBuf,
    _parent: TempDir,
    serving: JoinHandle<()>,
    _hub: Hub,
}

impl Live {
    fn start() -> Self {
        Self::start_in("data")
    }

    fn start_in(name: &str) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join(name);
        fs::create_dir(&data).unwrap();
        let book = Book::open(&data.join(Book::FILE_NAME), BookConfig::default()).unwrap();
        let hub = Hub::start(HubConfig::default()).unwrap();
        let doors = Doors::new(&hub, "127.0.0.1:80".parse().unwrap());
        let socket = ControlSocket::bind(&data).unwrap();
        let serving = tokio::spawn(serve(socket, book, None, doors));
        Self {
            data,
            _parent: parent,
            serving,
            _hub: hub,
        }
    }

    async fn connect(&self) -> UnixStream {
        let path = self.data.join("control.sock");
        UnixStream::connect(path).await.unwrap()
    }

    /// All that is answered to these bytes.
    async fn say(&self, bytes: &[u8]) -> Value {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        let answer = to_the_end(&mut stream).await;
        assert_eq!(answer.lines().count(), 1, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }
}

async fn to_the_end(stream: &mut UnixStream) -> String {
    let mut answer = String::new();
    // A server that has not read everything resets the connection after its answer.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn one_line_is_answered_with_one_line() {
    let live = Live::start();
    let pong = live.say(b"{\"command\":\"ping\"}\n").await;
    assert_eq!(pong["pong"]["version"], env!("CARGO_PKG_VERSION"));
    let add = b"{\"command\":\"user_add\",\"name\":\"Ann\",\"password\":\"correct horse\"}\n";
    assert_eq!(live.say(add).await, json!({"added": {"name": "Ann"}}));
    assert_eq!(live.say(add).await["refused"]["code"], "exists");
    let list = live.say(b"{\"command\":\"user_list\"}\n").await;
    assert_eq!(list["users"]["users"][0]["name"], "Ann");
    assert_eq!(list["users"]["is_last"], true);
    let remove = b"{\"command\":\"user_remove\",\"name\":\"ANN\"}\n";
    let ended = json!({"ended": {"name": "Ann", "sessions": 0}});
    assert_eq!(live.say(remove).await, ended);
    assert_eq!(live.say(remove).await["refused"]["code"], "unknown");
}

#[tokio::test]
async fn what_is_no_request_is_refused_without_repeating_it() {
    let live = Live::start();
    let long = [&vec![b'x'; REQUEST_BYTES_MAX], &b"\n"[..]].concat();
    for bytes in [
        &b"\n"[..],
        b"hello\n",
        b"{\"command\":\"user_ban\",\"password\":\"secret one\"}\n",
        b"{\"command\":\"user_add\",\"name\":7,\"password\":\"secret one\"}\n",
        b"\xff\xfe\n",
        &long,
    ] {
        let answer = live.say(bytes).await;
        assert_eq!(answer["refused"]["code"], "bad_request");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    live.say(b"{\"command\":\"ping\"}\n").await;
}

#[tokio::test]
async fn a_request_that_breaks_off_is_no_request() {
    let live = Live::start();
    let mut stream = live.connect().await;
    stream.write_all(b"{\"command\":\"ping\"}").await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(to_the_end(&mut stream).await.contains("bad_request"));
}

#[tokio::test(start_paused = true)]
async fn the_silent_are_let_go_and_keep_nobody_out() {
    let live = Live::start();
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        silent.push(live.connect().await);
    }
    let pong = live.say(b"{\"command\":\"ping\"}\n").await;
    assert!(pong["pong"].is_object());
    for mut stream in silent {
        assert_eq!(to_the_end(&mut stream).await, "");
    }
}

#[tokio::test]
async fn the_socket_is_its_owners_and_goes_with_the_server() {
    let live = Live::start();
    let path = live.data.join("control.sock");
    let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    live.serving.abort();
    let _ = live.serving.await;
    assert!(!path.exists());
}

#[tokio::test]
async fn what_a_dead_server_left_is_replaced_and_nothing_else_is() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left behind");
    drop(ControlSocket::bind(data.path()).unwrap());

    fs::write(&path, "somebody's notes").unwrap();
    let refused = ControlSocket::bind(data.path()).err().unwrap();
    assert!(matches!(refused, ControlError::InTheWay(_)), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), b"somebody's notes");
}

#[tokio::test]
async fn a_directory_that_others_write_into_is_refused() {
    let data = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o702] {
        fs::set_permissions(data.path(), PermissionsExt::from_mode(mode)).unwrap();
        let refused = ControlSocket::bind(data.path()).err().unwrap();
        assert!(refused.to_string().contains("chmod 700"), "{refused}");
    }
    fs::set_permissions(data.path(), PermissionsExt::from_mode(0o755)).unwrap();
    ControlSocket::bind(data.path()).unwrap();
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_is_none_for_this_one() {
    let live = Live::start_in(&"d".repeat(120));
    let data = live.data.clone();
    let asking = tokio::task::spawn_blocking(move || ask(&data, &Request::Ping));
    let pong = asking.await.unwrap().unwrap();
    assert!(matches!(pong, Some(Answer::Pong { .. })), "{pong:?}");
}

#[test]
fn nobody_listens_where_there_is_nothing() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(ask(data.path(), &Request::Ping).unwrap(), None);
    assert_eq!(ask(Path::new("/missing"), &Request::Ping).unwrap(), None);
}
