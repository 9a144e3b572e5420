//! docs/configuration.md, made of the table. The test `the_committed_document_is_what_the_table_makes`
//! compares them; with `UPDATE_DOCS=1` it writes the file.

use std::fmt::Write as _;

use super::Setting;
use super::table::{Group, groups};

const HEAD: &str = "\
# Configuration

<!-- Made from the table in crates/server/src/settings/table: change it there, then run
     UPDATE_DOCS=1 cargo test -p parlour-server document -->

`parlour serve` needs no settings. Each one that it has can be given in three ways, and the first of these that gives it
wins:

1. as a flag: `--ping-interval 10s`
2. as a variable: `PARLOUR_PING_INTERVAL=10s`
3. in a TOML file, which `--config FILE` or `PARLOUR_CONFIG` names: `ping-interval = \"10s\"`

The key in the file is the flag without its dashes, the variable is the same in capitals. A list that is given replaces
the whole list of what it overrides.

- **Sizes** are bytes, or have a unit: `65536`, `64KiB`, `1MiB`, `2GiB`.
- **Times** are seconds, or have a unit: `5`, `0.5`, `500ms`, `5s`, `10m`, `2h`, `30d`.
- **Switches** are `true` or `false`; the bare flag means `true`.
- **Lists**: repeat the flag, separate the values of the variable by commas (those of PARLOUR_ROOMS by semicolons), use an array in the file.
- **0** means *no limit* only where that is said.

An unknown key or variable, a value of the wrong type or out of range, and settings that make no sense together stop the
start with one line that says what to type instead. `parlour serve --print-config` prints what holds and where each value
came from, as a file that `--config` takes; it starts nothing.

```toml
# A server for everybody, with guests
addr = \"0.0.0.0:443\"
tls-cert = \"/etc/parlour/cert.pem\"
tls-key = \"/etc/parlour/key.pem\"
guests = \"everybody\"
max-message-bytes = \"16KiB\"
allow-origin = [\"https://www.example.com\"]
```
";

/// The whole document.
#[must_use]
pub fn document() -> String {
    let mut out = HEAD.to_owned();
    for group in groups() {
        write_group(&mut out, group);
    }
    out
}

fn write_group(out: &mut String, group: &Group) {
    let _ = write!(out, "\n## {}\n\n{}\n\n", group.title, group.about);
    out.push_str("| setting | takes | default | what it does |\n|---|---|---|---|\n");
    for setting in group.settings {
        let _ = writeln!(out, "{}", row(setting));
    }
}

fn row(setting: &Setting) -> String {
    let flag = setting.flag();
    let mut what = format!("{}.", setting.help);
    if !setting.more.is_empty() {
        what.push(' ');
        what.push_str(setting.more);
    }
    let default = match setting.default() {
        Some(default) => format!("`{default}`"),
        None => "none".into(),
    };
    let takes = escape(&setting.takes());
    format!("| `--{flag}` | {takes} | {default} | {} |", escape(&what))
}

/// A bar would end the cell.
fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_document_is_what_the_table_makes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, document()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == document(),
            "docs/configuration.md is old: UPDATE_DOCS=1 cargo test -p parlour-server document"
        );
    }
}
