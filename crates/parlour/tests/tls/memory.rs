//! What an idle connection costs in private memory, by TLS. Run by hand:
//! `cargo test --release -p parlour --test tls -- --ignored --nocapture idle`

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use crate::support::{App, Pair, Stranger, beside, echoes};

const CONNECTIONS: usize = 1_000;
const LOTS: usize = 4;
/// Said by the clients when a lot is there.
const DONE: u8 = b'!';
const ADDRESS: &str = "PARLOUR_TEST_ADDRESS";
const CERT: &str = "PARLOUR_TEST_CERT";

/// Private bytes of this process.
fn private_bytes() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let kib = |name: &str| -> usize {
        let line = rollup.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (kib("Private_Clean:") + kib("Private_Dirty:")) * 1024
}

/// The clients, in a process of their own.
fn clients(app: &App) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "--nocapture",
            "memory::clients_of_the_measurement",
        ])
        .env(ADDRESS, app.address.to_string())
        .env(CERT, hex(&app.pair.der))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Lets the clients open another lot of connections, and waits until all are there.
fn another_lot(child: &mut Child) {
    child.stdin.as_mut().unwrap().write_all(b"more\n").unwrap();
    let mut heard = [0];
    while heard != [DONE] {
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut heard)
            .unwrap();
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn idle_connections_cost_so_much_private_memory() {
    parlour::raise_nofile_limit().unwrap();
    let app = App::start().await;
    let mut child = clients(&app);
    // The first lot also pays for what is made once, and for what handshakes leave in the heap.
    let mut before = private_bytes();
    for lot in 1..=LOTS {
        child = beside(move || {
            another_lot(&mut child);
            child
        })
        .await;
        assert_eq!(app.hub.connections(), lot * CONNECTIONS);
        let after = private_bytes();
        let each = after.saturating_sub(before) / CONNECTIONS;
        println!("lot {lot}: {CONNECTIONS} idle TLS connections, {each} bytes each");
        before = after;
    }
    drop(child.stdin.take());
    child.wait().unwrap();
    app.stop().await;
}

#[test]
#[ignore = "the other half of the measurement"]
fn clients_of_the_measurement() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    parlour::raise_nofile_limit().unwrap();
    let pair = Pair {
        der: unhex(&std::env::var(CERT).unwrap()).into(),
        cert: String::new(),
        key: String::new(),
    };
    let stranger = Stranger {
        address: address.parse().unwrap(),
        trust: pair.trust(),
    };
    let mut sockets = Vec::new();
    for _more in std::io::stdin().lines() {
        for _ in 0..CONNECTIONS {
            let mut socket = stranger.socket("/echo");
            echoes(&mut socket, "one message, then silence");
            sockets.push(socket);
        }
        let mut stdout = std::io::stdout();
        stdout.write_all(&[DONE]).unwrap();
        stdout.flush().unwrap();
    }
}
