//! Streams: items as they come, and how they end.
//!
//! - `listening`: one question, many answers: to track, to follow, to be notified
//! - `watching`: both ways at once

mod listening;
mod watching;

use contracts::{Code, Fault, PortError, PortResult, Problem, Streaming};
use futures::StreamExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::house::PATIENCE;

/// A list that hangs after its last item, and says when it is dropped.
fn hanging<T: Send + 'static>(items: Vec<PortResult<T>>) -> (Streaming<PortResult<T>>, CancellationToken) {
    let dropped = CancellationToken::new();
    let guard = dropped.clone().drop_guard();
    let items = futures::stream::iter(items).chain(futures::stream::pending());
    let guarded = items.map(move |item| {
        let _held = &guard;
        item
    });
    (guarded.boxed(), dropped)
}

/// The next item, which comes in time or never.
async fn next<T>(items: &mut Streaming<T>) -> Option<T> {
    timeout(PATIENCE, items.next()).await.expect("an item, or the end, in time")
}

/// A problem of each kind, as it may come in the middle of a stream.
fn problems() -> impl Iterator<Item = PortError> {
    Code::ALL.iter().map(|code| {
        PortError::Problem(Problem {
            code: *code,
            detail: "mitten drin: 漢字\n".into(),
            faults: vec![Fault { field: "add".into(), message: "ist unbekannt ✗".into() }],
            resource: Some("/stock/A".into()),
        })
    })
}
