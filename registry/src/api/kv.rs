//! `/v1/kv/…`: keys and values, and the locks that they can be.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::params::Params;
use super::reply::{Answer, headers};
use super::session::session_id;
use super::views::EntryView;
use crate::Registry;
use crate::error::Refusal;
use crate::state::{Entry, Guard, Lease, State as Memory};
use crate::store::Indexed;

/// The longest key.
const LONGEST_KEY: usize = 4096;

/// `GET /{key}`
pub(super) async fn get(
    State(registry): State<Registry>,
    key: Option<Path<String>>,
    params: Params,
) -> Answer {
    let (key, wait, store) = (key_of(key)?, params.wait()?, &registry.store);
    if params.has("keys") || params.has("recurse") {
        let index = |state: &Memory| state.prefix_index(&key);
        if params.has("keys") {
            let separator = params.get("separator").unwrap_or_default();
            let found = store.query(wait, index, |state| names(state, &key, separator)).await?;
            // Of all lists, only that of all keys may be empty.
            return Ok(if found.value.is_empty() && !key.is_empty() {
                missing(found.index)
            } else {
                found.into_response()
            });
        }
        let view = |state: &Memory| state.entries(&key).map(EntryView::from).collect::<Vec<_>>();
        let found = store.query(wait, index, view).await?;
        return Ok(if found.value.is_empty() { missing(found.index) } else { found.into_response() });
    }
    named(&key)?;
    let found =
        store.query(wait, |state| state.entry_index(&key), |state| state.entry(&key).cloned()).await?;
    Ok(match found.value {
        None => missing(found.index),
        Some(entry) if params.has("raw") => raw(found.index, entry),
        Some(entry) => Indexed { index: found.index, value: [EntryView::from(&entry)] }.into_response(),
    })
}

/// `PUT /{key}`
pub(super) async fn put(
    State(registry): State<Registry>,
    key: Option<Path<String>>,
    params: Params,
    value: Bytes,
) -> Answer<Json<bool>> {
    let key = key_of(key)?;
    named(&key)?;
    exclusive(&params, &["cas", "acquire", "release"])?;
    let flags = params.number("flags")?.unwrap_or_default();
    let lease = match (params.get("acquire"), params.get("release")) {
        (Some(session), _) => Lease::Acquire(session_id(session)?),
        // Nobody holds a lock under an id that is none, so there is nothing to refuse.
        (None, Some(session)) => Lease::Release(session.to_owned()),
        (None, None) => Lease::Keep,
    };
    let guard = guard(&params)?;
    let put = registry.store.change(|state, now| state.put(&key, value.to_vec(), flags, guard, lease, now));
    put.map(Json)
}

/// `DELETE /{key}`
pub(super) async fn delete(
    State(registry): State<Registry>,
    key: Option<Path<String>>,
    params: Params,
) -> Answer<Json<bool>> {
    let key = key_of(key)?;
    exclusive(&params, &["cas", "recurse"])?;
    let guard = guard(&params)?;
    if !params.has("recurse") {
        named(&key)?;
    }
    let deleted = registry.store.change(|state, _| {
        if params.has("recurse") {
            state.delete_tree(&key);
            return Ok(true);
        }
        Ok(state.delete(&key, guard))
    });
    deleted.map(Json)
}

fn key_of(path: Option<Path<String>>) -> Result<String, Refusal> {
    let key = path.map(|Path(key)| key).unwrap_or_default();
    if key.len() > LONGEST_KEY {
        return Err(Refusal::bad(format!("a key has at most {LONGEST_KEY} bytes")));
    }
    Ok(key)
}

fn named(key: &str) -> Result<(), Refusal> {
    if key.is_empty() { Err(Refusal::bad("Missing key name")) } else { Ok(()) }
}

fn guard(params: &Params) -> Result<Guard, Refusal> {
    Ok(params.number("cas")?.map_or(Guard::Always, Guard::Unchanged))
}

/// At most one of the parameters may be given.
fn exclusive(params: &Params, names: &[&str]) -> Result<(), Refusal> {
    let given: Vec<String> =
        names.iter().filter_map(|name| Some(format!("{name}={}", params.get(name)?))).collect();
    if given.len() > 1 {
        Err(Refusal::bad(format!("Conflicting flags: {}", given.join("&"))))
    } else {
        Ok(())
    }
}

/// The keys with a prefix; with a separator, cut after the first one that follows the prefix.
fn names(state: &Memory, prefix: &str, separator: &str) -> Vec<String> {
    let cut = |entry: &Entry| {
        let rest = &entry.key[prefix.len()..];
        let end = if separator.is_empty() { None } else { rest.find(separator) };
        let end = end.map_or(entry.key.len(), |at| prefix.len() + at + separator.len());
        entry.key[..end].to_owned()
    };
    let mut names: Vec<String> = state.entries(prefix).map(cut).collect();
    names.dedup();
    names
}

fn missing(index: u64) -> Response {
    (StatusCode::NOT_FOUND, headers(index)).into_response()
}

/// The bare value. What a client stored must not run in a browser, whatever it is.
fn raw(index: u64, entry: Entry) -> Response {
    let kind = [
        (header::CONTENT_TYPE, "text/plain"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox"),
    ];
    (headers(index), kind, entry.value).into_response()
}
