//! Time as an argument: this workspace's pure crates never read a clock.

use std::fmt;
use std::time::Duration;

use jiff::fmt::temporal::DateTimePrinter;

/// Wall-clock time, for people. Never used to decide anything.
///
/// ```
/// use parlour_proto::Timestamp;
/// let start = Timestamp::from_unix_nanoseconds(0);
/// assert_eq!(start.to_string(), "1970-01-01T00:00:00.000000000Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    nanoseconds: i64,
}

impl Timestamp {
    /// Nanoseconds since 1970-01-01 UTC; reaches to the year 2262.
    #[must_use]
    pub fn from_unix_nanoseconds(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// As [`from_unix_nanoseconds`](Self::from_unix_nanoseconds) takes it.
    ///
    /// ```
    /// use parlour_proto::Timestamp;
    /// assert_eq!(Timestamp::from_unix_nanoseconds(7).unix_nanoseconds(), 7);
    /// ```
    #[must_use]
    pub fn unix_nanoseconds(self) -> i64 {
        self.nanoseconds
    }
}

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(9));

impl Timestamp {
    /// Appends what [`Display`](fmt::Display) shows.
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        // Every i64 of nanoseconds is a time that jiff can hold (years 1677 to 2262), and a Vec takes all.
        if let Ok(time) = self.time() {
            let _ = PRINTER.print_timestamp(&time, out);
        }
    }

    fn time(self) -> Result<jiff::Timestamp, jiff::Error> {
        jiff::Timestamp::from_nanosecond(i128::from(self.nanoseconds))
    }
}

/// RFC 3339 in UTC with nine digits, so that every text has one length (docs/seeds.md, 2.18).
///
/// ```
/// use parlour_proto::Timestamp;
/// let sent = Timestamp::from_unix_nanoseconds(1_795_320_000_120_000_000);
/// assert_eq!(sent.to_string(), "2026-11-22T04:00:00.120000000Z");
/// ```
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time().map_err(|_| fmt::Error)?;
        PRINTER
            .print_timestamp(&time, jiff::fmt::StdFmtWrite(f))
            .map_err(|_| fmt::Error)
    }
}

/// The time of one turn of a shard, read once by whoever drives it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Time since the driver's start; never goes back. All deadlines count in it.
    pub monotonic: Duration,
    /// What the entries of this turn are stamped with.
    pub wall: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_what_is_shown() {
        for nanoseconds in [i64::MIN, -1, 0, 1, 1_795_320_000_120_000_000, i64::MAX] {
            let sent = Timestamp::from_unix_nanoseconds(nanoseconds);
            let mut out = Vec::new();
            sent.put(&mut out);
            assert_eq!(out, sent.to_string().as_bytes());
        }
    }
}
