//! A slab whose keys tell a slot's present tenant from its earlier ones.

use slab::Slab;

use crate::grow;

/// Place and generation of something in a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Things by [`Key`], or by bare index where the caller knows that it is the present tenant.
#[derive(Debug)]
pub(crate) struct Table<T> {
    slots: Slab<(u32, T)>,
    generation: u32,
}

impl<T> Table<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Slab::new(),
            generation: 0,
        }
    }

    pub(crate) fn insert(&mut self, thing: T) -> Key {
        self.generation = self.generation.wrapping_add(1);
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve_exact(grow::spare(self.slots.len()));
        }
        let index = self.slots.insert((self.generation, thing));
        // A shard would need 4 billion things at once.
        let index = u32::try_from(index).expect("a table holds fewer than 2^32 things");
        Key {
            index,
            generation: self.generation,
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let (generation, thing) = self.slots.get(key.index as usize)?;
        (*generation == key.generation).then_some(thing)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (generation, thing) = self.slots.get_mut(key.index as usize)?;
        (*generation == key.generation).then_some(thing)
    }

    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize).map(|(_, thing)| thing)
    }

    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        self.slots.get_mut(index as usize).map(|(_, thing)| thing)
    }

    pub(crate) fn key_at(&self, index: u32) -> Option<Key> {
        let (generation, _) = self.slots.get(index as usize)?;
        Some(Key {
            index,
            generation: *generation,
        })
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        Some(self.slots.remove(key.index as usize).1)
    }

    pub(crate) fn indices(&self) -> Vec<u32> {
        // Indices came from `insert`, which checked them.
        self.slots.iter().map(|(index, _)| index as u32).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_key_does_not_reach_the_new_tenant() {
        let mut table = Table::new();
        let old = table.insert("a");
        assert_eq!(table.remove(old), Some("a"));
        let new = table.insert("b");
        assert_eq!(old.index, new.index);
        assert_eq!(table.get(old), None);
        assert_eq!(table.remove(old), None);
        assert_eq!(table.get(new), Some(&"b"));
    }
}
