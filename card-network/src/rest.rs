//! The network's API, as README.md describes it: its own JSON, none of the shop's conventions.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use axum::{Json, Router};
use chassis::store::StoreError;
use serde::{Deserialize, Serialize};

use crate::cards::{TestCard, is_token};
use crate::domain::{Hold, Kind, Refusal, Request, State};
use crate::store::Books;

/// Where requests arrive: the books, and how the test cards behave.
#[derive(Debug)]
pub struct Desk {
    /// What was done.
    pub books: Books,
    /// How long the slow card takes to approve.
    pub slow: Duration,
    /// How long an answer hangs for the card that charges and then times out.
    pub hang: Duration,
}

/// The routes.
pub fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/holds/{key}", put(hold).get(look_up))
        .route("/holds/{key}/capture", post(capture).put(capture))
        .route("/holds/{key}/void", post(void).put(void))
        .route("/holds/{key}/refund", post(refund).put(refund))
        .with_state(desk)
}

/// The body of `PUT /holds/{key}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldRequest {
    card: String,
    amount: i64,
    currency: String,
}

/// What the books say about a key.
#[derive(Debug, Serialize)]
struct Record {
    key: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    holds: i64,
    captures: i64,
    captured: i64,
    voided: i64,
    refunded: i64,
}

/// What is said instead of a record.
#[derive(Debug, Serialize)]
struct Fault {
    error: &'static str,
    message: String,
    /// The record as it stands, where it is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Record>,
}

async fn hold(
    AxumState(desk): AxumState<Arc<Desk>>,
    Path(key): Path<String>,
    body: Result<Json<HoldRequest>, JsonRejection>,
) -> Response {
    let Json(HoldRequest { card, amount, currency }) = match body {
        Ok(body) => body,
        Err(rejection) => return fault(rejection.status(), "malformed", rejection.body_text()),
    };
    let good = is_token(&card)
        && amount > 0
        && currency.len() == 3
        && currency.bytes().all(|b| b.is_ascii_uppercase());
    if !good {
        let message = "card must be tok_…, amount above zero, currency three capital letters";
        return fault(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message);
    }
    desk.serve(key, Request::Hold { card, amount, currency }).await
}

async fn capture(AxumState(desk): AxumState<Arc<Desk>>, Path(key): Path<String>) -> Response {
    desk.serve(key, Request::Capture).await
}

async fn void(AxumState(desk): AxumState<Arc<Desk>>, Path(key): Path<String>) -> Response {
    desk.serve(key, Request::Void).await
}

async fn refund(AxumState(desk): AxumState<Arc<Desk>>, Path(key): Path<String>) -> Response {
    desk.serve(key, Request::Refund).await
}

async fn look_up(AxumState(desk): AxumState<Arc<Desk>>, Path(key): Path<String>) -> Response {
    match desk.books.hold(&key).await {
        Ok(Some(hold)) => Json(Record::new(key, &hold)).into_response(),
        Ok(None) => unknown_key(&key),
        Err(error) => out_of_order(&error),
    }
}

impl Desk {
    async fn serve(&self, key: String, request: Request) -> Response {
        if !is_key(&key) {
            let message = "a key has 1 to 64 characters of A-Z a-z 0-9 _ -";
            return fault(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message);
        }
        match self.try_serve(&key, &request).await {
            Ok(response) => response,
            Err(error) => out_of_order(&error),
        }
    }

    async fn try_serve(&self, key: &str, request: &Request) -> Result<Response, StoreError> {
        let kind = request.kind();
        let before = self.books.hold(key).await?;
        let card = match (request, &before) {
            (Request::Hold { card, .. }, _) => Some(TestCard::behind(card)),
            (_, before) => {
                before.as_ref().and_then(|hold| hold.charge.as_ref()).map(|c| TestCard::behind(&c.card))
            }
        };
        if card == Some(TestCard::Flaky) && self.books.attempt_count(key, kind).await? % 2 == 1 {
            let message = "nothing was done; try again";
            return Ok(fault(StatusCode::SERVICE_UNAVAILABLE, "try_again", message));
        }
        if card == Some(TestCard::Slow) && kind == Kind::Hold && before.is_none() {
            tokio::time::sleep(self.slow).await;
        }
        let ruling = self.books.hold_change(key, request).await?;
        if card.is_some_and(|card| card.hangs_after(kind)) {
            tokio::time::sleep(self.hang).await;
        }
        Ok(match (ruling.verdict, ruling.hold) {
            (Ok(()), Some(hold)) => Json(Record::new(key.to_owned(), &hold)).into_response(),
            (Err(refusal), hold) => refused(key, refusal, hold.as_ref()),
            (Ok(()), None) => unknown_key(key),
        })
    }
}

fn refused(key: &str, refusal: Refusal, hold: Option<&Hold>) -> Response {
    let record = hold.map(|hold| Record::new(key.to_owned(), hold));
    let (status, error, message, hold) = match refusal {
        Refusal::UnknownKey => return unknown_key(key),
        // the record is no answer to this request: it belongs to another charge
        Refusal::KeyReused => {
            (StatusCode::CONFLICT, "key_reused", "the key stands for another card or amount".to_owned(), None)
        }
        Refusal::Conflict(state) => {
            (StatusCode::CONFLICT, "conflict", format!("the charge is {}", state.as_str()), record)
        }
        Refusal::Declined(decline) => {
            (StatusCode::PAYMENT_REQUIRED, decline.as_str(), "the bank said no".to_owned(), record)
        }
    };
    (status, Json(Fault { error, message, hold })).into_response()
}

fn unknown_key(key: &str) -> Response {
    fault(StatusCode::NOT_FOUND, "unknown_key", format!("there is nothing under {key:?}"))
}

/// Nobody can tell here how far the work came: not the 503 that promises that nothing was done.
fn out_of_order(error: &StoreError) -> Response {
    tracing::error!(%error, "the books cannot be used: {error}");
    fault(
        StatusCode::INTERNAL_SERVER_ERROR,
        "out_of_order",
        "the books cannot be used; look the key up later",
    )
}

fn fault(status: StatusCode, error: &'static str, message: impl Into<String>) -> Response {
    (status, Json(Fault { error, message: message.into(), hold: None })).into_response()
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

impl Record {
    fn new(key: String, hold: &Hold) -> Self {
        Self {
            key,
            state: hold.state.as_str(),
            decline_code: match hold.state {
                State::Declined(decline) => Some(decline.as_str()),
                _ => None,
            },
            amount: hold.charge.as_ref().map(|charge| charge.amount),
            currency: hold.charge.as_ref().map(|charge| charge.currency.clone()),
            holds: hold.holds,
            captures: hold.captures,
            captured: hold.captured,
            voided: hold.voided,
            refunded: hold.refunded,
        }
    }
}
