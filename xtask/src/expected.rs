//! The counts that a full run must reach. A suite that was cut short must not look like success.

/// Cases of the Autobahn suite per section, for the sections that are run here.
/// 12 and 13 are about permessage-deflate.
pub(crate) const AUTOBAHN_SECTIONS: [(u8, u32); 9] = [
    (1, 16),
    (2, 11),
    (3, 7),
    (4, 10),
    (5, 20),
    (6, 145),
    (7, 37),
    (9, 54),
    (10, 1),
];

/// Autobahn cases of a test run: all sections above. The large messages of section 9 cost seconds.
pub(crate) const AUTOBAHN_CASES: u32 = 301;

/// The fewest tests of the page that must pass: in Chromium, and of its parts in Node.js.
pub(crate) const CHROMIUM_CASES: u32 = 153;

const _: () = {
    let mut sum = 0;
    let mut i = 0;
    while i < AUTOBAHN_SECTIONS.len() {
        sum += AUTOBAHN_SECTIONS[i].1;
        i += 1;
    }
    assert!(sum == AUTOBAHN_CASES);
};
