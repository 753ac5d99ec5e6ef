//! Sessions, and what happens to their locks when they end.

use std::time::Duration;

use tokio::time::Instant;

use super::{Behavior, Entry, Record, Session, State, Status};
use crate::error::Refusal;

/// The longest session TTL.
const LONGEST_TTL: Duration = Duration::from_secs(24 * 3600);
/// What a longer lock-delay is cut to.
const LONGEST_LOCK_DELAY: Duration = Duration::from_secs(60);
/// A session ends after this many TTLs without a renewal. The TTL is a lower bound; Consul too waits
/// for twice as long, so that a late renewal is not punished.
const GRACE: u32 = 2;

impl State {
    /// All sessions.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// A session.
    pub(crate) fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.get(id)
    }

    /// Begins a session, if its checks are there and not critical.
    pub(crate) fn create_session(&mut self, mut session: Session, now: Instant) -> Result<(), Refusal> {
        if self.sessions.len() >= self.limits.sessions {
            return Err(Refusal::Full(format!("at most {} sessions", self.limits.sessions)));
        }
        if let Some(ttl) = session.ttl.filter(|ttl| *ttl < self.limits.session_ttl_min || *ttl > LONGEST_TTL)
        {
            return Err(Refusal::bad(format!(
                "Invalid Session TTL '{}', must be between [{:?}=24h0m0s]",
                ttl.as_nanos(),
                self.limits.session_ttl_min
            )));
        }
        for id in session.checks() {
            match self.check(id) {
                None => return Err(Refusal::bad(format!("Missing check '{id}' registration"))),
                Some(check) if check.status == Status::Critical => {
                    return Err(Refusal::Failed(format!("Check '{id}' is in critical state")));
                }
                Some(_) => {}
            }
        }
        let index = self.change_index();
        (session.created, session.modified) = (index, index);
        let id = session.id.clone();
        self.write(Record::Session(session));
        self.sooner = true;
        self.extend_session(&id, now);
        Ok(())
    }

    /// Keeps a session alive.
    pub(crate) fn renew_session(&mut self, id: &str, now: Instant) -> Result<Session, Refusal> {
        self.extend_session(id, now);
        let missing = || Refusal::Missing(format!("Session id '{id}' not found"));
        self.sessions.get(id).cloned().ok_or_else(missing)
    }

    /// Ends a session. Its locks are let go or deleted, and closed for the lock-delay.
    pub(crate) fn end_session(&mut self, id: &str, now: Instant) {
        let Some(session) = self.sessions.get(id).cloned() else { return };
        let index = self.change_index();
        let held = |entry: &&Entry| entry.session.as_deref() == Some(id);
        let locks: Vec<Entry> = self.entries.values().filter(held).cloned().collect();
        for lock in locks {
            let key = lock.key.clone();
            self.write(match session.behavior {
                Behavior::Release => Record::Entry(Entry { session: None, modified: index, ..lock }),
                Behavior::Delete => Record::EntryGone(lock.key),
            });
            let delay = session.lock_delay.min(LONGEST_LOCK_DELAY);
            if !delay.is_zero() {
                self.lock_delays.insert(key, now + delay);
            }
        }
        self.write(Record::SessionGone(id.to_owned()));
    }

    /// Ends the sessions that nobody renewed, and forgets the lock-delays that are over.
    pub(crate) fn end_sessions(&mut self, now: Instant) {
        let over: Vec<String> =
            self.session_ends.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in over {
            tracing::info!(session = id, "session {id} was not renewed");
            self.end_session(&id, now);
        }
        self.lock_delays.retain(|_, until| *until > now);
    }

    /// When [`State::end_sessions`] has something to do next.
    pub(crate) fn next_session_end(&self) -> Option<Instant> {
        self.session_ends.values().chain(self.lock_delays.values()).min().copied()
    }

    pub(super) fn end_sessions_of_check(&mut self, check: &str, now: Instant) {
        let bound = |session: &&Session| session.checks().any(|id| id == check);
        let ended: Vec<String> = self.sessions.values().filter(bound).map(|s| s.id.clone()).collect();
        ended.iter().for_each(|id| self.end_session(id, now));
    }

    pub(super) fn extend_session(&mut self, id: &str, now: Instant) {
        if let Some(ttl) = self.sessions.get(id).and_then(|session| session.ttl) {
            self.session_ends.insert(id.to_owned(), now + ttl * GRACE);
        }
    }
}
