//! docs/autobahn.md: what a run of everything has shown.

use std::fmt::Write as _;

use crate::error::ChoreError;
use crate::workspace::Workspace;

use super::verdict::Counts;

const PATH: &str = "docs/autobahn.md";

/// The release of the suite, as the requirements name it.
const REQUIREMENTS: &str = include_str!("../../autobahn-requirements.txt");

/// What the sections are about.
const ABOUT: [(u8, &str); 11] = [
    (1, "framing"),
    (2, "pings and pongs"),
    (3, "reserved bits"),
    (4, "opcodes"),
    (5, "fragmentation"),
    (6, "UTF-8"),
    (7, "closing"),
    (9, "large messages, up to 16 MiB"),
    (10, "automatic fragmentation"),
    (12, "permessage-deflate: five kinds of data"),
    (13, "permessage-deflate: seven ways to offer it"),
];

/// Writes it. Every case that was counted was strict, plain and over TLS.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(workspace: &Workspace, counts: &Counts) -> Result<(), ChoreError> {
    let path = workspace.root.join(PATH);
    std::fs::write(&path, text(counts)).map_err(ChoreError::io("write", &path))?;
    println!("autobahn: {PATH} is written");
    Ok(())
}

fn text(counts: &Counts) -> String {
    let suite = REQUIREMENTS
        .lines()
        .find_map(|line| line.strip_prefix("autobahntestsuite=="));
    let mut text = format!(
        "# The Autobahn test suite\n\n\
         <!-- Written by `cargo xtask autobahn --all`; do not edit. -->\n\n\
         The fuzzing client of Autobahn|Testsuite {} against `/echo` of the release build of Parlour {}, over TCP and\n\
         over TLS. *Strict* is a case whose behaviour and whose close are both OK or, where the suite judges\n\
         nothing, INFORMATIONAL: NON-STRICT and UNIMPLEMENTED count as failed, and so does a case that did not run.\n\n\
         | section | about | cases | strict, plain | strict, TLS |\n\
         |---|---|---:|---:|---:|\n",
        suite.unwrap_or("?"),
        env!("CARGO_PKG_VERSION"),
    );
    for (section, cases) in counts {
        let about = ABOUT.iter().find(|(known, _)| known == section);
        let about = about.map_or("", |(_, about)| about);
        let _ = writeln!(
            text,
            "| {section} | {about} | {cases} | {cases} | {cases} |"
        );
    }
    let all: u32 = counts.values().sum();
    let _ = writeln!(text, "| all | | {all} | {all} | {all} |");
    text.push_str(
        "\n```sh\ncargo xtask autobahn --all    # about half an hour on two cores; fails unless all are strict\n```\n\n\
         `cargo xtask test`, which is what CI runs, has sections 1 to 10 and one case of each part of 12 and 13.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expected::AUTOBAHN_SECTIONS;

    #[test]
    fn the_document_is_what_a_run_of_everything_writes() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(PATH);
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(written, text(&Counts::from(AUTOBAHN_SECTIONS)));
    }
}
