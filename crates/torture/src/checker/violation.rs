//! What was wrong, and where.

use std::collections::BTreeMap;
use std::fmt;

use parlour_proto::Position;
use serde::Serialize;

use super::Id;

/// Violations of which the details are kept; all are counted.
pub(super) const DETAILS_MAX: usize = 50;

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An acknowledged or told entry is gone, and no notice said so.
    Lost,
    /// One id at two positions, or one position told twice.
    Twice,
    /// An entry came behind one with a higher number.
    Reordered,
    /// Two readers were told different things at one position.
    Different,
    /// The position of an acknowledgement holds something else.
    WrongAck,
    /// Numbers are missing without a notice.
    Hole,
    /// A notice that does not begin where its reader was.
    WrongNotice,
    /// Something was refused for good, and is in the log.
    Refused,
    /// The server should know whether something was published, and says that it does not.
    Forgotten,
    /// A reader was not told the room's last entries in time.
    Incomplete,
}

impl Kind {
    /// In the words of the report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Twice => "twice",
            Self::Reordered => "out of order",
            Self::Different => "different for two readers",
            Self::WrongAck => "acknowledged at another's place",
            Self::Hole => "missing without a notice",
            Self::WrongNotice => "notice that does not fit",
            Self::Refused => "refused and yet there",
            Self::Forgotten => "forgotten too early",
            Self::Incomplete => "not told in time",
        }
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which rule.
    pub kind: Kind,
    /// In which room.
    pub room: String,
    /// Epoch, 16 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// Number of the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The entry's id, as the checker has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Who saw it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reader: String,
    /// In words.
    pub why: String,
}

impl Violation {
    pub(super) fn new(kind: Kind, room: &str, at: Option<Position>, id: Option<Id>) -> Self {
        Self {
            kind,
            room: room.to_owned(),
            epoch: at.map(|it| it.epoch.to_string()),
            seq: at.map(|it| it.seq.0),
            id: id.map(|it| it.0),
            reader: String::new(),
            why: String::new(),
        }
    }

    pub(super) fn of(mut self, reader: &str) -> Self {
        reader.clone_into(&mut self.reader);
        self
    }

    pub(super) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: room {}", self.kind.name(), self.room)?;
        if let (Some(epoch), Some(seq)) = (&self.epoch, self.seq) {
            write!(f, ", seq {seq} of epoch {epoch}")?;
        }
        if let Some(id) = self.id {
            write!(f, ", id {}", Id(id))?;
        }
        if !self.reader.is_empty() {
            write!(f, ", seen by {}", self.reader)?;
        }
        write!(f, ": {}", self.why)
    }
}

/// All of them, counted; the first ones with details.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Violations {
    /// How many of each kind.
    pub count: BTreeMap<Kind, u64>,
    /// The first ones, up to 50.
    pub first: Vec<Violation>,
}

impl Violations {
    pub(super) fn add(&mut self, violation: Violation) {
        *self.count.entry(violation.kind).or_default() += 1;
        if self.first.len() < DETAILS_MAX {
            self.first.push(violation);
        }
    }

    /// How many.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.count.values().sum()
    }

    /// How many of one kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.count.get(&kind).copied().unwrap_or(0)
    }
}
