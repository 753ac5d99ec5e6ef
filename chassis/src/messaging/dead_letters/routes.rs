//! The control endpoints of a module's dead letters: `/control/MODULE/dead-letters…`.

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use contracts::{Code, Problem};
use serde::Deserialize;

use super::{DeadLetterDetail, DeadLetterList, DeadLetters, Dealt, MOST, Which};
use crate::http::{Answer, Refusal};
use crate::messaging::broker::PublishError;

impl DeadLetters {
    /// `GET /dead-letters?limit=N` and `/dead-letters/{id}` show them, `POST /dead-letters/redrive` and
    /// `/dead-letters/{id}/redrive` send them again, `DELETE /dead-letters/{id}` drops one: for
    /// `Module::control`.
    pub fn control_routes(self) -> Router {
        Router::new()
            .route("/dead-letters", get(list))
            .route("/dead-letters/redrive", post(redrive_all))
            .route("/dead-letters/{id}", get(show).delete(discard))
            .route("/dead-letters/{id}/redrive", post(redrive))
            .with_state(self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    #[serde(default = "most")]
    limit: usize,
}

fn most() -> usize {
    MOST
}

async fn list(
    State(letters): State<DeadLetters>,
    Query(Listing { limit }): Query<Listing>,
) -> Answer<DeadLetterList> {
    Ok(Json(letters.list(limit).await.map_err(away)?))
}

async fn show(State(letters): State<DeadLetters>, Path(id): Path<String>) -> Answer<DeadLetterDetail> {
    match letters.show(&id).await.map_err(away)? {
        Some(detail) => Ok(Json(detail)),
        None => Err(unknown(&id)),
    }
}

async fn redrive_all(State(letters): State<DeadLetters>) -> Answer<Dealt> {
    Ok(Json(letters.redrive(&Which::All).await.map_err(away)?))
}

async fn redrive(State(letters): State<DeadLetters>, Path(id): Path<String>) -> Answer<Dealt> {
    let dealt = letters.redrive(&Which::One(id.clone())).await.map_err(away)?;
    found(&id, dealt)
}

async fn discard(State(letters): State<DeadLetters>, Path(id): Path<String>) -> Answer<Dealt> {
    let dealt = letters.discard(&Which::One(id.clone())).await.map_err(away)?;
    found(&id, dealt)
}

fn found(id: &str, dealt: Dealt) -> Answer<Dealt> {
    if dealt.letters == 0 { Err(unknown(id)) } else { Ok(Json(dealt)) }
}

fn unknown(id: &str) -> Refusal {
    let detail = format!("there is no dead letter {id:?} among the first {MOST} of this module");
    Problem::new(Code::NotFound, detail).into()
}

fn away(error: PublishError) -> Refusal {
    Problem::new(Code::Unavailable, error.to_string()).into()
}
