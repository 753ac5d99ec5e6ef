//! Attempts that failed in this process, so that the next one can be linked to it. What other processes tried is not
//! known here, and of very many failures the oldest are forgotten: a trace is poorer for it, and nothing else.

use std::collections::VecDeque;

use contracts::TraceContext;
use contracts::messages::MessageId;
use parking_lot::Mutex;

const MOST: usize = 256;

/// The last attempt at each message that failed.
#[derive(Default)]
pub(super) struct Earlier(Mutex<VecDeque<(MessageId, TraceContext)>>);

impl Earlier {
    /// An attempt failed.
    pub fn remember(&self, id: MessageId, attempt: &TraceContext) {
        if !attempt.sampled {
            return;
        }
        let mut attempts = self.0.lock();
        if attempts.len() == MOST {
            attempts.pop_front();
        }
        attempts.push_back((id, attempt.clone()));
    }

    /// The attempt before, which is forgotten with this.
    pub fn take(&self, id: MessageId) -> Option<TraceContext> {
        let mut attempts = self.0.lock();
        let at = attempts.iter().position(|(of, _)| *of == id)?;
        attempts.remove(at).map(|(_, attempt)| attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_known_to_the_next_one_and_the_oldest_are_forgotten() {
        let (earlier, trace) = (Earlier::default(), TraceContext { sampled: true, ..TraceContext::root() });
        let ids: Vec<_> = (0..=MOST).map(|_| MessageId::random()).collect();
        for id in &ids {
            earlier.remember(*id, &trace);
        }
        assert_eq!(earlier.take(ids[0]), None);
        assert_eq!(earlier.take(ids[1]), Some(trace.clone()));
        assert_eq!(earlier.take(ids[1]), None);
        earlier.remember(ids[0], &TraceContext { sampled: false, ..trace });
        assert_eq!(earlier.take(ids[0]), None);
    }
}
