//! `parlour chat` and `parlour sub`, as people start them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::everybody::Seen;
use crate::support::{PATIENCE, Server, parlour};

/// A command of the binary, with pipes to it.
pub(crate) struct Terminal {
    child: Child,
    lines: Receiver<String>,
}

impl Terminal {
    /// `parlour chat` in the room `general` under that name.
    pub(crate) fn chat(server: &Server, name: &str) -> Self {
        Self::start(server, &["chat", "--as", name])
    }

    /// `parlour sub` on the room `general`.
    pub(crate) fn sub(server: &Server) -> Self {
        Self::start(server, &["sub", "general"])
    }

    fn start(server: &Server, arguments: &[&str]) -> Self {
        let url = format!("http://{}", server.address());
        let mut child = parlour()
            .args(arguments)
            .args(["--url", &url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line, if one comes soon.
    pub(crate) fn soon(&self) -> Option<String> {
        self.lines.recv_timeout(Duration::from_millis(200)).ok()
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// Types a line.
    pub(crate) fn say(&mut self, text: &str) {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        writeln!(stdin, "{text}").unwrap();
    }

    /// What `parlour chat` shows next; a new name is `*` and what it was and is.
    pub(crate) fn seen(&self) -> Seen {
        let line = self.next();
        if let Some((was, now)) = line.split_once(" is now ") {
            return ("*".to_owned(), format!("{was} to {now}"));
        }
        let said = line.split_once(": ");
        let (who, what) = said.unwrap_or_else(|| panic!("{line}"));
        (who.to_owned(), what.to_owned())
    }

    /// What `parlour sub` shows next; a new name is `*` and what it was and is.
    pub(crate) fn seen_as_json(&self) -> Seen {
        let line = self.next();
        let entry: Value = serde_json::from_str(&line).unwrap();
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("{line}"))
                .to_owned()
        };
        if entry["type"] == "$nick" {
            let [was, now] = ["was", "now"].map(|name| text(&entry["payload"][name]));
            return ("*".to_owned(), format!("{was} to {now}"));
        }
        (text(&entry["from"]), text(&entry["payload"]))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
