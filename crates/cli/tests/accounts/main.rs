//! What `parlour user` promises, by the real binary: on a stopped server and on a live one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod live;
mod places;
mod stopped;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::parlour;

const PASSWORD: &str = "correct horse";
const OTHER: &str = "battery staple";

/// `parlour user …` on a data directory.
fn user(data: &Path, arguments: &[&str]) -> Command {
    let mut command = parlour();
    command.arg("user").args(arguments).arg("--data").arg(data);
    command
}

/// Runs it with `input` on standard input.
fn run(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who fails before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// It succeeds; gives what it prints.
fn does(data: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(user(data, arguments), input);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    assert_eq!(said, "");
    String::from_utf8(output.stdout).unwrap()
}

/// It fails with status 1 and one line, which holds `words`.
fn fails(data: &Path, arguments: &[&str], input: &str, words: &[&str]) {
    assert_failed(&run(user(data, arguments), input), words);
}

fn assert_failed(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("parlour: "), "{said}");
    for words in words {
        assert!(said.contains(words), "{said} does not say {words}");
    }
    assert!(output.stdout.is_empty());
}

fn add(data: &Path, name: &str) {
    let said = does(data, &["add", name, "--password-stdin"], PASSWORD);
    assert!(said.ends_with(&format!("added {name}\n")), "{said}");
}

/// Names and open sessions, as programs are told.
fn list(data: &Path) -> Vec<(String, u64)> {
    does(data, &["list", "--json"], "")
        .lines()
        .map(|line| {
            let user: serde_json::Value = serde_json::from_str(line).unwrap();
            let name = user["name"].as_str().unwrap().to_owned();
            (name, user["sessions"].as_u64().unwrap())
        })
        .collect()
}

fn names(data: &Path) -> Vec<String> {
    list(data).into_iter().map(|(name, _)| name).collect()
}
