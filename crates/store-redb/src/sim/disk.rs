//! A disk in memory that promises what a disk promises: what was synced stays. Of the rest a crash
//! leaves what it likes, torn in the middle of a page if it likes.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::dice::Dice;
use crate::medium::Medium;

const PAGE: usize = 4096;
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Bytes in pages that images share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    pages: Vec<Option<Arc<[u8; PAGE]>>>,
    length: usize,
}

impl Image {
    fn set_length(&mut self, length: usize) {
        self.pages.resize(length.div_ceil(PAGE), None);
        self.length = length;
    }

    fn write(&mut self, mut at: usize, mut bytes: &[u8]) {
        if self.length < at + bytes.len() {
            self.set_length(at + bytes.len());
        }
        while !bytes.is_empty() {
            let begin = at % PAGE;
            let count = bytes.len().min(PAGE - begin);
            let page = self.pages[at / PAGE].get_or_insert_with(|| Arc::new([0; PAGE]));
            Arc::make_mut(page)[begin..begin + count].copy_from_slice(&bytes[..count]);
            (at, bytes) = (at + count, &bytes[count..]);
        }
    }

    fn read(&self, mut at: usize, mut out: &mut [u8]) -> io::Result<()> {
        if at + out.len() > self.length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        while !out.is_empty() {
            let begin = at % PAGE;
            let count = out.len().min(PAGE - begin);
            let (now, rest) = out.split_at_mut(count);
            match &self.pages[at / PAGE] {
                Some(page) => now.copy_from_slice(&page[begin..begin + count]),
                None => now.fill(0),
            }
            (at, out) = (at + count, rest);
        }
        Ok(())
    }

    /// The pages that were ever written, by their first byte.
    pub(crate) fn written(&self) -> Vec<usize> {
        let pages = self.pages.iter().enumerate();
        pages
            .filter_map(|(index, page)| page.as_ref().map(|_| index * PAGE))
            .collect()
    }

    /// Of these, the pages with `needle` in them, wherever it stands.
    #[cfg(test)]
    pub(crate) fn pages_with(&self, needle: &[u8]) -> Vec<usize> {
        let is_in = |at: &usize| {
            let page = self.pages.get(at / PAGE).and_then(Option::as_ref);
            page.is_some_and(|page| page.windows(needle.len()).any(|window| window == needle))
        };
        self.written().into_iter().filter(is_in).collect()
    }

    pub(crate) fn flip(&mut self, byte: usize, bit: u32) {
        let mut one = [0];
        if self.read(byte, &mut one).is_ok() {
            self.write(byte, &[one[0] ^ (1 << (bit % 8))]);
        }
    }
}

#[derive(Clone, Debug)]
enum Written {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Written {
    fn apply(&self, to: &mut Image) {
        match self {
            Self::Length(length) => to.set_length(*length),
            Self::Bytes(at, bytes) => to.write(*at, bytes),
        }
    }

    /// Some of its sectors.
    fn tear(&self, to: &mut Image, dice: &mut Dice) {
        let Self::Bytes(at, bytes) = self else {
            return;
        };
        for (index, sector) in bytes.chunks(SECTOR).enumerate() {
            if dice.one_in(2) {
                to.write(at + index * SECTOR, sector);
            }
        }
    }
}

/// What a crash leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Every byte that was not synced is gone.
    Nothing,
    /// Everything up to some write, and that one torn.
    TornLast,
    /// Any, in any order, torn or whole.
    Some,
    /// All of it: a killed process, and no power cut.
    All,
}

#[derive(Debug, Default)]
struct Plates {
    /// What a reader sees.
    now: Image,
    synced: Image,
    /// Since the last sync, in order.
    since: Vec<Written>,
    /// Steps until the power goes off.
    power: Option<u64>,
    free: Option<u64>,
    panics: bool,
    /// A sync does nothing.
    lies: bool,
    /// What a step says, after so many of its kind.
    fails: Vec<(u64, Fails, io::ErrorKind)>,
    steps: u64,
}

/// A step that fails once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fails {
    Write,
    Sync,
    Open,
}

/// The disk. A clone is the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Plates>>);

impl Disk {
    pub(crate) fn of(image: Image) -> Self {
        let disk = Self::default();
        {
            let mut plates = disk.plates();
            plates.now = image.clone();
            plates.synced = image;
        }
        disk
    }

    fn plates(&self) -> MutexGuard<'_, Plates> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power goes off after so many more steps that write or sync.
    pub(crate) fn power(&self, steps: u64) {
        self.plates().power = Some(steps);
    }

    pub(crate) fn has_power(&self) -> bool {
        self.plates().power != Some(0)
    }

    /// Bytes that are free; `None`: nobody knows.
    #[cfg(test)]
    pub(crate) fn set_free(&self, free: Option<u64>) {
        self.plates().free = free;
    }

    /// The next such step fails.
    #[cfg(test)]
    pub(crate) fn fail(&self, step: Fails, kind: io::ErrorKind) {
        self.fail_after(0, step, kind);
    }

    /// Such a step fails, after so many that do not.
    #[cfg(test)]
    pub(crate) fn fail_after(&self, steps: u64, step: Fails, kind: io::ErrorKind) {
        self.plates().fails.push((steps, step, kind));
    }

    /// Who asks for free space panics.
    #[cfg(test)]
    pub(crate) fn panic_at_free_bytes(&self) {
        self.plates().panics = true;
    }

    /// No step fails any more. Whether one was still to fail.
    #[cfg(test)]
    pub(crate) fn mend(&self) -> bool {
        let mut plates = self.plates();
        let was_planned = !plates.fails.is_empty();
        plates.fails.clear();
        was_planned
    }

    /// How many steps that write or sync there were.
    #[cfg(test)]
    pub(crate) fn steps(&self) -> u64 {
        self.plates().steps
    }

    pub(crate) fn now(&self) -> Image {
        self.plates().now.clone()
    }

    /// Says that it syncs, and does not.
    pub(crate) fn lie(&self, lies: bool) {
        self.plates().lies = lies;
    }

    /// Another disk in its place.
    pub(crate) fn replace(&self, image: Image) {
        let mut plates = self.plates();
        plates.since.clear();
        (plates.now, plates.synced) = (image.clone(), image);
    }

    /// What is there after a crash.
    pub(crate) fn after_crash(&self, leaves: Leaves, dice: &mut Dice) -> Image {
        let plates = self.plates();
        let mut image = plates.synced.clone();
        match leaves {
            Leaves::Nothing => {}
            Leaves::All => image = plates.now.clone(),
            Leaves::TornLast => {
                let count = dice.below(plates.since.len() as u64 + 1) as usize;
                for written in &plates.since[..count] {
                    written.apply(&mut image);
                }
                if let Some(torn) = plates.since.get(count) {
                    torn.tear(&mut image, dice);
                }
            }
            Leaves::Some => {
                for written in &plates.since {
                    match dice.below(3) {
                        0 => {}
                        1 => written.apply(&mut image),
                        _ => written.tear(&mut image, dice),
                    }
                }
            }
        }
        image
    }
}

impl Plates {
    fn step(&mut self, step: Fails) -> io::Result<()> {
        if let Some(power) = &mut self.power {
            if *power == 0 {
                return Err(io::Error::other("no power"));
            }
            *power -= 1;
        }
        self.steps += 1;
        self.may(step)
    }

    fn may(&mut self, step: Fails) -> io::Result<()> {
        let planned = self.fails.iter_mut().enumerate();
        let mut planned = planned.filter(|(_, (_, fails, _))| *fails == step);
        match planned.next() {
            None => Ok(()),
            Some((at, (0, ..))) => Err(self.fails.remove(at).2.into()),
            Some((_, (left, ..))) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn write(&mut self, written: Written) -> io::Result<()> {
        self.step(Fails::Write)?;
        written.apply(&mut self.now);
        self.since.push(written);
        Ok(())
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.plates().now.length as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.plates().now.read(place(offset)?, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = place(length)?;
        self.plates().write(Written::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut plates = self.plates();
        plates.step(Fails::Sync)?;
        if !plates.lies {
            plates.synced = plates.now.clone();
            plates.since.clear();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = place(offset)?;
        self.plates().write(Written::Bytes(at, data.to_vec()))
    }
}

impl Medium for Disk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        self.plates().may(Fails::Open)?;
        // As a file is synced before it is opened again.
        self.sync_data()?;
        Ok(Box::new(self.clone()))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let plates = self.plates();
        assert!(!plates.panics, "as it was told to");
        plates.free.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}
