//! A disk in memory that keeps what was synced, and can lose its power.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

/// A disk without power after so many steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(pub(super) Arc<Mutex<Plates>>);

#[derive(Debug, Default)]
pub(super) struct Plates {
    /// What a reader sees while there is power.
    pub(super) now: Vec<u8>,
    /// What was synced last.
    pub(super) synced: Vec<u8>,
    /// What was done since.
    pub(super) since: Vec<Step>,
    /// Steps that are left; then the power is gone.
    power: usize,
    pub(super) taken: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Step {
    pub(super) fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Length(length) => to.resize(*length, 0),
            Self::Write(at, bytes) => {
                let end = at + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*at..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Plates {
    fn step(&mut self, step: Option<Step>) -> io::Result<()> {
        if self.power == 0 {
            return Err(io::Error::other("no power"));
        }
        self.power -= 1;
        self.taken += 1;
        match step {
            Some(step) => {
                step.apply(&mut self.now);
                self.since.push(step);
            }
            None => {
                self.synced = self.now.clone();
                self.since.clear();
            }
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let plates = self.0.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        let there = plates.now.get(at..at + out.len());
        out.copy_from_slice(there.ok_or_else(|| io::Error::other("past the end"))?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        self.0.lock().unwrap().step(Some(Step::Length(length)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.lock().unwrap().step(None)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        self.0
            .lock()
            .unwrap()
            .step(Some(Step::Write(at, data.to_vec())))
    }
}

impl Disk {
    pub(crate) fn with_power(power: usize) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().power = power;
        disk
    }

    /// From here on nothing can be written.
    pub(crate) fn cut_power(&self) {
        self.0.lock().unwrap().power = 0;
    }
}
