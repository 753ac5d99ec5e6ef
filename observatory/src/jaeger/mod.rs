//! Jaeger's query API, as Jaeger's own pages and Grafana's data source read it.
//!
//! Answers stand in Jaeger's envelope, times are microseconds. Wherever Jaeger is strict about what a client must
//! send, this is no stricter; what a parameter should have been is told in words.

mod duration;
mod reply;
mod search;
mod tags;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;

use crate::params::Params;
use crate::span::{Kind, Text};
use crate::store::Store;
use crate::traces::Trace;
use reply::{Problem, Refusal};
use search::Wanted;

type Answer = Result<Response, Refusal>;

/// The routes, below `/api`.
pub(crate) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/api/services", get(services))
        .route("/api/services/{service}/operations", get(operation_names))
        .route("/api/operations", get(operations))
        .route("/api/traces", get(traces))
        .route("/api/traces/{id}", get(trace))
        .route("/api/dependencies", get(dependencies))
}

async fn services(State(store): State<Arc<Store>>) -> Answer {
    reply::list(&store.traces().services())
}

async fn operation_names(
    State(store): State<Arc<Store>>,
    service: Result<Path<String>, PathRejection>,
) -> Answer {
    let operations = store.traces().operations(&path(service)?);
    let names: Vec<Text> = operations.into_iter().map(|(name, _)| name).collect();
    reply::list(&names)
}

/// An operation of one kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    name: Text,
    span_kind: &'static str,
}

async fn operations(State(store): State<Arc<Store>>, params: Params) -> Answer {
    let service = params.get("service").ok_or_else(|| {
        Refusal::Bad("parameter 'service' is missing; it must be the name of a service".into())
    })?;
    let kinds = "one of internal, server, client, producer and consumer";
    let wanted = params.read("spanKind", kinds, Kind::named)?;
    let operations: BTreeSet<Operation> = store
        .traces()
        .operations(service)
        .into_iter()
        .flat_map(|(name, kinds)| kinds.into_iter().map(move |kind| (name.clone(), kind)))
        .filter(|(_, kind)| wanted.is_none_or(|wanted| wanted == *kind))
        .map(|(name, kind)| Operation { name, span_kind: kind.name() })
        .collect();
    reply::list(&operations.into_iter().collect::<Vec<_>>())
}

async fn traces(State(store): State<Arc<Store>>, params: Params) -> Answer {
    let wanted = search::wanted(&params)?;
    store.read(move |store| answer(store, &wanted)).await?
}

fn answer(store: &Store, wanted: &Wanted) -> Answer {
    match wanted {
        Wanted::Found(query) => bounded(&store.traces().search(query), Vec::new(), store),
        Wanted::Ids(ids) => {
            let (mut found, mut problems) = (Vec::new(), Vec::new());
            for id in ids {
                match store.traces().get(*id) {
                    Some(trace) => found.push(trace),
                    None => problems.push(Problem::missing(*id)),
                }
            }
            bounded(&found, problems, store)
        }
    }
}

/// As many of the traces as one answer may hold, and a word on the rest: all that is kept would take twice its memory.
fn bounded(found: &[Arc<Trace>], mut problems: Vec<Problem>, store: &Store) -> Answer {
    let mut bytes = 0;
    let fits = |trace: &&Arc<Trace>| {
        bytes += trace.weight();
        bytes <= store.limits().answer_bytes
    };
    // one is always told, however large: it is no larger than a trace may be
    let fitting = found.iter().take_while(fits).count().max(1).min(found.len());
    if fitting < found.len() {
        problems.push(Problem::cut(fitting, found.len()));
    }
    reply::data(view::Traces(&found[..fitting]), problems)
}

async fn trace(State(store): State<Arc<Store>>, id: Result<Path<String>, PathRejection>) -> Answer {
    let id = search::trace_id(&path(id)?)?;
    let trace = store.traces().get(id).ok_or(Refusal::NotFound)?;
    store.read(move |_| reply::data(view::Traces(&[trace]), Vec::new())).await?
}

async fn dependencies(State(store): State<Arc<Store>>, params: Params) -> Answer {
    let now = store.now();
    let (from, to) = search::period(&params, now)?;
    let mut dependencies = store.series().dependencies(from, to, now);
    if let Some(service) = params.get("service") {
        dependencies.retain(|found| *found.parent == *service || *found.child == *service);
    }
    reply::data(dependencies, Vec::new())
}

/// What stands in the path, unless it is no text.
fn path(part: Result<Path<String>, PathRejection>) -> Result<String, Refusal> {
    part.map(|Path(part)| part).map_err(|rejection| Refusal::Bad(rejection.body_text()))
}

#[cfg(test)]
mod tests;
