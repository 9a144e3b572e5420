//! What every [`Store`](parlour_hub::Store) must do, whatever it is made of.
//!
//! ```
//! use parlour_store_redb::conformance::{self, Start};
//! use parlour_store_redb::{StoreConfig, Stores};
//!
//! let mut folder = tempfile::tempdir().unwrap();
//! conformance::check(|start| {
//!     if start == Start::New {
//!         folder = tempfile::tempdir().unwrap();
//!     }
//!     Stores::open(folder.path(), &StoreConfig::default(), |_, _| {}).unwrap()
//! });
//! ```

mod driver;
mod promises;

use parlour_hub::Logs;

/// What a store is opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing: no room has a log.
    New,
    /// What the store that was opened last has left. That one is gone.
    Again,
}

/// Holds a store to every promise of the list, each on new data.
///
/// # Panics
/// When a promise does not hold; the message names it.
pub fn check<L: Logs + 'static>(mut open: impl FnMut(Start) -> L) {
    for (name, promise) in promises::ALL {
        let mut open = |start| -> Box<dyn Logs> { Box::new(open(start)) };
        println!("conformance: {name}");
        promise(&mut driver::Maker::new(name, &mut open));
    }
}
