//! The key-value store.

use tokio::time::Instant;

use super::{Entry, Record, State, size};
use crate::error::Refusal;

/// The condition on which a key is written or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// None.
    Always,
    /// It last changed at this index; 0 stands for 'it does not exist'.
    Unchanged(u64),
}

/// What a write does to the lock that a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lease {
    /// Nothing.
    Keep,
    /// Takes it for a session.
    Acquire(String),
    /// Lets it go, if the session holds it.
    Release(String),
}

impl State {
    /// A key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The keys with a prefix, in order.
    pub(crate) fn entries(&self, prefix: &str) -> impl Iterator<Item = &Entry> {
        let from =
            self.entries.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        from.map(|(_, entry)| entry).take_while(move |entry| entry.key.starts_with(prefix))
    }

    /// Writes a key; says whether the condition held and the lock could be had.
    pub(crate) fn put(
        &mut self,
        key: &str,
        value: Vec<u8>,
        flags: u64,
        guard: Guard,
        lease: Lease,
        now: Instant,
    ) -> Result<bool, Refusal> {
        let old = self.entries.get(key).cloned();
        if let Guard::Unchanged(index) = guard
            && old.as_ref().map_or(0, |old| old.modified) != index
        {
            return Ok(false);
        }
        let held_by = old.as_ref().and_then(|old| old.session.clone());
        let mut lock_index = old.as_ref().map_or(0, |old| old.lock_index);
        let session = match lease {
            Lease::Keep => held_by,
            Lease::Acquire(session) => {
                if !self.sessions.contains_key(&session) {
                    return Err(Refusal::Failed(format!("invalid session {session:?}")));
                }
                match held_by {
                    Some(holder) if holder != session => return Ok(false),
                    Some(_) => {}
                    None if self.lock_delays.get(key).is_some_and(|until| *until > now) => return Ok(false),
                    None => lock_index += 1,
                }
                Some(session)
            }
            Lease::Release(session) if held_by.as_ref() == Some(&session) => None,
            Lease::Release(_) => return Ok(false),
        };
        let index = self.change_index();
        let mut entry =
            Entry { key: key.to_owned(), value, flags, session, lock_index, created: index, modified: index };
        self.room_for(&entry, old.as_ref())?;
        if let Some(old) = &old {
            entry.created = old.created;
            entry.modified = old.modified;
            if entry == *old {
                return Ok(true);
            }
            entry.modified = index;
        }
        self.write(Record::Entry(entry));
        Ok(true)
    }

    /// Deletes a key; says whether the condition held. One that is not there is deleted already.
    pub(crate) fn delete(&mut self, key: &str, guard: Guard) -> bool {
        let Some(old) = self.entries.get(key) else { return true };
        if let Guard::Unchanged(index) = guard
            && old.modified != index
        {
            return false;
        }
        self.write(Record::EntryGone(key.to_owned()));
        true
    }

    /// Deletes all keys with a prefix.
    pub(crate) fn delete_tree(&mut self, prefix: &str) {
        let keys: Vec<String> = self.entries(prefix).map(|entry| entry.key.clone()).collect();
        keys.into_iter().for_each(|key| self.write(Record::EntryGone(key)));
    }

    fn room_for(&self, new: &Entry, old: Option<&Entry>) -> Result<(), Refusal> {
        if old.is_none() && self.entries.len() >= self.limits.keys {
            return Err(Refusal::Full(format!("at most {} keys", self.limits.keys)));
        }
        if self.entry_bytes - old.map_or(0, size) + size(new) > self.limits.key_bytes {
            return Err(Refusal::Full(format!("at most {} bytes of keys and values", self.limits.key_bytes)));
        }
        Ok(())
    }
}
