//! The public interface of `parlour`, as it stands in `crates/parlour/public-api.txt`: whoever changes
//! what embedders see, changes that file with it, and sees in the diff what that was.
//!
//! ```sh
//! UPDATE_PUBLIC_API=1 cargo test -p parlour --test public_api
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod listing;
mod sources;

use std::path::PathBuf;

use listing::Listing;
use sources::Sources;

/// Crates whose types embedders may have to hold. Those of tokio are the listener that they bind and
/// the runtime that they have; a stream is one by the trait of `futures_core`.
const MAY_BE_SEEN: [&str; 5] = ["axum", "bytes", "futures_core", "serde", "tokio"];

fn listing() -> Listing {
    let crates = [
        ("parlour", "."),
        ("parlour_hub", "../hub"),
        ("parlour_proto", "../proto"),
    ];
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let sources = crates.map(|(name, folder)| (name, root.join(folder).join("src/lib.rs")));
    Listing::of(&Sources::read(&sources), "parlour")
}

#[test]
fn the_public_interface_is_the_one_that_was_looked_at() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("public-api.txt");
    let is = listing().text();
    if std::env::var_os("UPDATE_PUBLIC_API").is_some() {
        std::fs::write(&file, &is).unwrap();
    }
    let was = std::fs::read_to_string(&file).unwrap_or_default();
    let gone: Vec<_> = was
        .lines()
        .filter(|line| !is.lines().any(|it| it == *line))
        .collect();
    let new: Vec<_> = is
        .lines()
        .filter(|line| !was.lines().any(|it| it == *line))
        .collect();
    assert!(
        is == was,
        "the public interface has changed.\nGone:\n{}\nNew:\n{}\nIf it is to be so: \
         UPDATE_PUBLIC_API=1 cargo test -p parlour --test public_api",
        gone.join("\n"),
        new.join("\n")
    );
}

#[test]
fn embedders_see_no_types_of_crates_that_they_need_not_know() {
    let foreign: Vec<_> = listing()
        .foreign
        .into_iter()
        .filter(|(path, _)| !MAY_BE_SEEN.contains(&path.split("::").next().unwrap()))
        .collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}

#[test]
fn every_type_that_embedders_see_has_a_name_for_them() {
    let listing = listing();
    let nameless = listing.nameless();
    assert!(nameless.is_empty(), "export them too: {nameless:#?}");
}

#[test]
fn a_changed_signature_a_new_item_and_a_foreign_type_are_seen() {
    let of = |text: &str| {
        let file = std::env::temp_dir().join(format!("parlour-api-{}.rs", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let listing = Listing::of(&Sources::read(&[("it", file.clone())]), "it");
        std::fs::remove_file(file).unwrap();
        listing
    };
    let before = of("pub struct A { pub b: u8, c: u8 } impl A { pub fn d(&self) {} fn e() {} }");
    for (change, is_seen) in [
        (
            "pub struct A { pub b: u8, x: u8 } impl A { pub fn d(&self) { x() } fn f() {} }",
            false,
        ),
        (
            "pub struct A { pub b: u16, c: u8 } impl A { pub fn d(&self) {} }",
            true,
        ),
        (
            "pub struct A { pub b: u8, c: u8 } impl A { pub fn d(&mut self) {} }",
            true,
        ),
        (
            "pub struct A { pub b: u8, c: u8 } impl A { pub fn d(&self) {} } pub fn g() {}",
            true,
        ),
        (
            "pub struct A { pub b: u8, c: u8 } impl A { pub fn d(&self) {} } impl Copy for A {}",
            true,
        ),
    ] {
        assert_eq!(of(change).text() != before.text(), is_seen, "{change}");
    }
    assert!(before.foreign.is_empty());
    let foreign = of("use rustls::Error; pub enum A { B(Error), C(mio::Token) }").foreign;
    let foreign: Vec<_> = foreign.into_iter().map(|(path, _)| path).collect();
    assert_eq!(foreign, ["mio::Token", "rustls::Error"]);
}
