//! What all clients together know: one order per room.

use std::collections::{BTreeMap, HashMap};

/// A room's name, an epoch and a number in it.
pub(super) type Place = (String, u64, u64);

/// The first thing that anybody was told about a place or an id holds for everybody.
#[derive(Default)]
pub(super) struct Truth {
    at: BTreeMap<Place, String>,
    place_of: HashMap<String, Place>,
    acked: HashMap<String, Place>,
    /// The name that a publish was said under.
    said_by: HashMap<String, String>,
    /// The rooms of this world are in a store, which is sometimes late.
    pub(super) is_durable: bool,
    /// It sometimes fails.
    pub(super) may_fail: bool,
}

impl Truth {
    /// `may_fail`: the store sometimes does.
    pub(super) fn new(is_durable: bool, may_fail: bool) -> Self {
        Self {
            is_durable,
            may_fail,
            ..Self::default()
        }
    }

    /// Somebody was told that `id` stands at `place`.
    pub(super) fn witness(&mut self, place: &Place, id: &str) -> Result<(), String> {
        let here = self
            .at
            .entry(place.clone())
            .or_insert_with(|| id.to_owned());
        if here != id {
            return Err(format!("order: {here} and {id} both stand at {place:?}"));
        }
        let there = self
            .place_of
            .entry(id.to_owned())
            .or_insert_with(|| place.clone());
        if there != place {
            return Err(format!("order: {id} stands at {there:?} and at {place:?}"));
        }
        Ok(())
    }

    /// Somebody says something, under the name that he has.
    pub(super) fn says(&mut self, id: &str, name: String) {
        self.said_by.insert(id.to_owned(), name);
    }

    /// Somebody was told that `id` is from `name`.
    pub(super) fn witness_from(&self, id: &str, name: &str) -> Result<(), String> {
        match self.said_by.get(id) {
            Some(said) if said != name => Err(format!(
                "name: {id} was said by {said} and is told of {name}"
            )),
            _ => Ok(()),
        }
    }

    /// Somebody was told of another name at `place`.
    pub(super) fn witness_rename(&mut self, place: &Place, names: &str) -> Result<(), String> {
        let here = self
            .at
            .entry(place.clone())
            .or_insert_with(|| names.to_owned());
        if here != names {
            return Err(format!("order: {here} and {names} both stand at {place:?}"));
        }
        Ok(())
    }

    pub(super) fn witness_ack(&mut self, place: &Place, id: &str) -> Result<(), String> {
        if let Some(before) = self.acked.insert(id.to_owned(), place.clone()) {
            return Err(format!(
                "ack: {id} was acknowledged twice, at {before:?}, {place:?}"
            ));
        }
        self.witness(place, id)
    }

    /// A refused publish must never be seen anywhere.
    pub(super) fn check_refused(&self, id: &str) -> Result<(), String> {
        match self.place_of.get(id) {
            Some(place) => Err(format!("ack: {id} was refused and stands at {place:?}")),
            None => Ok(()),
        }
    }

    /// The highest number that anybody knows in an epoch of a room.
    pub(super) fn head(&self, room: &str, epoch: u64) -> u64 {
        let all = (room.to_owned(), epoch, 0)..=(room.to_owned(), epoch, u64::MAX);
        self.at
            .range(all)
            .next_back()
            .map_or(0, |((_, _, seq), _)| *seq)
    }
}
