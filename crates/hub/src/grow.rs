//! How tables of many small things grow, and when they give room back.

use std::collections::HashMap;
use std::hash::Hash;

/// Makes room for one more thing, and for an eighth of those that are there. To double it, as `push`
/// does by itself, would leave up to half of every connection's share of a large table unused.
pub(crate) fn for_one_more<T>(things: &mut Vec<T>) {
    if things.len() == things.capacity() {
        things.reserve_exact(spare(things.len()));
    }
}

/// How many things more a table of `len` gets.
pub(crate) fn spare(len: usize) -> usize {
    len / 8 + 1
}

/// Room for so many things is not worth giving back.
pub(crate) const ALWAYS_KEPT: usize = 64;

/// With how few things a table with room for `capacity` gives back what it does not need.
pub(crate) fn few(capacity: usize) -> usize {
    capacity / 4
}

/// Takes something out, and gives back what a map needed for many when few are left.
pub(crate) fn take_out<K: Hash + Eq, V>(map: &mut HashMap<K, V>, key: &K) -> Option<V> {
    let value = map.remove(key);
    if map.len() <= few(map.capacity()) && map.capacity() > ALWAYS_KEPT {
        map.shrink_to(2 * map.len());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_room_for_one_and_many_for_an_eighth_more() {
        let mut things = Vec::new();
        for count in 1..=1_000_usize {
            for_one_more(&mut things);
            things.push(count);
            let most = count + spare(count);
            assert!(things.capacity() <= most, "{count}: {}", things.capacity());
        }
    }

    #[test]
    fn a_map_that_few_are_left_in_gives_room_back() {
        let mut map: HashMap<u32, ()> = (0..10_000).map(|key| (key, ())).collect();
        for key in 0..9_900 {
            assert_eq!(take_out(&mut map, &key), Some(()));
        }
        assert!(map.capacity() < 1_000, "{} for 100", map.capacity());
        assert!((9_900..10_000).all(|key| map.contains_key(&key)));
    }
}
