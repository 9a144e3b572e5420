//! How tables of many small things grow.

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
}
