//! What a client of the shop was told, read once.

use contracts::error::ProblemJson;
use contracts::orders::Order;
use contracts::{Code, OrderId};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode};
use uuid::Uuid;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its `Location`.
    pub location: Option<String>,
    /// Its `Content-Type`.
    pub content_type: String,
    /// Its body.
    pub body: String,
}

/// A problem as a client sees it, without the trace, in which each request differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its code.
    pub code: Code,
    /// What it says.
    pub detail: String,
    /// Where it points.
    pub location: Option<String>,
}

impl Reply {
    /// Reads an answer to its end.
    pub async fn of(response: Response) -> reqwest::Result<Self> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let location = header(LOCATION).map(str::to_owned);
        let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
        Ok(Self { status: response.status(), location, content_type, body: response.text().await? })
    }

    /// The order that was confirmed, if that is what it says, as a reply to placing it must.
    pub fn confirmed(&self) -> Option<Order> {
        let order: Order = serde_json::from_str(&self.body).ok()?;
        let address = format!("/api/orders/{}", order.id);
        let proper = self.status == StatusCode::CREATED && self.location.as_deref() == Some(&address);
        (proper && order.step == "confirmed").then_some(order)
    }

    /// The order that was accepted and is under way, if that is what it says: 202, with its address.
    pub fn accepted(&self) -> Option<Order> {
        let order: Order = serde_json::from_str(&self.body).ok()?;
        let address = format!("/api/orders/{}", order.id);
        let proper = self.status == StatusCode::ACCEPTED && self.location.as_deref() == Some(&address);
        proper.then_some(order)
    }

    /// The problem, if it is a proper one: of the right type, with a code of ours and that code's status.
    pub fn refusal(&self) -> Option<Refusal> {
        let json: ProblemJson = serde_json::from_str(&self.body).ok()?;
        let problem = json.into_problem()?;
        let proper = self.content_type == "application/problem+json"
            && self.status.as_u16() == problem.code.status()
            && !problem.detail.is_empty();
        let (code, detail, location) = (problem.code, problem.detail, self.location.clone());
        proper.then_some(Refusal { code, detail, location })
    }

    /// The problem, which must be one with this code.
    #[track_caller]
    pub fn refused(&self, code: Code) -> Refusal {
        let refusal = self.refusal().unwrap_or_else(|| panic!("no proper problem: {self:?}"));
        assert_eq!(refusal.code, code, "{self:?}");
        refusal
    }

    /// The order that it is about: the one in its body, else the one that it points at.
    pub fn order_id(&self) -> Option<OrderId> {
        if let Some(order) = self.confirmed().or_else(|| self.accepted()) {
            return Some(order.id);
        }
        let id = self.location.as_deref()?.strip_prefix("/api/orders/")?;
        Uuid::try_parse(id).ok().map(OrderId)
    }
}
