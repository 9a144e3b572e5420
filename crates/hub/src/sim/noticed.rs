//! What a simulated client knows of comings and goings.

use std::collections::{BTreeMap, BTreeSet};

/// In each room: who has come before its eyes and is here, and who has gone.
#[derive(Debug, Default)]
pub(super) struct Noticed(BTreeMap<String, Seen>);

#[derive(Debug, Default)]
struct Seen {
    here: BTreeSet<String>,
    gone: BTreeSet<String>,
}

impl Noticed {
    /// A notice. Each is told once.
    pub(super) fn hear(&mut self, room: &str, who: &str, what: &str) -> Result<(), String> {
        let Seen { here, gone } = self.0.entry(room.to_owned()).or_default();
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

    pub(super) fn leave(&mut self, room: &str) {
        self.0.remove(room);
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
