//! Where the inputs are cut makes no difference: not to the items, not to the error, not to the
//! byte that shows it.

mod common;

use common::streams::{LIMITS, compressed_stream, hostile_stream, message};
use common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn pieces<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    let piece = |ends: &[usize]| &stream[ends[0]..ends[1]];
    places.windows(2).map(piece).collect()
}

fn in_pieces(stream: &[u8], cuts: &[Index]) -> Outcome {
    receive_inputs(&LIMITS, pieces(stream, cuts))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_pieces_give_what_the_whole_gives(
        stream in hostile_stream(),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let whole = receive_inputs(&LIMITS, [&stream[..]]);
        prop_assert_eq!(&in_pieces(&stream, &cuts), &whole);
        prop_assert_eq!(&byte_by_byte(&LIMITS, &stream), &whole);
    }

    #[test]
    fn any_pieces_of_compressed_messages_give_what_the_whole_gives(
        stream in prop_oneof![compressed_stream(), hostile_stream()],
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let whole = receive_inputs_inflating(&LIMITS, [&stream[..]]);
        let cut = receive_inputs_inflating(&LIMITS, pieces(&stream, &cuts));
        prop_assert_eq!(&cut, &whole);
        let bytes = receive_inputs_inflating(&LIMITS, stream.chunks(1));
        prop_assert_eq!(&bytes, &whole);
    }

    #[test]
    fn valid_messages_come_out_as_they_went_in(
        messages in vec(message(), 0..5),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let sent: Vec<Item> = messages.iter().map(|(item, _)| item.clone()).collect();
        let stream = messages.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<u8>>();
        let outcome = in_pieces(&stream, &cuts);
        prop_assert_eq!(outcome.error, None);
        prop_assert!(!outcome.mid_message);
        let mut items = outcome.items;
        items.retain(|item| matches!(item, Item::Text(_) | Item::Binary(_)));
        prop_assert_eq!(items, sent);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_cut_in_two_gives_what_the_whole_gives(stream in hostile_stream()) {
        let whole = receive_inputs(&LIMITS, [&stream[..]]);
        for cut in 0..=stream.len() {
            let (left, right) = stream.split_at(cut);
            prop_assert_eq!(&receive_inputs(&LIMITS, [left, right]), &whole, "cut at {}", cut);
        }
    }

    #[test]
    fn an_error_is_final_and_what_came_before_it_stays(stream in hostile_stream()) {
        let whole = receive_inputs(&LIMITS, [&stream[..]]);
        for cut in 0..=stream.len() {
            let beginning = receive_inputs(&LIMITS, [&stream[..cut]]);
            prop_assert!(whole.items.starts_with(&beginning.items), "cut at {}", cut);
            if beginning.error.is_some() {
                prop_assert_eq!(&beginning, &whole, "cut at {}", cut);
            }
        }
    }
}
