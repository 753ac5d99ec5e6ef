//! What a participant's store has to do with messages: it keeps the origin of what is done to an order
//! beside it, and writes the facts about a change in the transaction that makes them true.

use contracts::TraceContext;
use contracts::messages::{Origin, Outgoing};
use contracts::orders::Coordination;
use sqlx::{Any, Transaction};

use crate::messaging::Mailbox;
use crate::store::{StoreError, commit};

/// An origin as a column keeps it: JSON.
pub fn origin_column(origin: &Origin) -> Result<String, StoreError> {
    serde_json::to_string(origin)
        .map_err(|error| StoreError::Corrupt(format!("an origin cannot be written: {error}")))
}

/// The origin in a column; nothing for what is older than the column.
pub fn origin_in(column: Option<String>) -> Result<Option<Origin>, StoreError> {
    column
        .map(|text| serde_json::from_str(&text).map_err(|_| StoreError::corrupt("origin", &text)))
        .transpose()
}

/// Under what circumstances a fact about an order is said: whoever touched the order first here decides
/// who drives it and what is passed on; the trace is that of the call which makes the fact true, and where
/// nobody called (a sweep, a carrier) that of the first.
pub fn origin_of_fact(stored: Option<&Origin>, call: Option<&Origin>) -> Origin {
    let coordination = stored.or(call).map_or(Coordination::Sync, |origin| origin.coordination);
    let trace = call.or(stored).map_or_else(TraceContext::root, |origin| origin.trace.clone());
    let passed = stored.or(call).and_then(|origin| origin.passed.clone());
    Origin { coordination, trace, passed }
}

/// Ends a transaction that changed the books: writes the facts, commits, and wakes the relay. The outbox
/// comes last, after every lock on the books is held, so that two transactions never wait for each other.
pub async fn commit_with(
    mut tx: Transaction<'static, Any>,
    mailbox: &Mailbox,
    facts: &[Outgoing],
) -> Result<(), StoreError> {
    if facts.is_empty() {
        return commit(tx).await;
    }
    mailbox.post_in_tx(&mut tx, facts).await?;
    commit(tx).await?;
    mailbox.posted();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(coordination: Coordination) -> Origin {
        Origin { coordination, trace: TraceContext::root(), passed: None }
    }

    #[test]
    fn the_first_decides_who_drives_and_the_last_call_gives_the_trace() {
        let (first, call) = (origin(Coordination::Choreographed), origin(Coordination::Sync));
        let said = origin_of_fact(Some(&first), Some(&call));
        assert_eq!((said.coordination, &said.trace), (Coordination::Choreographed, &call.trace));
        assert_eq!(origin_of_fact(Some(&first), None), first, "nobody called");
        assert_eq!(origin_of_fact(None, Some(&call)), call, "the first call");
        assert_eq!(origin_of_fact(None, None).coordination, Coordination::Sync, "older than the column");
    }

    #[test]
    fn an_origin_survives_its_column() {
        let kept = origin(Coordination::Orchestrated);
        let column = origin_column(&kept).expect("is written");
        assert_eq!(origin_in(Some(column)).expect("is read"), Some(kept));
        assert_eq!(origin_in(None).expect("is read"), None);
        assert!(matches!(origin_in(Some("{".into())), Err(StoreError::Corrupt(_))));
    }
}
