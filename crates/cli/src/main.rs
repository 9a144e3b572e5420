//! The one binary: `parlour`.
fn main() {}
