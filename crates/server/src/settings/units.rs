//! Sizes and times as people write them.

use std::time::Duration;

/// Largest unit first, as both tables are searched for the one that fits best.
const SIZES: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];
const TIMES: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Bytes: `65536`, `64KiB`, `1 MiB`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let bytes = match unit {
        "" => Some(1),
        unit => SIZES.iter().find(|(name, _)| *name == unit).map(|it| it.1),
    };
    bytes
        .zip(number.parse::<u64>().ok())
        .and_then(|(bytes, number)| number.checked_mul(bytes))
        .ok_or_else(|| {
            format!("`{text}` is no size: use bytes, or KiB, MiB, GiB, for example 64KiB")
        })
}

/// The shortest way to write this size exactly.
pub(super) fn show_size(bytes: u64) -> String {
    match SIZES
        .iter()
        .find(|(_, unit)| bytes.is_multiple_of(*unit) && bytes > 0)
    {
        Some((name, unit)) if *unit > 1 => format!("{}{name}", bytes / unit),
        _ => bytes.to_string(),
    }
}

/// A time: `5` (seconds), `0.5`, `500ms`, `5s`, `10m`, `2h`, `30d`.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let milliseconds = match unit {
        "" => Some(1_000),
        unit => TIMES.iter().find(|(name, _)| *name == unit).map(|it| it.1),
    };
    milliseconds
        .and_then(|unit| times(number, unit))
        .ok_or_else(|| {
            format!("`{text}` is no time: use seconds, or ms, s, m, h, d, for example 500ms or 10m")
        })
}

/// Whole numbers are kept whole; `1.5` is rounded to milliseconds.
fn times(number: &str, milliseconds: u64) -> Option<Duration> {
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(milliseconds).map(Duration::from_millis);
    }
    let is_fraction =
        number.contains('.') && number.bytes().all(|it| it == b'.' || it.is_ascii_digit());
    let number = number.parse::<f64>().ok().filter(|_| is_fraction)?;
    let unit = Duration::from_millis(milliseconds).as_secs_f64();
    let time = Duration::try_from_secs_f64(number * unit).ok()?;
    u64::try_from(time.as_millis())
        .ok()
        .map(Duration::from_millis)
}

/// The shortest way to write this time exactly; all settings are whole milliseconds.
pub(super) fn show_time(time: Duration) -> String {
    let time = time.as_millis();
    if time == 0 {
        return "0s".into();
    }
    let fits = |unit: &&(&str, u64)| time.is_multiple_of(u128::from(unit.1));
    let (name, unit) = TIMES.iter().find(fits).unwrap_or(&TIMES[4]);
    format!("{}{name}", time / u128::from(*unit))
}

/// Whether it is a number without a unit.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_digit())
}

/// The number, and the unit behind it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|it: char| !(it.is_ascii_digit() || it == '.'))
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, shown) in [
            ("0", 0, "0"),
            ("512", 512, "512"),
            ("512B", 512, "512"),
            ("64KiB", 65_536, "64KiB"),
            ("64 KiB", 65_536, "64KiB"),
            ("65537", 65_537, "65537"),
            ("1024MiB", 1 << 30, "1GiB"),
        ] {
            assert_eq!(parse_size(text), Ok(bytes));
            assert_eq!(show_size(bytes), shown);
        }
        for text in [
            "",
            "many",
            "-1",
            "1.5KiB",
            "64K",
            "64kb",
            "KiB",
            "99999999999GiB",
        ] {
            assert!(parse_size(text).unwrap_err().contains("64KiB"), "{text}");
        }
    }

    #[test]
    fn times_are_read_and_written() {
        for (text, milliseconds, shown) in [
            ("0", 0, "0s"),
            ("5", 5_000, "5s"),
            ("5s", 5_000, "5s"),
            ("0.5", 500, "500ms"),
            ("1.5m", 90_000, "90s"),
            ("500ms", 500, "500ms"),
            ("10 m", 600_000, "10m"),
            ("2h", 7_200_000, "2h"),
            ("30d", 2_592_000_000, "30d"),
            ("720h", 2_592_000_000, "30d"),
        ] {
            let time = Duration::from_millis(milliseconds);
            assert_eq!(parse_time(text), Ok(time));
            assert_eq!(show_time(time), shown);
        }
        for text in [
            "",
            "soon",
            "-1s",
            "1e3",
            "5 minutes",
            "ms",
            "1.2.3",
            ".",
            "9999999999999999d",
        ] {
            assert!(parse_time(text).unwrap_err().contains("500ms"), "{text}");
        }
    }
}
