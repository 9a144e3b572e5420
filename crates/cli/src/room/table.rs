//! Rooms in columns, for people.

use std::io::{self, Write};

use parlour_server::rooms::KeptRoom;
use unicode_width::UnicodeWidthStr as _;

use crate::harmless::harmless;

const HEAD: [&str; 7] = [
    "ROOM",
    "EPOCH",
    "ENTRIES",
    "SIZE",
    "FIRST",
    "HEAD",
    "LAST SENT",
];
/// Numbers stand at the right of their columns.
const IS_NUMBER: [bool; 7] = [false, false, true, true, true, true, false];

/// Columns, as wide as they must be.
pub(super) fn rooms(rooms: &[KeptRoom], out: &mut impl Write) -> io::Result<()> {
    let rows: Vec<[String; 7]> = rooms.iter().map(row).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|at| {
            let cells = rows.iter().map(|row| row[at].width());
            cells.chain([HEAD[at].width()]).max().unwrap_or(0)
        })
        .collect();
    line(HEAD.map(str::to_owned).as_ref(), &widths, out)?;
    for row in &rows {
        line(row, &widths, out)?;
    }
    Ok(())
}

fn row(room: &KeptRoom) -> [String; 7] {
    [
        harmless(&room.room),
        room.epoch.clone(),
        room.entries.to_string(),
        size(room.bytes),
        room.first.to_string(),
        room.head.to_string(),
        moment(&room.last_sent),
    ]
}

fn line(cells: &[String], widths: &[usize], out: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    for ((cell, width), is_number) in cells.iter().zip(widths).zip(IS_NUMBER) {
        let space = " ".repeat(width - cell.width());
        let (before, behind) = if is_number {
            (space.as_str(), "")
        } else {
            ("", space.as_str())
        };
        line.push_str(&format!("{before}{cell}{behind}  "));
    }
    writeln!(out, "{}", line.trim_end())
}

/// `2026-11-22 04:00:00Z` of RFC 3339 in UTC; what is none stays as it is.
pub(super) fn moment(sent: &str) -> String {
    match (sent.get(..10), sent.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time}Z"),
        _ => harmless(sent),
    }
}

/// Bytes with a unit that leaves few digits.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut number = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if number < 1024.0 {
            break;
        }
        number /= 1024.0;
        unit = larger;
    }
    format!("{number:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_get_columns() {
        let room = |name: &str, entries: u64, bytes: u64| {
            let row = json!({
                "room": name,
                "epoch": "9f3c5d20a1b4e687",
                "entries": entries,
                "bytes": bytes,
                "first": 1,
                "head": entries,
                "last_sent": "2026-11-22T04:00:00.120000000Z",
                "partition": 0,
            });
            serde_json::from_value::<KeptRoom>(row).unwrap()
        };
        let mut out = Vec::new();
        let all = [room("den", 7, 512), room("日本\u{202e}", 12_000, 3 << 20)];
        rooms(&all, &mut out).unwrap();
        let expected = "\
ROOM          EPOCH             ENTRIES     SIZE  FIRST   HEAD  LAST SENT
den           9f3c5d20a1b4e687        7    512 B      1      7  2026-11-22 04:00:00Z
日本\\u{202e}  9f3c5d20a1b4e687    12000  3.0 MiB      1  12000  2026-11-22 04:00:00Z
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn sizes_have_few_digits() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1 << 20, "1.0 MiB"),
            (5 << 29, "2.5 GiB"),
            (1 << 50, "1024.0 TiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
