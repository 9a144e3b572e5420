//! The table, one file per group.

mod connections;
mod doors;
mod http;
mod network;
mod people;
mod process;
mod rooms;
mod store;
mod tls;

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Setting;

/// Settings that belong together.
pub struct Group {
    /// Its heading.
    pub title: &'static str,
    /// What they are about, in a sentence or two.
    pub about: &'static str,
    /// The settings, the most used first.
    pub settings: &'static [Setting],
}

/// All groups, in the order in which people read them.
#[must_use]
pub fn groups() -> &'static [Group] {
    &[
        network::GROUP,
        tls::GROUP,
        doors::GROUP,
        people::GROUP,
        rooms::GROUP,
        store::GROUP,
        connections::GROUP,
        http::GROUP,
        process::GROUP,
    ]
}

/// All settings.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> + Clone {
    groups().iter().flat_map(|group| group.settings)
}

const fn milliseconds(range: RangeInclusive<u64>) -> RangeInclusive<Duration> {
    Duration::from_millis(*range.start())..=Duration::from_millis(*range.end())
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[cfg(test)]
mod tests;
