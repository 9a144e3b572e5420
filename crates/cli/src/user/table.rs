//! The list of users, for people and for programs.

use std::io::{self, Write};

use jiff::Timestamp;
use parlour_server::users::Listed;
use serde_json::json;

/// Columns, as wide as they must be.
pub(super) fn text(users: &[Listed], out: &mut impl Write) -> io::Result<()> {
    const HEAD: &str = "NAME";
    let names = users.iter().map(|user| user.name.chars().count());
    let width = names.max().unwrap_or(0).max(HEAD.len());
    writeln!(out, "{HEAD:width$}  MADE        PASSWORD    SESSIONS")?;
    for user in users {
        let (made, changed) = (day(user.made), day(user.changed));
        writeln!(
            out,
            "{:width$}  {made}  {changed}  {:>8}",
            user.name, user.sessions
        )?;
    }
    Ok(())
}

/// One object per line.
pub(super) fn json(users: &[Listed], out: &mut impl Write) -> io::Result<()> {
    for user in users {
        let line = json!({
            "name": user.name,
            "made": moment(user.made),
            "changed": moment(user.changed),
            "sessions": user.sessions,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// RFC 3339, in UTC.
fn moment(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok();
    let time = time.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

fn day(seconds: u64) -> String {
    moment(seconds).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: fn(&[Listed], &mut Vec<u8>) -> io::Result<()>) -> String {
        let user = |name: &str, sessions| {
            let row = json!({
                "name": name,
                "made": 1_795_000_000_u64,
                "changed": 1_795_100_000_u64,
                "sessions": sessions,
            });
            serde_json::from_value::<Listed>(row).unwrap()
        };
        let mut out = Vec::new();
        print(&[user("Ann", 2), user("Chrysanthemum", 0)], &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn people_get_columns() {
        let expected = "\
NAME           MADE        PASSWORD    SESSIONS
Ann            2026-11-18  2026-11-19         2
Chrysanthemum  2026-11-18  2026-11-19         0
";
        assert_eq!(printed(text), expected);
    }

    #[test]
    fn programs_get_a_line_of_json_each() {
        let printed = printed(json);
        assert_eq!(
            printed.lines().next().unwrap(),
            r#"{"changed":"2026-11-19T14:53:20Z","made":"2026-11-18T11:06:40Z","name":"Ann","sessions":2}"#
        );
        assert_eq!(printed.lines().count(), 2);
    }
}
