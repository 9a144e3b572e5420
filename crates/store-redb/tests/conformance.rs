//! The redb store keeps what every store promises.

use parlour_store_redb::conformance::{self, Start};
use parlour_store_redb::{StoreConfig, Stores};

#[test]
fn the_store_keeps_every_promise_of_a_store() {
    for partitions in [1, 3] {
        let mut folder = tempfile::tempdir().unwrap();
        conformance::check(|start| {
            if start == Start::New {
                folder = tempfile::tempdir().unwrap();
            }
            let config = StoreConfig {
                partitions,
                ..StoreConfig::default()
            };
            Stores::open(folder.path(), &config, |_, _| {}).unwrap()
        });
    }
}
