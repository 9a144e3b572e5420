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
    /// With how few things left it is looked again whether room can be given back.
    give_back_at: usize,
}

impl<T> Table<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Slab::new(),
            generation: 0,
            give_back_at: 0,
        }
    }

    pub(crate) fn insert(&mut self, thing: T) -> Key {
        self.generation = self.generation.wrapping_add(1);
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve_exact(grow::spare(self.slots.len()));
            self.give_back_at = grow::few(self.slots.capacity());
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

    /// What is at `index` now, and by which key it will be known later.
    pub(crate) fn present(&self, index: u32) -> Option<(Key, &T)> {
        let (generation, thing) = self.slots.get(index as usize)?;
        let generation = *generation;
        Some((Key { index, generation }, thing))
    }

    pub(crate) fn key_at(&self, index: u32) -> Option<Key> {
        Some(self.present(index)?.0)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        let (_, thing) = self.slots.remove(key.index as usize);
        self.give_back();
        Some(thing)
    }

    /// Gives back what lies behind the last thing, when few are left. It goes through all slots, and
    /// things stay where they are: one at the end keeps everything, so the next time is when half as
    /// many are left.
    fn give_back(&mut self) {
        if self.slots.len() > self.give_back_at {
            return;
        }
        if self.slots.capacity() > grow::ALWAYS_KEPT {
            self.slots.shrink_to_fit();
        }
        self.give_back_at = self.slots.len() / 2;
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

    #[test]
    fn what_many_needed_is_given_back_when_few_are_left() {
        let mut table = Table::new();
        let keys: Vec<Key> = (0..10_000).map(|thing| table.insert(thing)).collect();
        for &key in keys[100..].iter().rev() {
            table.remove(key);
        }
        let kept = table.slots.capacity();
        assert!(kept < 2_500, "{kept} slots for 100 things");
        for (thing, &key) in keys[..100].iter().enumerate() {
            assert_eq!(table.get(key), Some(&thing), "they stay where they are");
        }
        let mut back: Vec<Key> = (0..10_000).map(|thing| table.insert(thing)).collect();
        back.extend(&keys[..100]);
        for &key in &back {
            assert!(table.remove(key).is_some(), "{key:?}");
        }
        assert!(table.slots.capacity() <= grow::ALWAYS_KEPT);
    }

    #[test]
    fn one_at_the_end_is_no_work_for_each_that_goes() {
        let mut table = Table::new();
        let keys: Vec<Key> = (0..10_000).map(|thing| table.insert(thing)).collect();
        let mut looks = 0;
        for &key in &keys[..9_999] {
            let at = table.give_back_at;
            table.remove(key);
            looks += u32::from(table.give_back_at != at);
        }
        assert!(looks < 16, "{looks} times through all slots");
        assert_eq!(table.len(), 1);
    }
}
