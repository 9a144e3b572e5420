//! Which ids were published in a room lately, so that what comes again is not published again.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use parlour_proto::{Author, Draft, Entry, EntryId, EntryKind, Seq};

/// What ids and contents are digested with. Its secret keeps anybody from making two that collide.
#[derive(Clone, Copy, Debug)]
pub struct Digester(pub(crate) u64);

impl Digester {
    /// One with this secret.
    #[must_use]
    pub fn new(secret: u64) -> Self {
        Self(secret)
    }

    /// The digest of an entry that has an id.
    #[must_use]
    pub fn digest(self, entry: &Entry) -> Option<IdDigest> {
        let id = entry.id.as_ref()?;
        Some(self.of(id, &entry.from, entry.author, &entry.kind, &entry.payload))
    }

    pub(crate) fn of_draft(self, draft: &Draft) -> Option<IdDigest> {
        let id = draft.id.as_ref()?;
        Some(self.of(id, &draft.from, draft.author, &draft.kind, &draft.payload))
    }

    fn of(
        self,
        id: &EntryId,
        from: &str,
        author: Author,
        kind: &EntryKind,
        payload: &[u8],
    ) -> IdDigest {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        // A publisher over HTTP is nobody at `/plain`, whatever name he gives.
        (id, from, author == Author::Published).hash(&mut hasher);
        let id = hasher.finish();
        kind.hash(&mut hasher);
        payload.hash(&mut hasher);
        IdDigest {
            id,
            content: hasher.finish(),
        }
    }
}

/// Who published under which id, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdDigest {
    /// The publisher and the id.
    pub id: u64,
    /// The same, with the kind and the payload.
    pub content: u64,
}

/// The ids of the last entries of a room.
#[derive(Debug)]
pub(crate) struct Ids {
    in_order: VecDeque<(Seq, IdDigest)>,
    /// Where each of them stands, when they are too many to look through.
    #[allow(clippy::box_collection, reason = "empty, it is 8 bytes instead of 48")]
    by_id: Option<Box<HashMap<u64, (Seq, u64)>>>,
    /// All ids of entries from this one on are known.
    from: Seq,
}

/// So many are looked through: most rooms have no more, and a map for each would cost more than they.
const FEW: usize = 16;

/// What is known of an id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing was published under it, as far back as is known.
    New,
    /// The same was, as this entry.
    Same(Seq),
    /// Something else was.
    Other,
}

impl Ids {
    pub(crate) fn new(known: impl IntoIterator<Item = (Seq, IdDigest)>, from: Seq) -> Self {
        let mut ids = Self {
            in_order: VecDeque::new(),
            by_id: None,
            from,
        };
        for (seq, digest) in known {
            ids.insert(seq, digest);
        }
        ids
    }

    pub(crate) fn find(&self, digest: IdDigest) -> Known {
        let found = match &self.by_id {
            Some(by_id) => by_id.get(&digest.id).copied(),
            None => self.look_through(digest.id),
        };
        match found {
            None => Known::New,
            Some((seq, content)) if content == digest.content => Known::Same(seq),
            Some(_) => Known::Other,
        }
    }

    fn look_through(&self, id: u64) -> Option<(Seq, u64)> {
        let mut newest_first = self.in_order.iter().rev();
        let (seq, digest) = newest_first.find(|(_, digest)| digest.id == id)?;
        Some((*seq, digest.content))
    }

    /// Whether every id that was published after `seq` is known.
    pub(crate) fn reaches(&self, seq: Seq) -> bool {
        self.from <= seq.next()
    }

    pub(crate) fn insert(&mut self, seq: Seq, digest: IdDigest) {
        self.in_order.push_back((seq, digest));
        if let Some(by_id) = &mut self.by_id {
            by_id.insert(digest.id, (seq, digest.content));
        } else if self.in_order.len() > FEW {
            let all = self.in_order.iter();
            let all = all.map(|(seq, digest)| (digest.id, (*seq, digest.content)));
            self.by_id = Some(Box::new(all.collect()));
        }
    }

    /// Forgets the ids of entries before `from`.
    pub(crate) fn forget_before(&mut self, from: Seq) {
        if from <= self.from {
            return;
        }
        self.from = from;
        while let Some((seq, digest)) = self.in_order.front().copied()
            && seq < from
        {
            self.in_order.pop_front();
            self.remove(seq, digest.id);
        }
        if self.in_order.is_empty() {
            self.by_id = None;
        }
    }

    /// Forgets the older half.
    pub(crate) fn halve(&mut self) {
        if let Some((seq, _)) = self.in_order.get(self.in_order.len() / 2) {
            self.forget_before(seq.next());
            self.shrink();
        }
    }

    /// Gives spare room back.
    pub(crate) fn shrink(&mut self) {
        self.in_order.shrink_to_fit();
        if self.in_order.len() <= FEW {
            self.by_id = None;
        } else if let Some(by_id) = &mut self.by_id {
            by_id.shrink_to_fit();
        }
    }

    /// Bytes that they take, about.
    pub(crate) fn bytes(&self) -> usize {
        // 24 bytes in the queue, and as many in a map, which keeps a quarter free.
        let each = if self.by_id.is_some() { 56 } else { 24 };
        self.in_order.len() * each
    }

    /// Takes back the ids of `from` and what follows it: those entries are not in the log.
    pub(crate) fn take_back(&mut self, from: Seq) {
        while let Some((seq, digest)) = self.in_order.back().copied()
            && seq >= from
        {
            self.in_order.pop_back();
            self.remove(seq, digest.id);
        }
    }

    fn remove(&mut self, seq: Seq, id: u64) {
        if let Some(by_id) = &mut self.by_id
            && by_id.get(&id).is_some_and(|(at, _)| *at == seq)
        {
            by_id.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str, payload: &str) -> IdDigest {
        let draft = Draft::message("ann", payload).with_id(EntryId::new(text).unwrap());
        Digester(7).of_draft(&draft).unwrap()
    }

    #[test]
    fn the_same_is_known_and_something_else_under_its_id_too() {
        let mut ids = Ids::new([], Seq(1));
        assert_eq!(ids.find(digest("a", "x")), Known::New);
        ids.insert(Seq(1), digest("a", "x"));
        assert_eq!(ids.find(digest("a", "x")), Known::Same(Seq(1)));
        assert_eq!(ids.find(digest("a", "y")), Known::Other);
        assert_eq!(ids.find(digest("b", "x")), Known::New);
    }

    #[test]
    fn an_id_is_its_publishers_own() {
        let by = |from: &str, author| {
            let draft = Draft::message(from, "x").with_id(EntryId::new("a").unwrap());
            Digester(7).of_draft(&draft.by(author)).unwrap().id
        };
        let ann = by("ann", Author::Named);
        assert_ne!(ann, by("bob", Author::Named));
        assert_ne!(ann, by("ann", Author::Published));
        assert_eq!(ann, by("ann", Author::Named));
    }

    #[test]
    fn what_is_too_old_is_forgotten_and_said_to_be() {
        let mut ids = Ids::new([(Seq(3), digest("a", "x"))], Seq(2));
        assert!(ids.reaches(Seq(1)) && !ids.reaches(Seq(0)));
        ids.insert(Seq(5), digest("b", "x"));
        ids.forget_before(Seq(4));
        assert_eq!(ids.find(digest("a", "x")), Known::New);
        assert_eq!(ids.find(digest("b", "x")), Known::Same(Seq(5)));
        assert!(ids.reaches(Seq(3)) && !ids.reaches(Seq(2)));
        ids.take_back(Seq(5));
        assert_eq!(ids.find(digest("b", "x")), Known::New);
    }

    #[test]
    fn few_and_many_are_known_alike() {
        let named = |number: u64| digest(&number.to_string(), "x");
        let mut ids = Ids::new([], Seq(1));
        for count in 1..=100 {
            ids.insert(Seq(count), named(count));
            assert!((1..=count).all(|at| ids.find(named(at)) == Known::Same(Seq(at))));
            assert_eq!(ids.find(named(count + 1)), Known::New);
        }
        assert!(ids.by_id.is_some());
        ids.halve();
        assert_eq!(ids.find(named(50)), Known::New);
        assert_eq!(ids.find(named(52)), Known::Same(Seq(52)));
        ids.forget_before(Seq(90));
        ids.shrink();
        assert!(ids.by_id.is_none(), "a map for 11");
        assert_eq!(ids.find(named(89)), Known::New);
        assert!((90..=100).all(|at| ids.find(named(at)) == Known::Same(Seq(at))));
    }
}
