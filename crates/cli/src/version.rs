//! What `parlour --version` says.

use std::env::consts::{ARCH, OS};
use std::sync::OnceLock;

/// Version, target and kind of build, on one line.
pub(crate) fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let number = env!("CARGO_PKG_VERSION");
        let library = if cfg!(target_env = "musl") {
            "musl"
        } else {
            "gnu"
        };
        let build = if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        };
        format!("{number} ({ARCH}-{OS}-{library}, {build} build)")
    })
}
