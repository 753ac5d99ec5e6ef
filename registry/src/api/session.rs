//! `/v1/session/…`

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{self, SessionBody};
use super::params::Params;
use super::reply::Answer;
use super::{registration, views};
use crate::Registry;
use crate::error::Refusal;

/// `PUT /create`
pub(super) async fn create(State(registry): State<Registry>, _: Params, body: Bytes) -> Answer<Json<Value>> {
    let body = if body.is_empty() { SessionBody::default() } else { body::read(&body)? };
    let session = registration::session(body, &registry)?;
    let id = session.id.clone();
    registry.store.change(|state, now| state.create_session(session, now))?;
    Ok(Json(json!({ "ID": id })))
}

/// `PUT /destroy/{id}`: one that is not there is destroyed already.
pub(super) async fn destroy(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    _: Params,
) -> Answer<Json<bool>> {
    let id = session_id(&id)?;
    registry.store.change(|state, now| {
        state.end_session(&id, now);
        Ok(Json(true))
    })
}

/// `PUT /renew/{id}`
pub(super) async fn renew(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    _: Params,
) -> Answer<impl IntoResponse> {
    let id = session_id(&id)?;
    let session = registry.store.change(|state, now| state.renew_session(&id, now))?;
    Ok(Json([views::session_view(&registry, &session)]))
}

/// `GET /info/{id}`
pub(super) async fn info(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    params: Params,
) -> Answer<impl IntoResponse> {
    let id = session_id(&id)?;
    let view = |state: &crate::state::State| {
        state
            .session(&id)
            .map(|session| views::session_view(&registry, session))
            .into_iter()
            .collect::<Vec<_>>()
    };
    registry.store.query(params.wait()?, |state| state.sessions_index(), view).await
}

/// `GET /node/{node}`
pub(super) async fn node(
    State(registry): State<Registry>,
    Path(node): Path<String>,
    params: Params,
) -> Answer<impl IntoResponse> {
    let here = node == registry.config.node_name;
    let view = |state: &crate::state::State| {
        let sessions = state.sessions().filter(|_| here);
        sessions.map(|session| views::session_view(&registry, session)).collect::<Vec<_>>()
    };
    registry.store.query(params.wait()?, |state| state.sessions_index(), view).await
}

/// `GET /list`
pub(super) async fn list(state: State<Registry>, params: Params) -> Answer<impl IntoResponse> {
    let here = state.config.node_name.clone();
    node(state, Path(here), params).await
}

/// The id of a session as it is stored.
pub(super) fn session_id(text: &str) -> Result<String, Refusal> {
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    id.map(|id| id.to_string()).ok_or_else(|| Refusal::bad("failed session lookup: index error: not a UUID"))
}
