//! docs/dialects.md and docs/protocol.md say what the code says.

// Clippy knows test functions, but not the helpers of an integration test.
#![allow(clippy::unwrap_used)]

mod protocol;

use parlour_proto::{CloseReason, Refusal};

const DIALECTS: &str = include_str!("../../../docs/dialects.md");

/// What no frame of the events dialect leads to.
const NOT_OF_EVENTS: [Refusal; 5] = [
    Refusal::BadPosition,
    Refusal::AlreadyJoined,
    Refusal::IdReused,
    Refusal::IdForgotten,
    Refusal::NoSuchRoom,
];

#[test]
fn every_refusal_stands_in_the_document_of_dialects_with_its_weight() {
    let all = Refusal::ALL.into_iter();
    for refusal in all.filter(|refusal| !NOT_OF_EVENTS.contains(refusal)) {
        let row = format!("| `{}` |", refusal.code());
        let line = DIALECTS.lines().find(|line| line.starts_with(&row));
        let line = line.unwrap_or_else(|| panic!("no row for {}", refusal.code()));
        let weight = if refusal.is_bad_frame() {
            "| yes |"
        } else {
            "| no |"
        };
        assert!(line.ends_with(weight), "{line}");
    }
}

#[test]
fn every_close_stands_in_the_document_of_dialects_with_its_code_and_text() {
    for reason in CloseReason::ALL {
        let code = reason.code().unwrap_or(0);
        let row = format!("| {code} | {} |", reason.text());
        assert!(DIALECTS.contains(&row), "no row: {row}");
    }
}
