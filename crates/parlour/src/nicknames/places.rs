//! Who holds which nickname: the bookkeeping, without anybody to ask.

use std::collections::HashMap;

use parlour_proto::{Refusal, UserName};
use unicode_normalization::UnicodeNormalization as _;

use super::ANONYMOUS;
use crate::hub::Whereabouts;

const GUEST_MARK: &str = "guest-";

/// A nickname in the one form that all its writings have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(Box<str>);

impl Key {
    pub(super) fn of(nickname: &str) -> Self {
        let lower: String = nickname.nfkc().flat_map(char::to_lowercase).collect();
        Self(lower.nfkc().collect::<String>().into())
    }
}

/// The nickname of who is known everywhere as `who`.
pub(super) fn nickname(who: &UserName) -> &str {
    let name = who.as_str();
    name.strip_prefix(GUEST_MARK).unwrap_or(name)
}

/// Two names for each connection at most, and one for each that is on the way.
#[derive(Default)]
pub(super) struct Places {
    next: u64,
    held: HashMap<Key, Holder>,
    here: HashMap<Whereabouts, Here>,
}

/// Who has a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Somebody on the way; an account of the name may have come meanwhile.
    Coming {
        must_look: bool,
    },
    Here(Whereabouts),
}

/// Somebody at `/plain`.
struct Here {
    who: UserName,
    key: Key,
    /// What he wants to be called, while that is looked at.
    wanted: Option<(UserName, Key)>,
    /// An account of one of these names has come meanwhile.
    must_look: bool,
}

impl Places {
    /// Holds the next anonymous name that is free. The number never goes back.
    pub(super) fn hold_next(&mut self) -> (UserName, Key) {
        loop {
            let nickname = format!("{ANONYMOUS}{}", self.next);
            self.next += 1;
            let key = Key::of(&nickname);
            if self.held.contains_key(&key) {
                continue;
            }
            // Plain letters and digits, far fewer than 64.
            if let Ok(who) = UserName::guest(&nickname) {
                let coming = Holder::Coming { must_look: false };
                self.held.insert(key.clone(), coming);
                return (who, key);
            }
        }
    }

    /// Nobody comes for a name that was held.
    pub(super) fn give_up(&mut self, key: &Key) {
        if let Some(Holder::Coming { .. }) = self.held.get(key) {
            self.held.remove(key);
        }
    }

    /// He for whom a name was held is here. Whether it must be looked at, as an account of that name
    /// has come meanwhile.
    pub(super) fn came(&mut self, at: Whereabouts, who: &UserName) -> bool {
        let key = Key::of(nickname(who));
        let held = self.held.insert(key.clone(), Holder::Here(at));
        let here = Here {
            who: who.clone(),
            key,
            wanted: None,
            must_look: false,
        };
        self.here.insert(at, here);
        held == Some(Holder::Coming { must_look: true })
    }

    /// He has gone, and nothing of his is held any more.
    pub(super) fn went(&mut self, at: Whereabouts) {
        let Some(here) = self.here.remove(&at) else {
            return;
        };
        self.held.remove(&here.key);
        if let Some((_, key)) = here.wanted {
            self.held.remove(&key);
        }
    }

    /// Holds the name that he wants, beside his own. In another writing his own is still his.
    pub(super) fn want(&mut self, at: Whereabouts, who: &UserName) -> Result<(), Refusal> {
        let key = Key::of(nickname(who));
        let here = self.here.get_mut(&at).ok_or(Refusal::NotAllowed)?;
        let is_others = self
            .held
            .get(&key)
            .is_some_and(|held| *held != Holder::Here(at));
        if is_others || here.wanted.is_some() {
            return Err(Refusal::NameTaken);
        }
        self.held.insert(key.clone(), Holder::Here(at));
        here.wanted = Some((who.clone(), key));
        Ok(())
    }

    /// He is called as he wanted to be, or keeps his name.
    pub(super) fn settle(&mut self, at: Whereabouts, is_renamed: bool) {
        let Some(here) = self.here.get_mut(&at) else {
            return;
        };
        let Some((who, key)) = here.wanted.take() else {
            return;
        };
        let gone = if is_renamed {
            here.who = who;
            std::mem::replace(&mut here.key, key)
        } else {
            key
        };
        if gone != here.key {
            self.held.remove(&gone);
        }
    }

    /// Whether his name must be looked at, as an account has come while he wanted another.
    pub(super) fn has_settled(&mut self, at: Whereabouts) -> bool {
        let here = self.here.get_mut(&at);
        here.is_some_and(|here| std::mem::take(&mut here.must_look))
    }

    /// Who must not be called so any more; who is just coming or being renamed is looked at afterwards.
    pub(super) fn must_go(&mut self, user: &UserName) -> Option<Whereabouts> {
        let at = match self.held.get_mut(&Key::of(user.as_str()))? {
            Holder::Here(at) => *at,
            Holder::Coming { must_look } => {
                *must_look = true;
                return None;
            }
        };
        let here = self.here.get_mut(&at)?;
        if here.wanted.is_none() {
            return Some(at);
        }
        here.must_look = true;
        None
    }

    /// `false` if he has gone, is not called `from` any more, or is on his way to another name and is
    /// looked at when he has it.
    pub(super) fn may_move(&mut self, at: Whereabouts, from: &Key) -> bool {
        let here = self.here.get_mut(&at).filter(|here| here.key == *from);
        let Some(here) = here else {
            return false;
        };
        here.must_look |= here.wanted.is_some();
        here.wanted.is_none()
    }

    /// Gives him a name that was held for a newcomer, if he [may move](Self::may_move).
    pub(super) fn moves_to(
        &mut self,
        at: Whereabouts,
        from: &Key,
        who: &UserName,
        key: &Key,
    ) -> bool {
        if !self.may_move(at, from) {
            return false;
        }
        let Some(here) = self.here.get_mut(&at) else {
            return false;
        };
        here.who = who.clone();
        let was = std::mem::replace(&mut here.key, key.clone());
        self.held.remove(&was);
        self.held.insert(key.clone(), Holder::Here(at));
        true
    }

    /// What he is called everywhere.
    pub(super) fn who(&self, at: Whereabouts) -> Option<UserName> {
        self.here.get(&at).map(|here| here.who.clone())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.held.len(), self.here.len())
    }
}
