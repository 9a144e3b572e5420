//! What a simulated watcher knows of who is in a room.

use std::collections::BTreeSet;

/// The sum of all that it was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    /// `None` before the first snapshot.
    known: Option<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    count: usize,
    users: Option<BTreeSet<String>>,
}

impl Watched {
    pub(super) fn hear_all(
        &mut self,
        count: &str,
        users: &str,
        named_max: usize,
    ) -> Result<(), String> {
        let known = Known {
            count: number(count)?,
            users: (users != "-").then(|| list(users)),
        };
        known.check(named_max)?;
        self.known = Some(known);
        Ok(())
    }

    pub(super) fn hear_change(
        &mut self,
        count: &str,
        lists: [&str; 2],
        named_max: usize,
    ) -> Result<(), String> {
        let Some(Known {
            count: known,
            users: Some(users),
        }) = &mut self.known
        else {
            return Err("presence: a change came before the names that it changes".to_owned());
        };
        let [came, went] = lists.map(list);
        *known = number(count)?;
        if came.iter().any(|user| users.contains(user)) || !went.is_subset(users) {
            return Err(format!(
                "presence: {came:?} came and {went:?} went, and {users:?} were here"
            ));
        }
        users.extend(came);
        users.retain(|user| !went.contains(user));
        let known = self.known.as_ref();
        known.map_or(Ok(()), |known| known.check(named_max))
    }

    /// What must be true when nothing moves any more.
    pub(super) fn check(
        &self,
        room: &str,
        truth: &BTreeSet<String>,
        named_max: usize,
    ) -> Result<(), String> {
        let Some(Known { count, users }) = &self.known else {
            return Err(format!("presence: a watcher of {room} was told nothing"));
        };
        let is_right = match users {
            Some(users) => users == truth && users.len() <= named_max,
            // Names come back at nine tenths of the bound.
            None => *count == truth.len() && *count > named_max - named_max / 10,
        };
        if is_right {
            return Ok(());
        }
        Err(format!(
            "presence: in {room} are {truth:?}; a watcher knows of {count}: {users:?}"
        ))
    }
}

impl Known {
    fn check(&self, named_max: usize) -> Result<(), String> {
        match &self.users {
            Some(users) if users.len() > named_max => {
                Err(format!("presence: {} users are told by name", users.len()))
            }
            Some(users) if users.len() != self.count => Err(format!(
                "presence: {} users, and their names are {users:?}",
                self.count
            )),
            _ => Ok(()),
        }
    }
}

fn list(words: &str) -> BTreeSet<String> {
    let words = words.trim_matches(['[', ']']).split(',');
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("presence: {text:?} is no number"))
}
