//! docs/dialects.md says what the code says.

use parlour_proto::{CloseReason, Refusal};

const DIALECTS: &str = include_str!("../../../docs/dialects.md");

#[test]
fn every_refusal_stands_in_the_document_with_its_weight() {
    for refusal in [
        Refusal::BadJson,
        Refusal::UnknownType,
        Refusal::BadPayload,
        Refusal::BadRoom,
        Refusal::NotInRoom,
        Refusal::TooManyRoomsHere,
        Refusal::TooManyRooms,
        Refusal::NotStored,
    ] {
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
fn every_close_stands_in_the_document_with_its_code_and_text() {
    for reason in [
        CloseReason::GoingAway,
        CloseReason::Protocol,
        CloseReason::NotUtf8,
        CloseReason::TooManyBadFrames,
        CloseReason::Lagged,
        CloseReason::Stuck,
        CloseReason::Silent,
        CloseReason::SignedOut,
        CloseReason::TooLarge,
        CloseReason::Failed,
    ] {
        let code = reason.code().unwrap_or(0);
        let row = format!("| {code} | {} |", reason.text());
        assert!(DIALECTS.contains(&row), "no row: {row}");
    }
}
