//! Settings without sense, and the end of the server: D05, D12, D13.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

use crate::double::Fault;
use crate::target::{Setup, Target, prove, require_orderly};
use crate::wire::{Outcome, parlour, require, while_doing};

/// D05: the race is inside; that the end is in order whoever speaks, comes and goes meanwhile can
/// be seen from outside. (The hub's own promise is tested in `crates/hub/tests/promises/close.rs`.)
#[test]
fn d05_publishing_coming_and_going_while_the_server_stops_harms_nothing() {
    const SPEAKERS: usize = 4;
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let start = Barrier::new(SPEAKERS + 2);
        thread::scope(|scope| {
            for number in 0..SPEAKERS {
                let mut speaker = way.enter_as_guest(&format!("speaker{number}"), "den")?;
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    while speaker.say("on and on").is_ok() && speaker.heard().is_ok() {}
                });
            }
            let (start, way) = (&start, &way);
            scope.spawn(move || {
                start.wait();
                while way.enter_as_guest("visitor", "den").is_ok() {}
            });
            start.wait();
            target.begin_stop()
        })?;
        require_orderly(&target.ended()?)
    }
    prove(&Setup::default(), check, &[Fault::PublishAfterStopKills]);
}

/// D12: whether a loop inside spins cannot be seen (that an idle shard sleeps is tested by
/// `an_idle_connection_wakes_its_shard_at_its_ping_and_not_before`); that a stop is one, and that
/// who comes later is refused instead of hanging, can.
#[test]
fn d12_a_stop_comes_to_its_end_and_who_comes_later_is_refused() {
    const SETUP: Setup = Setup {
        flags: &["--shutdown-timeout", "1s"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let ticket = way.guest("silent")?;
        let _never_answers = way.open_bare(&format!("/ws?otp={ticket}"))?;
        target.begin_stop()?;
        require_orderly(&target.ended()?)?;
        require(TcpStream::connect(way.address).is_err(), || {
            "somebody still listens".to_owned()
        })
    }
    prove(&SETUP, check, &[Fault::StopNeverEnds]);
}

/// It must end by itself, with an error that names the setting.
fn check_refusal(mut server: Command, setting: &str) -> Outcome<()> {
    let child = server.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(while_doing("starting"))?;
    let mut printed = String::new();
    if let Some(stdout) = child.stdout.take() {
        // Up to its first line, or to its end.
        let read = BufReader::new(stdout).read_line(&mut printed);
        read.map_err(while_doing("reading"))?;
    }
    if !printed.is_empty() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(while_doing("waiting"))?;
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    require(printed.is_empty(), || format!("it has started: {printed}"))?;
    require(matches!(status.code(), Some(1 | 2)), || {
        format!("{status}: {said}")
    })?;
    let is_other = said.contains("panicked") || said.contains("unexpected argument");
    require(said.contains(setting) && !is_other, || {
        format!("it does not name {setting}: {said}")
    })
}

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    shell
}

/// D13.
#[test]
fn d13_an_interval_of_zero_stops_the_start_with_a_message_that_names_it() {
    let panics = "echo 'thread main panicked at --ping-interval' >&2; exit 101";
    let starts = "echo 'listening on http://127.0.0.1:1'; exec sleep 5";
    let is_silent = "exit 1";
    let knows_none = "echo \"error: unexpected argument '--ping-interval'\" >&2; exit 2";
    for double in [panics, starts, is_silent, knows_none] {
        assert!(check_refusal(shell(double), "--ping-interval").is_err());
    }
    let good = "echo 'error: --ping-interval must be at least 1s' >&2; exit 1";
    check_refusal(shell(good), "--ping-interval").unwrap();

    let data = tempfile::tempdir().unwrap();
    for setting in ["--ping-interval", "--pong-timeout", "--ticket-ttl"] {
        let mut server = parlour();
        server.args(["serve", "--addr", "127.0.0.1:0", "--data"]);
        server.arg(data.path()).args([setting, "0s"]);
        check_refusal(server, setting).unwrap();
    }
}
