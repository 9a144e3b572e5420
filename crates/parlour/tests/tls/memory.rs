//! What an idle connection costs in private memory, by TLS. Run by hand:
//! `cargo test --release -p parlour --test tls -- --ignored --nocapture idle`

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use crate::support::{App, Pair, Stranger, beside, echoes};

const CONNECTIONS: usize = 1_000;
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

/// Waits until the clients say that they are all there.
fn all_there(child: &mut Child) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    for line in lines {
        if line.unwrap().contains("all are here") {
            return;
        }
    }
    panic!("the clients have gone");
}

#[tokio::test]
#[ignore = "a measurement"]
async fn idle_connections_cost_so_much_private_memory() {
    let app = App::start().await;
    // What is made once is made before.
    let warm = app.stranger();
    beside(move || (0..50).for_each(|_| echoes(&mut warm.socket("/echo"), "warm"))).await;
    let before = private_bytes();
    let mut child = clients(&app);
    let mut child = beside(move || {
        all_there(&mut child);
        child
    })
    .await;
    assert_eq!(app.hub.connections(), CONNECTIONS);
    let after = private_bytes();
    println!(
        "{CONNECTIONS} idle TLS connections: {} bytes each",
        after.saturating_sub(before) / CONNECTIONS
    );
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
    for _ in 0..CONNECTIONS {
        let mut socket = stranger.socket("/echo");
        echoes(&mut socket, "one message, then silence");
        sockets.push(socket);
    }
    println!("all are here");
    std::io::stdout().flush().unwrap();
    // Until the other half has looked.
    let _ = std::io::stdin().read_line(&mut String::new());
}
