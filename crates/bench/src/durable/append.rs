//! The floor: one thread that appends what waits to a file, syncs it, and answers.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::BenchError;
use crate::durable::driver::Publishers;

/// What a log needs beside the text: where it belongs, its number, and its length.
const HEADER: usize = 24;

/// Publishers of a log that is nothing but a file.
pub(crate) struct AppendLoop {
    publishers: usize,
    published: Vec<u64>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    answers: Mutex<Answers>,
    told: Condvar,
    syncs: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    ids: Vec<u64>,
    ends: bool,
}

#[derive(Default)]
struct Answers {
    ids: Vec<u64>,
    failed: Option<io::Error>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AppendLoop {
    /// Makes `file`, and begins.
    pub(crate) fn start(file: &Path, publishers: usize, text: &[u8]) -> Result<Self, BenchError> {
        let failed = || format!("making {}", file.display());
        let log = File::create(file).map_err(BenchError::system(failed()))?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let text = text.to_vec();
        let thread = thread::Builder::new()
            .name("append".into())
            .spawn(move || theirs.append(log, &text))
            .map_err(BenchError::system("starting a thread"))?;
        Ok(Self {
            publishers,
            published: Vec::new(),
            shared,
            thread: Some(thread),
        })
    }

    /// Syncs so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.shared.syncs.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn append(&self, mut log: File, text: &[u8]) {
        let (mut ids, mut bytes) = (Vec::new(), Vec::new());
        while self.take(&mut ids) {
            bytes.clear();
            for id in &ids {
                bytes.extend_from_slice(&id.to_be_bytes());
                bytes.resize(bytes.len() + HEADER - size_of::<u64>(), 0);
                bytes.extend_from_slice(text);
            }
            let done = log.write_all(&bytes).and_then(|()| log.sync_data());
            self.syncs.fetch_add(1, Ordering::Relaxed);
            let mut answers = lock(&self.answers);
            match done {
                Ok(()) => answers.ids.append(&mut ids),
                Err(error) => answers.failed = Some(error),
            }
            drop(answers);
            self.told.notify_one();
        }
    }

    fn take(&self, ids: &mut Vec<u64>) -> bool {
        ids.clear();
        let mut waiting = lock(&self.waiting);
        while waiting.ids.is_empty() {
            if waiting.ends {
                return false;
            }
            waiting = self
                .bell
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut waiting.ids, ids);
        true
    }
}

impl Publishers for AppendLoop {
    fn count(&self) -> usize {
        self.publishers
    }

    fn publish(&mut self, _publisher: usize, id: u64) -> Result<(), BenchError> {
        self.published.push(id);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BenchError> {
        if self.published.is_empty() {
            return Ok(());
        }
        lock(&self.shared.waiting).ids.append(&mut self.published);
        self.shared.bell.notify_one();
        Ok(())
    }

    fn answers(&mut self, wait: Duration, answered: &mut Vec<u64>) -> Result<(), BenchError> {
        let mut answers = lock(&self.shared.answers);
        if answers.ids.is_empty() && answers.failed.is_none() && !wait.is_zero() {
            answers = self
                .shared
                .told
                .wait_timeout(answers, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        answered.append(&mut answers.ids);
        let failed = answers.failed.take();
        failed.map_or(Ok(()), |error| {
            Err(BenchError::system("appending to the plain log")(error))
        })
    }
}

impl Drop for AppendLoop {
    fn drop(&mut self) {
        lock(&self.shared.waiting).ends = true;
        self.shared.bell.notify_one();
        if let Some(thread) = self.thread.take() {
            // It ends by itself; if it panicked there is nothing left to do.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_publish_is_in_the_file_and_answered_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let mut log = AppendLoop::start(&file, 2, b"twelve bytes").unwrap();
        let mut answered = Vec::new();
        for id in 0..10 {
            log.publish(0, id).unwrap();
        }
        log.flush().unwrap();
        while answered.len() < 10 {
            log.answers(Duration::from_secs(1), &mut answered).unwrap();
        }
        assert_eq!(answered, (0..10).collect::<Vec<_>>());
        assert!((1..=10).contains(&log.syncs()));
        drop(log);
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(bytes.len(), 10 * (HEADER + 12));
        assert_eq!(bytes[HEADER + 12..][..8], 1u64.to_be_bytes());
    }
}
