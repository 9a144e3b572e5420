//! Times as JSON says them.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// Seconds: a whole number where they are whole, else with a fraction, so that no time of
/// something is told as one of nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(pub(super) Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.subsec_nanos() {
            0 => serializer.serialize_u64(self.0.as_secs()),
            _ => serializer.serialize_f64(self.0.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_are_whole_numbers_and_parts_are_told() {
        for (millis, told) in [(0, "0"), (5_000, "5"), (500, "0.5"), (1_250, "1.25")] {
            let seconds = Seconds(Duration::from_millis(millis));
            assert_eq!(serde_json::to_string(&seconds).unwrap(), told);
        }
    }
}
