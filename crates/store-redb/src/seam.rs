//! The words of `parlour_hub::store` that are on their way.
#![allow(missing_docs)]



use parlour_proto::{Entry, Epoch, Seq};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    pub entries: Option<u64>,
    pub bytes: Option<u64>,
    pub age: Option<Duration>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    After(Seq),
    Before(Seq),
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    pub entries_max: usize,
    pub bytes_max: usize,
    pub ids_max: usize,
}
#[derive(Clone, Copy, Debug)]
pub struct Digester(pub u64);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdDigest {
    pub id: u64,
    pub content: u64,
}
impl Digester {
    pub fn digest(&self, entry: &Entry) -> Option<IdDigest> {
        let id = entry.id.as_ref()?;
        let sum = |b: &[u8]| {
            b.iter().fold(self.0, |a, b| {
                a.wrapping_mul(31).wrapping_add(u64::from(*b))
            })
        };
        Some(IdDigest {
            id: sum(id.as_str().as_bytes()),
            content: sum(&entry.payload),
        })
    }
}
#[derive(Clone, Debug)]
pub struct Opened {
    pub epoch: Epoch,
    pub head: Seq,
    pub first: Seq,
    pub recent: Vec<Arc<Entry>>,
    pub ids: Vec<(Seq, IdDigest)>,
    pub ids_from: Seq,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    Full,
    Failed,
    Damaged,
}
