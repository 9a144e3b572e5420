//! The counts that a full run must reach. A suite that was cut short must not look like success.

/// Cases of the Autobahn suite per section: all that it has. 12 and 13 are about permessage-deflate.
pub(crate) const AUTOBAHN_SECTIONS: [(u8, u32); 11] = [
    (1, 16),
    (2, 11),
    (3, 7),
    (4, 10),
    (5, 20),
    (6, 145),
    (7, 37),
    (9, 54),
    (10, 1),
    (12, 90),
    (13, 126),
];

/// Autobahn cases of `cargo xtask autobahn --all`: all sections above.
pub(crate) const AUTOBAHN_CASES_ALL: u32 = 517;

/// Autobahn cases of a test run, which each group of them must reach: the sections but 12 and 13, which take minutes, and a few cases of
/// these. The large messages of section 9 cost seconds.
#[cfg(test)]
pub(crate) const AUTOBAHN_CASES: u32 = 313;

/// The fewest tests of the page that must pass: in Chromium, and of its parts in Node.js.
pub(crate) const CHROMIUM_CASES: u32 = 153;

const _: () = {
    let mut sum = 0;
    let mut i = 0;
    while i < AUTOBAHN_SECTIONS.len() {
        sum += AUTOBAHN_SECTIONS[i].1;
        i += 1;
    }
    assert!(sum == AUTOBAHN_CASES_ALL);
};
