//! What processes are asked over their control endpoints in a move.

use std::time::Duration;

use anyhow::Context as _;
use chassis::messaging::bus::Moved;
use chassis::process::MessagesReport;
use chassis::store::{Outcome, Placement, Report, StoreStatus};
use contracts::error::{ProblemJson, chain};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::topology::Part;
use crate::up::fleet::Member;
use crate::up::status::State;

/// How long an answer may take that moves data.
const LONG: Duration = Duration::from_secs(600);
/// How long messages under way may take to be dealt with.
const UNTIL_HELD: Duration = Duration::from_secs(20);
/// How long a process may take to answer requests by message.
const UNTIL_ANSWERING: Duration = Duration::from_secs(20);
/// How long any other may take.
const SHORT: Duration = Duration::from_secs(30);
/// How long a module's calls may be held.
const HOLD_MS: u64 = 2000;
/// How often a database is tried to be moved.
const TRIES: u32 = 3;
/// How long a process that died meanwhile may take to come back.
const COMING_BACK: Duration = Duration::from_secs(20);
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Asks processes, as the operator.
pub(super) struct Processes {
    http: reqwest::Client,
    operator_token: String,
}

impl Processes {
    pub fn new(operator_token: String) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build().context("the HTTP client")?;
        Ok(Self { http, operator_token })
    }

    /// Waits until a process answers requests by message, as it shall where there is a broker. It is ready before,
    /// since it can do without one; but whoever answers now may leave only then.
    pub async fn until_answering(&self, member: &Member) -> anyhow::Result<()> {
        let until = Instant::now() + UNTIL_ANSWERING;
        loop {
            let report: MessagesReport =
                self.ask(member, Method::GET, "process/messages", Value::Null, SHORT).await?;
            if report.answering {
                return Ok(());
            }
            let name = &member.launch.name;
            anyhow::ensure!(Instant::now() < until, "{name} does not answer requests by message");
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Has a process stop to take and send messages; returns when those under way are dealt with.
    pub async fn hold(&self, member: &Member) -> anyhow::Result<()> {
        let until = Instant::now() + UNTIL_HELD;
        loop {
            let held: MessagesReport = self.messages(member, "hold", json!({}), SHORT).await?;
            if held.under_way.is_empty() {
                return Ok(());
            }
            let (name, under_way) = (&member.launch.name, held.under_way.join(", "));
            anyhow::ensure!(Instant::now() < until, "{name} does not finish with its messages: {under_way}");
        }
    }

    /// Has a process take and send messages again.
    pub async fn open(&self, member: &Member) -> anyhow::Result<()> {
        let _: MessagesReport = self.messages(member, "open", json!({}), SHORT).await?;
        Ok(())
    }

    /// Has a process give what waits, and the log of events, to the broker; tells how much it was.
    pub async fn hand_over(&self, member: &Member, broker: &str) -> anyhow::Result<String> {
        Ok(in_words(&self.messages(member, "hand-over", json!({"broker": broker}), LONG).await?))
    }

    /// Has a process take what waits, and the log of events, from the broker; tells how much it was.
    pub async fn take_over(&self, member: &Member, broker: &str) -> anyhow::Result<String> {
        Ok(in_words(&self.messages(member, "take-over", json!({"broker": broker}), LONG).await?))
    }

    async fn messages<T: DeserializeOwned>(
        &self,
        member: &Member,
        what: &str,
        body: Value,
        patience: Duration,
    ) -> anyhow::Result<T> {
        self.ask(member, Method::POST, &format!("process/messages/{what}"), body, patience).await
    }

    /// Where a module's database is.
    pub async fn placement(&self, member: &Member, module: Part) -> anyhow::Result<Placement> {
        let path = format!("{}/store", module.name());
        let status: StoreStatus = self.ask(member, Method::GET, &path, Value::Null, SHORT).await?;
        Ok(status.placement)
    }

    /// Moves a module's database; tells what was moved.
    pub async fn move_store(&self, member: &Member, module: Part, to: Placement) -> anyhow::Result<String> {
        let path = format!("{}/store/move", module.name());
        let body = json!({"to": to, "hold_ms": HOLD_MS});
        let mut tries = 1;
        let report: Report = loop {
            match self.ask(member, Method::POST, &path, body.clone(), LONG).await {
                // a module that could not be held in time has lost nothing by it, and may be less busy now
                Err(_) if tries < TRIES => tries += 1,
                settled => break settled?,
            }
        };
        Ok(match report.outcome {
            Outcome::Moved => {
                let Report { tables, rows, held_ms, .. } = report;
                format!("{tables} tables, {rows} rows, held for {held_ms} ms")
            }
            Outcome::AlreadyThere => "it is there already".to_owned(),
            Outcome::OneDatabase => "there is but one database for all modules".to_owned(),
        })
    }

    /// Asks until there is an answer: a process that dies meanwhile is started again, and all that is asked here
    /// may be asked twice.
    async fn ask<T: DeserializeOwned>(
        &self,
        member: &Member,
        method: Method,
        path: &str,
        body: Value,
        patience: Duration,
    ) -> anyhow::Result<T> {
        let until = Instant::now() + COMING_BACK;
        loop {
            let standing = member.standing();
            let place = standing.place.filter(|_| standing.state == State::Ready);
            let answer = match place {
                Some(place) => {
                    let url = format!("http://{}/control/{path}", place.http);
                    let request = self.http.request(method.clone(), url).timeout(patience);
                    answer(request.bearer_auth(&self.operator_token), &body).await
                }
                None => Err(Unanswered::Silent("it does not run".to_owned())),
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(Unanswered::Silent(_)) if Instant::now() < until => tokio::time::sleep(ASK_AGAIN).await,
                Err(Unanswered::Silent(why) | Unanswered::Refused(why)) => {
                    anyhow::bail!("{} was asked {path}: {why}", member.launch.name)
                }
            }
        }
    }
}

enum Unanswered {
    /// It says no.
    Refused(String),
    /// It says nothing.
    Silent(String),
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder, body: &Value) -> Result<T, Unanswered> {
    let request = if body.is_null() { request } else { request.json(body) };
    let answer = request.send().await.map_err(|error| Unanswered::Silent(chain(&error)))?;
    let status = answer.status();
    let bytes = answer.bytes().await.map_err(|error| Unanswered::Silent(chain(&error)))?;
    if !status.is_success() {
        let problem = serde_json::from_slice::<ProblemJson>(&bytes).ok().and_then(ProblemJson::into_problem);
        return Err(Unanswered::Refused(
            problem.map_or_else(|| status.to_string(), |problem| problem.to_string()),
        ));
    }
    let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    serde_json::from_slice(text)
        .map_err(|error| Unanswered::Refused(format!("the answer cannot be read: {error}")))
}

fn in_words(moved: &Moved) -> String {
    let Moved { messages, dead_letters, log_entries } = *moved;
    format!("{messages} messages, {dead_letters} dead letters, {log_entries} entries of the log")
}
