//! What stands in a partition's database: four tables, and the rows that say where logs are.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | word | number: the format, the data directory's id, which partition of how many, a checksum of these two, the journal's generation |
//! | `rooms` | a room's name | its number and epoch; written once |
//! | `marks` | a room's number | where its log begins and ends; changed with every commit of it |
//! | `rows` | a room's number, first seq | all entries of the room in one commit (see [`row`](crate::row)) |
//!
//! A mark says what must be there, and rows say what is there. So a page that has lost its way, and
//! the rows in it, is noticed and not taken for a log that ends earlier; rows behind the end that a mark
//! says are noticed, too. Every value but those of `meta`, which have guards of their own, ends with a
//! CRC-32 of its key and itself; CRC-32 finds every single flipped bit.

use parlour_proto::{Epoch, RoomName, Seq};
use redb::TableDefinition;
use sha2::{Digest as _, Sha256};

/// The format that this version writes and reads.
pub(crate) const FORMAT: u128 = 2;

pub(crate) const META: TableDefinition<'_, &str, u128> = TableDefinition::new("meta");
pub(crate) const ROOMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("rooms");
pub(crate) const MARKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("marks");
pub(crate) const ROWS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("rows");

/// Something in the file contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Damage(pub(crate) String);

impl Damage {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Which part of which data directory a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Random, the same in all files of a data directory.
    pub(crate) directory: u128,
    /// Counted from 0.
    pub(crate) partition: u16,
    /// How many there are, at least 1.
    pub(crate) partitions: u16,
}

impl Identity {
    /// A checksum of it, which finds every single flipped bit.
    pub(crate) fn sum(self) -> u128 {
        let mut fields = self.directory.to_le_bytes().to_vec();
        fields.extend_from_slice(&self.partition.to_le_bytes());
        fields.extend_from_slice(&self.partitions.to_le_bytes());
        u128::from(crc32fast::hash(&fields))
    }

    /// The partition of a room, whatever the number of cores.
    pub(crate) fn partition_of(self, room: &RoomName) -> u16 {
        let hash = crc32fast::hash(room.as_str().as_bytes());
        // Smaller than the number of partitions.
        (hash % u32::from(self.partitions.max(1))) as u16
    }

    /// The number of a room: the same for ever, and in no other data directory.
    pub(crate) fn number_of(self, room: &RoomName) -> u64 {
        self.derived(b"room", 0, room)
    }

    /// The epoch of a room's log in its nth life, also before its first entry.
    pub(crate) fn epoch_of(self, room: &RoomName, generation: u32) -> Epoch {
        Epoch(self.derived(b"epoch", generation, room))
    }

    fn derived(self, what: &[u8], generation: u32, room: &RoomName) -> u64 {
        let mut hash = Sha256::new();
        hash.update(what);
        hash.update(self.directory.to_le_bytes());
        hash.update(generation.to_le_bytes());
        hash.update(room.as_str().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize()[..8]);
        u64::from_le_bytes(first)
    }
}

/// A row of `rooms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomRow {
    pub(crate) number: u64,
    pub(crate) epoch: Epoch,
    /// How many lives the log had before this one.
    pub(crate) generation: u32,
}

/// A row of `marks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Oldest entry that is kept; one after `head` if none is.
    pub(crate) first: Seq,
    /// Newest entry that there ever was.
    pub(crate) head: Seq,
    /// Bytes of all rows before `first`, since the log began.
    pub(crate) bytes_begin: u64,
    /// Bytes of all rows since the log began.
    pub(crate) bytes_end: u64,
    /// When the newest row was stored, in milliseconds since 1970 by the store's own steady clock.
    pub(crate) stored: u64,
    /// When the newest entry was sent, in nanoseconds since 1970.
    pub(crate) last_sent: i64,
}

impl Mark {
    /// That of a log without entries.
    pub(crate) const EMPTY: Self = Self {
        first: Seq(1),
        head: Seq(0),
        bytes_begin: 0,
        bytes_end: 0,
        stored: 0,
        last_sent: 0,
    };

    /// Entries that are kept.
    pub(crate) fn entries(&self) -> u64 {
        (self.head.0 + 1).saturating_sub(self.first.0)
    }

    /// Bytes of the rows that are kept.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes_end.saturating_sub(self.bytes_begin)
    }

    pub(crate) fn encode(&self, number: u64) -> Vec<u8> {
        let fields = [
            self.first.0,
            self.head.0,
            self.bytes_begin,
            self.bytes_end,
            self.stored,
            self.last_sent.cast_unsigned(),
        ];
        let mut out = Vec::with_capacity(fields.len() * 8 + 4);
        for field in fields {
            out.extend_from_slice(&field.to_le_bytes());
        }
        seal(&number.to_le_bytes(), out)
    }

    pub(crate) fn decode(number: u64, value: &[u8]) -> Result<Self, Damage> {
        let body = unseal(&number.to_le_bytes(), value)
            .ok_or_else(|| Damage::new("the mark of its log has a wrong checksum"))?;
        let mut fields = body.chunks_exact(8).map(|field| {
            let field: [u8; 8] = field.try_into().expect("chunks of 8 bytes");
            u64::from_le_bytes(field)
        });
        let mut next = || {
            fields
                .next()
                .ok_or_else(|| Damage::new("the mark of its log is too short"))
        };
        let mark = Self {
            first: Seq(next()?),
            head: Seq(next()?),
            bytes_begin: next()?,
            bytes_end: next()?,
            stored: next()?,
            last_sent: next()?.cast_signed(),
        };
        let is_sound = mark.first.0 >= 1
            && mark.head <= Seq::MAX
            && mark.first.0 <= mark.head.0 + 1
            && mark.bytes_begin <= mark.bytes_end;
        is_sound
            .then_some(mark)
            .ok_or_else(|| Damage::new("the mark of its log makes no sense"))
    }
}

impl RoomRow {
    pub(crate) fn encode(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.epoch.0.to_le_bytes());
        out.extend_from_slice(&self.generation.to_le_bytes());
        seal(name.as_bytes(), out)
    }

    pub(crate) fn decode(name: &str, value: &[u8]) -> Result<Self, Damage> {
        let body = unseal(name.as_bytes(), value)
            .ok_or_else(|| Damage::new("its row among the rooms has a wrong checksum"))?;
        let fields: Option<(&[u8; 8], &[u8])> = body.split_first_chunk();
        let parts = fields.and_then(|(number, rest)| {
            let (epoch, rest) = rest.split_first_chunk::<8>()?;
            let (generation, rest) = rest.split_first_chunk::<4>()?;
            rest.is_empty().then_some((number, epoch, generation))
        });
        let (number, epoch, generation) =
            parts.ok_or_else(|| Damage::new("its row among the rooms has a wrong length"))?;
        Ok(Self {
            number: u64::from_le_bytes(*number),
            epoch: Epoch(u64::from_le_bytes(*epoch)),
            generation: u32::from_le_bytes(*generation),
        })
    }
}

/// Appends the checksum of key and value.
pub(crate) fn seal(key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let sum = checksum(key, &value);
    value.extend_from_slice(&sum.to_le_bytes());
    value
}

/// The value without its checksum, if that is right.
pub(crate) fn unseal<'a>(key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (value, sum) = sealed.split_last_chunk::<4>()?;
    (checksum(key, value) == u32::from_le_bytes(*sum)).then_some(value)
}

fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity {
        directory: 7,
        partition: 0,
        partitions: 4,
    };

    #[test]
    fn a_room_has_one_number_epoch_and_partition_for_ever() {
        let room = RoomName::new("general").unwrap();
        // Written down, since a file of yesterday must be found again.
        assert_eq!(IDENTITY.number_of(&room), NUMBER);
        assert_eq!(IDENTITY.epoch_of(&room, 0), Epoch(EPOCH));
        assert_eq!(IDENTITY.partition_of(&room), 2);
        assert_ne!(IDENTITY.epoch_of(&room, 1), Epoch(EPOCH));
        let elsewhere = Identity {
            directory: 8,
            ..IDENTITY
        };
        assert_ne!(elsewhere.epoch_of(&room, 0), Epoch(EPOCH));
    }

    const NUMBER: u64 = 1024960426653881671;
    const EPOCH: u64 = 7570122375416811490;

    #[test]
    fn a_flipped_bit_of_a_mark_or_room_is_found_wherever_it_is() {
        let mark = Mark {
            first: Seq(3),
            head: Seq(9),
            bytes_begin: 100,
            bytes_end: 900,
            stored: 5,
            last_sent: -1,
        };
        let room = RoomRow {
            number: 5,
            epoch: Epoch(6),
            generation: 0,
        };
        let (marked, named) = (mark.encode(5), room.encode("general"));
        assert_eq!(Mark::decode(5, &marked), Ok(mark));
        assert_eq!(RoomRow::decode("general", &named), Ok(room));
        assert!(Mark::decode(4, &marked).is_err(), "another room's mark");
        assert!(RoomRow::decode("genera1", &named).is_err());
        for bit in 0..marked.len() * 8 {
            let mut flipped = marked.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Mark::decode(5, &flipped).is_err(), "bit {bit}");
        }
        for bit in 0..named.len() * 8 {
            let mut flipped = named.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(RoomRow::decode("general", &flipped).is_err(), "bit {bit}");
        }
        assert!(Mark::decode(5, &[]).is_err() && RoomRow::decode("", &[]).is_err());
    }
}
