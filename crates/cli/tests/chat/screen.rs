//! A pseudo-terminal with somebody before it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::PATIENCE;

/// A command on a screen of 24 lines of 80 characters.
pub(crate) struct Screen {
    child: Child,
    keyboard: File,
    seen: Arc<(Mutex<String>, Condvar)>,
    /// Up to there a test has looked.
    looked: usize,
}

impl Screen {
    /// Without colours, so that words stand together.
    pub(crate) fn start(command: Command) -> Self {
        Self::with(command, &[("NO_COLOR", "1")])
    }

    pub(crate) fn with(mut command: Command, environment: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let end = || File::from(open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
        let child = command
            .env("TERM", "xterm")
            .envs(environment.iter().copied())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let seen = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // An error is the other end's close.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                shared.0.lock().unwrap().push_str(&text);
                shared.1.notify_all();
            }
        });
        Self {
            child,
            keyboard,
            seen,
            looked: 0,
        }
    }

    pub(crate) fn type_(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this has come, after what was looked at before.
    pub(crate) fn until(&mut self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            if let Some(at) = seen[self.looked..].find(what) {
                self.looked += at + what.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what:?} in {:?}", &seen[self.looked..]);
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// All that has come so far.
    pub(crate) fn seen(&self) -> String {
        self.seen.0.lock().unwrap().clone()
    }

    /// Its exit status.
    pub(crate) fn wait(mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap();
            }
            let seen = self.seen.0.lock().unwrap();
            assert!(Instant::now() < deadline, "it does not end: {seen:?}");
            drop(seen);
            std::thread::yield_now();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
