//! How the tables beside each other grow, one row per connection.

/// Makes place for a row at `at`. A table gets an eighth more than it needs: to double it would leave up
/// to half of every connection's share of it unused.
pub(crate) fn to_hold<T>(table: &mut Vec<T>, at: usize, empty: impl FnMut() -> T) {
    if at < table.len() {
        return;
    }
    if at >= table.capacity() {
        table.reserve_exact(at + at / 8 + 1 - table.len());
    }
    table.resize_with(at + 1, empty);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_at_most_an_eighth_more_than_it_needs() {
        let mut table = Vec::new();
        for at in 0..1_000_usize {
            to_hold(&mut table, at, || 0_u8);
            assert!(table.capacity() <= at + at / 8 + 1);
        }
        to_hold(&mut table, 5, || 1);
        assert_eq!((table.len(), table[5]), (1_000, 0));
    }
}
