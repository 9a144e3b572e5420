//! A queue that is empty nearly always, and takes 8 bytes while it is.

use std::collections::VecDeque;
use std::ops::Deref;

/// Read as a [`VecDeque`], which is made for the first thing that waits.
#[derive(Debug)]
#[allow(clippy::box_collection, reason = "empty, it is 8 bytes instead of 32")]
pub(crate) struct Seldom<T>(Option<Box<VecDeque<T>>>);

impl<T> Seldom<T> {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    pub(crate) fn push_back(&mut self, thing: T) {
        self.0.get_or_insert_default().push_back(thing);
    }

    pub(crate) fn push_front(&mut self, thing: T) {
        self.0.get_or_insert_default().push_front(thing);
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        self.0.as_mut()?.pop_front()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|queue| queue.iter_mut())
    }

    /// Empties it.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.0.take().into_iter().flat_map(|queue| *queue)
    }

    /// Gives spare room back.
    pub(crate) fn shrink(&mut self) {
        match &mut self.0 {
            Some(queue) if !queue.is_empty() => queue.shrink_to_fit(),
            queue => *queue = None,
        }
    }
}

impl<T> Deref for Seldom<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        match &self.0 {
            Some(queue) => queue,
            None => const { &VecDeque::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_only_while_something_waits() {
        let mut queue = Seldom::new();
        assert_eq!((queue.pop_front(), queue.len()), (None, 0));
        queue.push_back(2);
        queue.push_front(1);
        queue.iter_mut().for_each(|it| *it *= 10);
        assert!(queue.iter().eq(&[10, 20]));
        assert_eq!(queue.pop_front(), Some(10));
        queue.shrink();
        assert!(queue.take().eq([20]) && queue.0.is_none());
        queue.push_back(3);
        queue.pop_front();
        queue.shrink();
        assert!(queue.0.is_none() && size_of::<Seldom<u64>>() == 8);
    }
}
