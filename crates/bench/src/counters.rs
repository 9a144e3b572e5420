//! What a server counts itself: `GET /debug?format=json`, beside the WebSocket door.

use serde::Deserialize;

use crate::BenchError;
use crate::target::Target;
use crate::tickets;

/// The counters that a measurement looks at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Counters {
    /// Connections that have a place.
    pub(crate) connections: u64,
    pub(crate) hub: Hub,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Hub {
    pub(crate) rooms: u64,
    /// Bytes of rooms' last entries, and of what is encoded of them.
    pub(crate) log_bytes: u64,
}

impl Counters {
    /// Asks the server.
    ///
    /// # Errors
    /// When it does not tell, which a server that others can reach tells only to who has its token.
    pub(crate) fn read(target: &Target) -> Result<Self, BenchError> {
        let path = format!("{}?format=json", target.beside("debug"));
        let body = tickets::get(target, &path).map_err(BenchError::system("asking /debug"))?;
        Self::of(&body)
    }

    fn of(body: &[u8]) -> Result<Self, BenchError> {
        serde_json::from_slice(body)
            .map_err(|error| BenchError::system("reading /debug")(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_among_others() {
        let body =
            br#"{"connections":3,"doors":{"x":1},"hub":{"rooms":2,"log_bytes":512,"sends":9}}"#;
        let counters = Counters::of(body).unwrap();
        assert_eq!((counters.connections, counters.hub.log_bytes), (3, 512));
        assert!(Counters::of(b"{}").is_err());
    }
}
