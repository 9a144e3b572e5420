//! What a simulated client knows of comings and goings.

use std::collections::{BTreeMap, BTreeSet};

/// In each room: who has come before its eyes and is here, and who has gone.
#[derive(Debug, Default)]
pub(super) struct Noticed(BTreeMap<String, Seen>);

#[derive(Debug, Default)]
struct Seen {
    here: BTreeSet<String>,
    gone: BTreeSet<String>,
    /// It was in the room before, on this connection.
    is_back: bool,
}

impl Noticed {
    /// A notice. Each is told once.
    pub(super) fn hear(&mut self, room: &str, who: &str, what: &str) -> Result<(), String> {
        let Seen { here, gone, .. } = self.0.entry(room.to_owned()).or_default();
        let is_first = match what {
            "came" => {
                gone.remove(who);
                here.insert(who.to_owned())
            }
            _ => {
                here.remove(who);
                gone.insert(who.to_owned())
            }
        };
        if is_first {
            return Ok(());
        }
        Err(format!("notice: {who} {what} twice in {room}"))
    }

    /// Something was said. Who has gone has said everything before.
    pub(super) fn said(&self, room: &str, who: &str) -> Result<(), String> {
        match self.0.get(room) {
            Some(seen) if seen.gone.contains(who) => {
                Err(format!("notice: {who} spoke in {room} after he had gone"))
            }
            _ => Ok(()),
        }
    }

    /// It reads at once and is shown what it has said itself. Its coming stands before that, unless it
    /// said it before it went and came again.
    pub(super) fn said_itself(&self, room: &str, own: &str) -> Result<(), String> {
        match self.0.get(room) {
            Some(seen) if seen.is_back || seen.here.contains(own) => Ok(()),
            _ => Err(format!("notice: {own} spoke in {room} before it had come")),
        }
    }

    pub(super) fn leave(&mut self, room: &str) {
        let seen = self.0.entry(room.to_owned()).or_default();
        *seen = Seen {
            is_back: true,
            ..Seen::default()
        };
    }

    /// When nothing moves any more: it saw itself come, and knows nobody who is not here.
    pub(super) fn check(
        &self,
        room: &str,
        own: &str,
        present: &BTreeSet<String>,
    ) -> Result<(), String> {
        let seen = self.0.get(room).map(|seen| &seen.here);
        match seen {
            Some(here) if here.contains(own) && here.is_subset(present) => Ok(()),
            here => Err(format!(
                "notice: in {room} are {present:?}; {own} saw these come: {here:?}"
            )),
        }
    }
}
