//! The typed API.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chassis::config::protocol::{
    ApplicationSummary, Changed, HistoryEntry, Instance, InstanceReport, ServerStatus,
};
use chassis::http::{Answer, Input, Refusal};
use contracts::Problem;
use serde::Deserialize;
use serde_json::Value;

use super::preconditions;
use crate::change::{Made, Proposal, Wish};
use crate::core::{Core, etag, failed};
use crate::sources::Target;

/// The longest history that one request gets, and the usual one.
const MOST_ENTRIES: u32 = 1000;
const USUAL_ENTRIES: u32 = 50;

/// How long whoever reads waits for the database, before they get what is known without it.
const CATCHING_UP: Duration = Duration::from_secs(1);

/// The longest name that the history keeps of whoever made a change.
const LONGEST_WHO: usize = 100;

pub(super) async fn status(State(core): State<Arc<Core>>) -> Json<ServerStatus> {
    Json(core.status())
}

pub(super) async fn applications(State(core): State<Arc<Core>>) -> Json<Vec<ApplicationSummary>> {
    Json(core.applications())
}

pub(super) async fn instances(
    State(core): State<Arc<Core>>,
    Path(application): Path<String>,
) -> Answer<Vec<Instance>> {
    Target::parse(&application, "default")?;
    Ok(Json(core.instances.of(&application)))
}

pub(super) async fn effective(
    State(core): State<Arc<Core>>,
    Path((application, profile)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let target = Target::parse(&application, &profile)?;
    // whoever was told of a change by another replica gets it here, too; why it fails, the poll says
    let _ = tokio::time::timeout(CATCHING_UP, core.catch_up()).await;
    let effective = core.effective(&target);
    let etag = etag(&effective);
    let tagged = [(header::ETAG, tag(&etag)), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if preconditions::is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, tagged).into_response());
    }
    Ok((tagged, Json(effective)).into_response())
}

#[derive(Deserialize)]
pub(super) struct HistoryQuery {
    application: String,
    profile: String,
    limit: Option<u32>,
}

pub(super) async fn history(
    State(core): State<Arc<Core>>,
    Input(query): Input<HistoryQuery>,
) -> Answer<Vec<HistoryEntry>> {
    Target::parse(&query.application, &query.profile)?;
    let limit = query.limit.unwrap_or(USUAL_ENTRIES).clamp(1, MOST_ENTRIES);
    Ok(Json(core.store.history(&query.application, &query.profile, limit).await.map_err(failed)?))
}

/// The path and the body of a change, together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetKey {
    application: String,
    profile: String,
    key: String,
    value: Value,
}

pub(super) async fn set(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Input(request): Input<SetKey>,
) -> Result<Response, Refusal> {
    let SetKey { application, profile, key, value } = request;
    let if_match = Some(preconditions::required(&headers)?);
    let wish = Wish::Set { key, value };
    made(core.change(Proposal { application, profile, who: who(&headers), if_match, wish }).await)
}

pub(super) async fn unset(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Path((application, profile, key)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let if_match = Some(preconditions::required(&headers)?);
    let wish = Wish::Unset { key };
    made(core.change(Proposal { application, profile, who: who(&headers), if_match, wish }).await)
}

/// The path and the body of a rollback, together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    application: String,
    profile: String,
    version: u64,
}

pub(super) async fn rollback(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Input(request): Input<Rollback>,
) -> Result<Response, Refusal> {
    let Rollback { application, profile, version } = request;
    // a former state is what it is, whatever holds now: the precondition is the caller's choice
    let if_match = preconditions::optional(&headers);
    let wish = Wish::Rollback { version };
    made(core.change(Proposal { application, profile, who: who(&headers), if_match, wish }).await)
}

#[derive(Deserialize)]
pub(super) struct Announced {
    application: String,
    instance: String,
    #[serde(flatten)]
    report: InstanceReport,
}

pub(super) async fn report(
    State(core): State<Arc<Core>>,
    Input(announced): Input<Announced>,
) -> Result<StatusCode, Refusal> {
    core.report(&announced.application, &announced.instance, announced.report).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn made(result: Result<Made, Problem>) -> Result<Response, Refusal> {
    let made = result?;
    Ok(([(header::ETAG, tag(&made.etag))], Json(Changed { version: made.version })).into_response())
}

fn tag(etag: &str) -> HeaderValue {
    HeaderValue::from_str(etag).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whoever holds the token is the operator; `From` (RFC 9110) says which person that is.
fn who(headers: &HeaderMap) -> String {
    let from = headers.get(header::FROM).and_then(|from| from.to_str().ok()).map(str::trim);
    let name: String = from.unwrap_or("").chars().take(LONGEST_WHO).collect();
    if name.is_empty() { "operator".into() } else { name }
}
