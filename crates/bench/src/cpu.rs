//! What a server cost so far, from the kernel's own books.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use crate::BenchError;
use crate::pin::Cores;

/// Reads the run time of one process and of the network work done for it.
///
/// On loopback a `send()` does most of the receiver's TCP work too, within the sender's run
/// time; the rest runs in the `ksoftirqd` of the sender's core. Both are the server's bill.
#[derive(Debug, Clone)]
pub struct CpuClock {
    pid: u32,
    softirq: Vec<u32>,
}

/// One reading, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuReading {
    threads: BTreeMap<u32, u64>,
    softirq: u64,
}

impl CpuClock {
    /// A clock of process `pid`, which runs on `cores`.
    ///
    /// # Errors
    /// When the process is gone or the kernel keeps no schedule statistics.
    pub fn new(pid: u32, cores: &Cores) -> Result<Self, BenchError> {
        let clock = Self {
            pid,
            softirq: softirq_threads(cores),
        };
        clock.read()?;
        Ok(clock)
    }

    /// A clock of the process alone, for one that runs wherever it likes: what the network threads
    /// of all cores do is mostly done for others.
    ///
    /// # Errors
    /// As [`CpuClock::new`].
    pub fn of_process(pid: u32) -> Result<Self, BenchError> {
        let clock = Self {
            pid,
            softirq: Vec::new(),
        };
        clock.read()?;
        Ok(clock)
    }

    /// Whether the kernel's network threads can be seen (not from within a container).
    #[must_use]
    pub fn counts_softirq(&self) -> bool {
        !self.softirq.is_empty()
    }

    /// The run time up to now.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn read(&self) -> Result<CpuReading, BenchError> {
        let tasks = format!("/proc/{}/task", self.pid);
        let mut threads = BTreeMap::new();
        let failed = || format!("reading the run time of the server (process {})", self.pid);
        for task in fs::read_dir(&tasks).map_err(BenchError::system(failed()))? {
            let name = task.map_err(BenchError::system(failed()))?.file_name();
            let Some(thread) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A thread may end between the listing and here.
            if let Ok(time) = run_time(&format!("{tasks}/{thread}/schedstat")) {
                threads.insert(thread, time);
            }
        }
        if threads.is_empty() {
            return Err(BenchError::system(failed())(io::ErrorKind::NotFound.into()));
        }
        let softirq = self
            .softirq
            .iter()
            .filter_map(|thread| run_time(&format!("/proc/{thread}/schedstat")).ok());
        Ok(CpuReading {
            threads,
            softirq: softirq.sum(),
        })
    }
}

impl CpuReading {
    /// Nanoseconds between an earlier reading and this one. A thread that ended in between is
    /// not counted; servers keep theirs.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> u64 {
        let threads = self.threads.iter().map(|(thread, time)| {
            time.saturating_sub(earlier.threads.get(thread).copied().unwrap_or(0))
        });
        threads.sum::<u64>() + self.softirq.saturating_sub(earlier.softirq)
    }
}

impl CpuReading {
    /// Nanoseconds of each thread since an earlier reading, the busiest first.
    #[must_use]
    pub fn threads_since(&self, earlier: &Self) -> Vec<u64> {
        let threads = self.threads.iter().map(|(thread, time)| {
            time.saturating_sub(earlier.threads.get(thread).copied().unwrap_or(0))
        });
        let mut threads: Vec<u64> = threads.collect();
        threads.sort_unstable_by(|one, other| other.cmp(one));
        threads
    }
}

/// The first number of a `schedstat` file: nanoseconds on a core.
fn run_time(path: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let first = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    first.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn softirq_threads(cores: &Cores) -> Vec<u32> {
    let names: Vec<String> = cores
        .numbers()
        .iter()
        .map(|core| format!("ksoftirqd/{core}"))
        .collect();
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|name| names.iter().any(|wanted| wanted == name.trim_end()))
        })
        .collect()
}

/// Bytes of memory that process `pid` has written and shares with nobody.
///
/// Clean private pages are left out: they are pages of files, above all of the program itself,
/// and stop being private as soon as another process maps them. The generator is often a process
/// of the same program, which would make a server look smaller with every function it calls.
///
/// # Errors
/// When the process is gone or belongs to somebody else.
pub fn private_bytes(pid: u32) -> Result<u64, BenchError> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(BenchError::system(format!("reading {path}")))?;
    private_of(&text).ok_or_else(|| BenchError::system(path)(io::ErrorKind::InvalidData.into()))
}

fn private_of(rollup: &str) -> Option<u64> {
    let size = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"))?;
    Some(size.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_threads_count_whole_and_ended_ones_not_at_all() {
        let reading = |threads: &[(u32, u64)], softirq| CpuReading {
            threads: threads.iter().copied().collect(),
            softirq,
        };
        let earlier = reading(&[(1, 100), (2, 50)], 10);
        let later = reading(&[(1, 130), (3, 7)], 11);
        assert_eq!(later.since(&earlier), 30 + 7 + 1);
        assert_eq!(later.threads_since(&earlier), [30, 7]);
    }

    #[test]
    fn this_process_has_a_run_time_and_memory() {
        let pid = std::process::id();
        let clock = CpuClock::new(pid, &Cores::of_process(pid).unwrap()).unwrap();
        let before = clock.read().unwrap();
        let mut sum = 0u64;
        while clock.read().unwrap().since(&before) == 0 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(private_bytes(pid).unwrap() > 0);
        assert!(CpuClock::new(u32::MAX >> 1, &Cores::one(0)).is_err());
    }

    #[test]
    fn only_written_private_memory_is_counted() {
        let text = "Rss: 900 kB\nShared_Clean: 7 kB\nPrivate_Clean:   8 kB\nPrivate_Dirty: 34 kB\n";
        assert_eq!(private_of(text), Some(34 * 1024));
        assert_eq!(private_of("Rss: 900 kB\n"), None);
    }
}
