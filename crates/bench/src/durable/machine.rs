//! Where it was measured.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::BenchError;
use crate::pin;

/// What the figures depend on. The names of the fields are the keys of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// What the processor calls itself.
    pub processor: String,
    /// The kernel's release.
    pub kernel: String,
    /// File system of the folder.
    pub file_system: String,
    /// Runnable processes on average over the last minute, before the run.
    pub load_before: f64,
}

impl Machine {
    /// The machine, and the file system of a folder.
    pub(crate) fn of(folder: &Path) -> Result<Self, BenchError> {
        let file_system = file_system(folder)?;
        if ["tmpfs", "ramfs"].contains(&file_system.as_str()) {
            return Err(BenchError::Options(format!(
                "{} is in memory, where a sync costs nothing: name a folder on a disk with --dir",
                folder.display()
            )));
        }
        let line = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let load = line("/proc/loadavg");
        Ok(Self {
            cores: pin::allowed()?.numbers().len(),
            processor: processor(&line("/proc/cpuinfo")),
            kernel: line("/proc/sys/kernel/osrelease").trim().to_owned(),
            file_system,
            load_before: first_number(&load).unwrap_or(f64::NAN),
        })
    }
}

pub(crate) fn first_number(text: &str) -> Option<f64> {
    text.split(' ').next()?.parse().ok()
}

pub(crate) fn processor(info: &str) -> String {
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = model.and_then(|rest| rest.split_once(':'));
    name.map_or("unknown".into(), |(_, name)| name.trim().to_owned())
}

/// The type of the mount with the longest path above `folder`.
fn file_system(folder: &Path) -> Result<String, BenchError> {
    let failed = || format!("looking for {}", folder.display());
    let folder = fs::canonicalize(folder).map_err(BenchError::system(failed()))?;
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    Ok(type_of(&mounts, &folder))
}

fn type_of(mounts: &str, folder: &Path) -> String {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (place, kind) = (words.next()?, words.next()?);
        folder.starts_with(place).then_some((place.len(), kind))
    });
    // Of several on one place the last is the one that is seen.
    let nearest = mounted.max_by_key(|(length, _)| *length);
    nearest.map_or("unknown", |(_, kind)| kind).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_and_last_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/data xfs rw 0 0\n\
                      /dev/c /tmp/data btrfs rw 0 0\n";
        let of = |folder: &str| type_of(mounts, Path::new(folder));
        assert_eq!(of("/srv/x"), "ext4");
        assert_eq!(of("/tmp/x"), "tmpfs");
        assert_eq!(of("/tmp/data/x"), "btrfs");
        assert_eq!(of("/tmp/database"), "tmpfs");
    }

    #[test]
    fn memory_is_no_disk() {
        if !Path::new("/dev/shm").is_dir() {
            return;
        }
        let error = Machine::of(Path::new("/dev/shm")).unwrap_err().to_string();
        assert!(error.contains("--dir"), "{error}");
    }

    #[test]
    fn a_processor_has_a_name() {
        assert_eq!(processor("x : y\nmodel name\t: A  1\n"), "A  1");
        assert_eq!(processor(""), "unknown");
    }
}
