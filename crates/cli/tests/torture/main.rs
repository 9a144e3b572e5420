//! `parlour torture`, each scenario for a few seconds: it finds nothing where nothing is wrong, says that
//! it saw too little, and finds what is planted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use serde_json::Value;

/// A load that fits beside other tests.
const LOAD: [&str; 8] = [
    "--publishers",
    "6",
    "--rate",
    "20",
    "--subscribers",
    "12",
    "--rooms",
    "3",
];

fn torture(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
    command.arg("torture").args(arguments);
    command.output().unwrap()
}

/// The report, and the exit status.
fn report(arguments: &[&str]) -> (Value, Option<i32>) {
    let output = torture(&[arguments, &["--json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{error}"));
    (report, output.status.code())
}

/// Nothing is wrong: no rule is broken, and no bound that is not one of time, which belongs to a machine
/// that does nothing else.
fn honest(report: &Value) {
    assert_eq!(report["history"]["violations"], 0, "{report:#}");
    assert!(
        report["history"]["acks"].as_u64().unwrap() > 0,
        "{report:#}"
    );
    let limits = report["limits"].as_array().unwrap();
    let mut untimed = limits.iter().filter(|it| it["unit"] != "s");
    assert!(untimed.all(|it| it["holds"] == true), "{report:#}");
}

/// The same, and too little was seen to say so.
fn honest_but_short(report: &Value, status: Option<i32>) {
    honest(report);
    assert_ne!(status, Some(0), "{report:#}");
    assert_ne!(report["verdict"], "ok", "{report:#}");
}

fn violated<'a>(report: &'a Value, status: Option<i32>, kind: &str) -> &'a Value {
    assert_eq!(report["verdict"], "violated", "{report:#}");
    assert_eq!(status, Some(1));
    let all = report["history"]["first"].as_array().unwrap();
    let found = all.iter().find(|it| it["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}: {report:#}"))
}

#[test]
fn killed_with_publishes_in_flight_a_durable_server_loses_nothing() {
    let kill = ["kill", "--kills", "3", "--uptime", "1", "--seed", "7"];
    let preload = ["--preload", "600"];
    let (report, status) = report(&[&kill[..], &preload, &LOAD].concat());
    honest_but_short(&report, status);
    assert_eq!(report["seed"], 7);
    assert_eq!(report["measured"]["kills"], 3);
    assert_eq!(report["measured"]["disconnects"], 3 * 18, "{report:#}");
}

#[test]
fn what_a_volatile_server_loses_is_found_with_its_room_and_seq() {
    let kill = ["kill", "--kills", "1", "--uptime", "1"];
    let planted = ["--server-arg=--rooms=*=volatile"];
    let (report, status) = report(&[&kill[..], &LOAD, &planted].concat());
    let lost = violated(&report, status, "lost");
    assert!(
        lost["room"].as_str().unwrap().starts_with("torture-"),
        "{lost}"
    );
    assert!(lost["seq"].as_u64().unwrap() >= 1, "{lost}");
    assert_eq!(lost["epoch"].as_str().unwrap().len(), 16, "{lost}");
    assert!(report["history"]["new_epochs"].as_u64().unwrap() > 0);
}

#[test]
fn people_read_the_offending_room_and_seq() {
    let arguments = [
        "kill",
        "--kills",
        "1",
        "--uptime",
        "0.5",
        "--server-arg=--rooms=*=volatile",
    ];
    let output = torture(&[&arguments[..], &LOAD].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("! lost: room torture-") && text.contains(", seq "),
        "{text}"
    );
    assert!(
        text.lines().last().unwrap().starts_with("VIOLATED: "),
        "{text}"
    );
}

#[test]
fn a_stopped_server_goes_on_with_everybody() {
    let pause = [
        "pause",
        "--seconds",
        "2",
        "--server-arg=--ping-interval=500ms",
    ];
    let patience = ["--server-arg=--pong-timeout=500ms"];
    let (report, status) = report(&[&pause[..], &patience, &LOAD].concat());
    honest_but_short(&report, status);
    assert_eq!(report["measured"]["disconnects"], 0);
}

/// Beyond what the kernel takes of each of them.
const SLOW: [&str; 13] = [
    "slow-readers",
    "--subscribers",
    "20",
    "--slow",
    "5",
    "--rate",
    "150",
    "--payload",
    "16000",
    "--seconds",
    "2",
    "--rounds",
    "1",
];

#[test]
fn readers_that_take_nothing_get_all_of_it_or_a_notice_afterwards() {
    let (report, status) = report(&SLOW);
    assert_eq!(report["history"]["violations"], 0, "{report:#}");
    // Not the p99 and not the memory: other tests run beside this one, and it is short.
    let limits = report["limits"].as_array().unwrap();
    for name in ["slow ones not complete", "disconnects in all"] {
        let limit = limits.iter().find(|it| it["name"] == name).unwrap();
        assert_eq!(limit["holds"], true, "{limit}");
    }
    assert_ne!(status, Some(0), "one round is too little");
}

#[test]
fn a_server_that_cuts_slow_readers_off_is_found() {
    let impatient = ["--server-arg=--slow-reader-timeout=100ms"];
    let (report, status) = report(&[&SLOW[..], &impatient].concat());
    assert_eq!(
        (&report["verdict"], status),
        (&"violated".into(), Some(1)),
        "{report:#}"
    );
    let why = report["why"].to_string();
    assert!(why.contains("disconnects in all"), "{why}");
}

#[test]
fn a_storm_of_signed_in_clients_comes_back_without_a_password() {
    let storm = [
        "storm",
        "--clients",
        "60",
        "--users",
        "2",
        "--rooms",
        "3",
        "--steady",
        "1",
    ];
    let (report, status) = report(&storm);
    assert_eq!(report["history"]["violations"], 0, "{report:#}");
    // Not the memory: of so few clients it is noise.
    let limits = report["limits"].as_array().unwrap();
    for name in [
        "complete after ready, all",
        "clients not back",
        "sessions refused",
    ] {
        let limit = limits.iter().find(|it| it["name"] == name).unwrap();
        assert_eq!(limit["holds"], true, "{limit}");
    }
    assert_ne!(status, Some(0), "sixty are no storm");
}

#[test]
fn a_full_disk_refuses_by_name_and_needs_no_restart() {
    let (report, status) = report(&["disk-full", "--seconds", "2", "--disk", "64"]);
    if report["history"]["acks"] == 0 {
        let why = report["why"].to_string();
        assert!(why.contains("right to mount"), "{why}");
        assert_eq!(status, Some(2));
        return;
    }
    honest(&report);
    assert!(
        report["measured"]["refused_disk_full"].as_u64().unwrap() > 0,
        "{report:#}"
    );
}

#[test]
fn the_clock_jumps_or_the_reason_is_said() {
    let clock = ["clock", "--seconds", "1"];
    let (report, status) = report(&[&clock[..], &LOAD].concat());
    if report["history"]["acks"] == 0 {
        let why = report["why"].to_string();
        assert!(why.contains("libfaketime"), "{why}");
        assert_eq!(status, Some(2));
        return;
    }
    honest(&report);
}

#[test]
fn what_cannot_be_done_is_said_with_its_fix() {
    for (arguments, words, status) in [
        (&["kill", "--rooms", "0"][..], "--rooms", 2),
        (&["pause", "--url", "http://127.0.0.1:1"], "--pid", 2),
        (&["storm", "--clients", "900000"], "ulimit", 2),
        (
            &["slow-readers", "--slow", "9", "--subscribers", "9"],
            "--subscribers",
            2,
        ),
        (
            &["kill", "--server", "/nonexistent/parlour"],
            "did not start",
            1,
        ),
        (&["kill", "--server-arg=--nonsense"], "--nonsense", 1),
    ] {
        let output = torture(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(words), "{arguments:?}: {error}");
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
    }
}
