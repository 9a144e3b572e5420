//! Bytes that nobody can foresee, from the operating system.

use std::time::Duration;

/// Masks of frames, keys of openings, the ids of publishes.
///
/// # Panics
/// If the system has no randomness, without which nothing here may be sent.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system without randomness cannot speak WebSocket");
    bytes
}

/// Somewhere from half of `mean` to one and a half of it.
pub(crate) fn around(mean: Duration) -> Duration {
    let [place] = bytes();
    mean.mul_f64(0.5 + f64::from(place) / 255.0)
}
