//! Cores: which one the server gets, which one the generator.

use std::fmt;
use std::str::FromStr;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::BenchError;

/// A set of cores, written as `0`, `0,2` or `4-7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cores(Vec<usize>);

impl Cores {
    /// One core.
    #[must_use]
    pub fn one(core: usize) -> Self {
        Self(vec![core])
    }

    /// Two cores, or one if they are the same.
    #[must_use]
    pub fn pair(one: usize, other: usize) -> Self {
        let mut cores = vec![one.min(other), one.max(other)];
        cores.dedup();
        Self(cores)
    }

    /// The numbers, rising.
    #[must_use]
    pub fn numbers(&self) -> &[usize] {
        &self.0
    }

    /// Whether none of them is among the others.
    #[must_use]
    pub fn apart_from(&self, others: &Self) -> bool {
        self.0.iter().all(|core| !others.0.contains(core))
    }

    /// The cores a process may run on.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of_process(pid: u32) -> Result<Self, BenchError> {
        let set = sched_getaffinity(Pid::from_raw(pid.cast_signed())).map_err(|errno| {
            BenchError::system(format!("reading the cores of {pid}"))(errno.into())
        })?;
        Ok(Self(
            (0..CpuSet::MAX_CPU)
                .filter(|core| set.is_set(*core))
                .collect(),
        ))
    }

    /// Puts the calling thread, and what it starts from now on, on these cores.
    ///
    /// # Errors
    /// When the machine has none of these cores.
    pub fn pin(&self) -> Result<Pinned, BenchError> {
        let failed = |errno: rustix::io::Errno| {
            BenchError::system(format!(
                "moving to core {self} (this process may use {})",
                allowed().map_or_else(|_| "unknown".into(), |cores| cores.to_string())
            ))(errno.into())
        };
        let before = sched_getaffinity(None).map_err(failed)?;
        let mut set = CpuSet::new();
        self.0.iter().for_each(|core| set.set(*core));
        sched_setaffinity(None, &set).map_err(failed)?;
        Ok(Pinned { before })
    }
}

/// A thread that was moved; it goes back when this is dropped.
#[derive(Debug)]
#[must_use = "dropping it moves the thread back"]
pub struct Pinned {
    before: CpuSet,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // The cores were allowed a moment ago; if they no longer are, staying is all there is.
        let _ = sched_setaffinity(None, &self.before);
    }
}

/// The cores of the calling thread.
///
/// # Errors
/// When the system does not tell.
pub fn allowed() -> Result<Cores, BenchError> {
    Cores::of_process(std::process::id())
}

/// The usual cores, server first, if there are two: a server and a generator that share one
/// core measure each other.
#[must_use]
pub fn usual() -> Option<(Cores, Cores)> {
    match allowed().ok()?.numbers() {
        [server, client, ..] => Some((Cores::one(*server), Cores::one(*client))),
        _ => None,
    }
}

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.trim().parse::<usize>() {
            Ok(core) if core < CpuSet::MAX_CPU => Ok(core),
            _ => Err(format!("{text} is no core: write 0, 0,2 or 4-7")),
        };
        let mut cores = Vec::new();
        for part in text.split(',') {
            match part.split_once('-') {
                Some((first, last)) => cores.extend(number(first)?..=number(last)?),
                None => cores.push(number(part)?),
            }
        }
        cores.sort_unstable();
        cores.dedup();
        if cores.is_empty() {
            Err(format!("{text} names no core"))
        } else {
            Ok(Self(cores))
        }
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&numbers.join(","))
    }
}

/// Makes room for `needed` open files in this process and those it starts.
///
/// # Errors
/// [`BenchError::FileLimit`] if the hard limit is lower.
pub fn allow_files(needed: u64) -> Result<(), BenchError> {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    if needed > hard {
        return Err(BenchError::FileLimit { needed, hard });
    }
    // Up to the hard limit: a server started from here inherits it, and has files of its own.
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|errno| BenchError::system("raising the limit of open files")(errno.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_and_written() {
        for (text, cores) in [
            ("0", vec![0]),
            ("2,0", vec![0, 2]),
            ("4-6,5,1", vec![1, 4, 5, 6]),
        ] {
            let read: Cores = text.parse().unwrap();
            assert_eq!(read, Cores(cores));
            assert_eq!(read.to_string().parse::<Cores>().unwrap(), read);
        }
        for wrong in ["", "a", "3-1", "1-", "99999999"] {
            assert!(wrong.parse::<Cores>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pinned_thread_goes_back() {
        let before = allowed().unwrap();
        let one = Cores::one(before.numbers()[0]);
        let here = || {
            let set = sched_getaffinity(None).unwrap();
            (0..CpuSet::MAX_CPU)
                .filter(|core| set.is_set(*core))
                .count()
        };
        let count = here();
        let pinned = one.pin().unwrap();
        assert_eq!(here(), 1);
        drop(pinned);
        assert_eq!(here(), count);
    }

    #[test]
    fn too_many_files_are_refused_with_both_numbers() {
        let error = allow_files(u64::MAX - 1).unwrap_err().to_string();
        assert!(error.contains("18446744073709551614"), "{error}");
    }
}
