//! The allocator of the binary: mimalloc, which gives back at once what is no longer needed.
//!
//! mimalloc keeps freed pages for a second in case they are needed again, and looks at the clock only
//! when something is freed. In a server that has become quiet nothing is, so what a crowd needed that
//! has left would stay: 8.2 MB after 10,000 connections instead of 5.2. Messages pay hardly anything for
//! giving it back at once, as a page is a piece of 64 KiB or more: docs/performance.md, "What was tried".
//!
//! This is a crate of its own because it has the only line of the workspace that is not safe Rust.

use std::ffi::c_long;

use libmimalloc_sys::mi_option_t;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long freed pages are kept, in milliseconds (`mi_option_purge_delay` of mimalloc.h).
const PURGE_DELAY: mi_option_t = 15;

/// Gives memory back to the system as soon as it is free. To be called once, first thing in `main`;
/// who has set `MIMALLOC_PURGE_DELAY`, in milliseconds, has chosen otherwise.
pub fn give_back_at_once() {
    const AT_ONCE: c_long = 0;
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        set(PURGE_DELAY, AT_ONCE);
    }
}

#[allow(unsafe_code)]
fn set(option: mi_option_t, value: c_long) {
    // SAFETY: it stores a number in mimalloc's own table and checks the index. Other threads read that
    // table without a lock: at the beginning of `main` there are none.
    unsafe { libmimalloc_sys::mi_option_set(option, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn freed_pages_are_kept_no_longer() {
        // SAFETY: as in `set`; it reads the same table.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        // No other option has this default: were they numbered anew, this would fail.
        assert_eq!(delay(), 1_000);
        give_back_at_once();
        assert_eq!(delay(), 0);
    }
}
