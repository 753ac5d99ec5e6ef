//! The control endpoints of a process' messages: `/control/process/messages…`.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use contracts::error::chain;
use contracts::{Code, PortError, Problem};
use serde::{Deserialize, Serialize};

use crate::http::{Answer, Input, Refusal};
use crate::messaging::Bus;
use crate::messaging::bus::{GateState, MoveError, Moved};

/// The answer to `GET /control/process/messages`, and to holding and opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesReport {
    /// Whether messages flow.
    pub state: FlowState,
    /// What carries them.
    pub carrier: CarrierKind,
    /// While they are held: who has not finished yet.
    #[serde(default)]
    pub under_way: Vec<String>,
    /// Whether every service that shall answer requests by message does.
    #[serde(default)]
    pub answering: bool,
}

/// Whether messages flow in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowState {
    /// They do.
    Open,
    /// They wait.
    Held,
    /// There are none.
    None,
}

/// What carries the messages of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierKind {
    /// A broker.
    Broker,
    /// The process itself.
    InProcess,
    /// Nothing: it has none.
    None,
}

/// The body of `hand-over` and `take-over`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovingRequest {
    /// The address of the broker, which may have a password in it.
    pub broker: String,
}

/// `GET /messages` says how messages stand; `POST /messages/hold` and `/messages/open` stop them and let them
/// go on; `/messages/hand-over` gives what waits to a broker, `/messages/take-over` takes it from one.
pub(in crate::process) fn routes(bus: Option<Bus>) -> Router {
    Router::new()
        .route("/messages", get(report))
        .route("/messages/hold", post(hold))
        .route("/messages/open", post(open))
        .route("/messages/hand-over", post(hand_over))
        .route("/messages/take-over", post(take_over))
        .with_state(bus)
}

async fn report(State(bus): State<Option<Bus>>) -> Json<MessagesReport> {
    Json(reported(bus.as_ref()))
}

fn reported(bus: Option<&Bus>) -> MessagesReport {
    let Some(bus) = bus else {
        let (state, carrier) = (FlowState::None, CarrierKind::None);
        return MessagesReport { state, carrier, under_way: Vec::new(), answering: true };
    };
    let (carrier, answering) = match bus.broker() {
        Some(broker) => (CarrierKind::Broker, broker.is_answered()),
        None => (CarrierKind::InProcess, true),
    };
    let (state, under_way) = match bus.gate().state() {
        GateState::Open => (FlowState::Open, Vec::new()),
        GateState::Held => (FlowState::Held, bus.gate().at_work()),
    };
    MessagesReport { state, carrier, under_way, answering }
}

/// Answers when everybody has finished, or not in time; then `under_way` says who has not.
async fn hold(State(bus): State<Option<Bus>>) -> Answer<MessagesReport> {
    let bus = present(bus)?;
    let under_way = bus.hold().await;
    Ok(Json(MessagesReport { under_way, ..reported(Some(&bus)) }))
}

async fn open(State(bus): State<Option<Bus>>) -> Answer<MessagesReport> {
    let bus = present(bus)?;
    bus.open().await;
    Ok(Json(reported(Some(&bus))))
}

async fn hand_over(
    State(bus): State<Option<Bus>>,
    Input(MovingRequest { broker }): Input<MovingRequest>,
) -> Answer<Moved> {
    let bus = present(bus)?;
    to_its_end(async move { bus.hand_over(&broker).await }).await
}

async fn take_over(
    State(bus): State<Option<Bus>>,
    Input(MovingRequest { broker }): Input<MovingRequest>,
) -> Answer<Moved> {
    let bus = present(bus)?;
    to_its_end(async move { bus.take_over(&broker).await }).await
}

/// A move that goes on when whoever asked for it hangs up.
async fn to_its_end(
    moving: impl Future<Output = Result<Moved, MoveError>> + Send + 'static,
) -> Answer<Moved> {
    match tokio::spawn(moving).await {
        Ok(Ok(moved)) => Ok(Json(moved)),
        Ok(Err(error)) => Err(refused(error)),
        Err(error) => {
            tracing::error!(%error, "moving messages ended: {error}");
            Err(Problem::internal().into())
        }
    }
}

fn present(bus: Option<Bus>) -> Result<Bus, Problem> {
    bus.ok_or_else(|| Problem::new(Code::Conflict, "this process says and hears nothing by messages"))
}

fn refused(error: MoveError) -> Refusal {
    let code = match error {
        MoveError::Store(error) => return PortError::from(error).into(),
        MoveError::Address(why) => return Problem::invalid_field("broker", why).into(),
        MoveError::Broker(_) | MoveError::Locked => Code::Unavailable,
        MoveError::HasBroker
        | MoveError::Open
        | MoveError::AtWork(_)
        | MoveError::Missing(_)
        | MoveError::Consumed(_)
        | MoveError::StreamIsLonger
        | MoveError::Different { .. }
        | MoveError::NothingInCommon { .. }
        | MoveError::Gap { .. }
        | MoveError::Disturbed => Code::Conflict,
    };
    Problem::new(code, chain(&error)).into()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Method, Request, StatusCode};
    use serde_json::{Value, json};
    use tower::ServiceExt as _;

    use super::*;
    use crate::http::problems;
    use crate::messaging::bus::Gate;

    async fn call(bus: Option<&Bus>, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let routes = routes(bus.cloned()).layer(axum::middleware::from_fn(problems::write));
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).expect("a request");
        let answer = routes.oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    async fn post(bus: &Bus, path: &str) -> Value {
        let (status, body) = call(Some(bus), Method::POST, path, &json!({})).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    #[tokio::test]
    async fn a_process_is_held_and_opened() {
        let bus = Bus::in_process(Gate::new(GateState::Held));
        let (status, found) = call(Some(&bus), Method::GET, "/messages", &Value::Null).await;
        let held = json!({ "state": "held", "carrier": "in-process", "under_way": [], "answering": true });
        assert_eq!((status, &found), (StatusCode::OK, &held));
        assert_eq!(post(&bus, "/messages/open").await["state"], "open");
        assert_eq!(bus.gate().state(), GateState::Open);
        assert_eq!(post(&bus, "/messages/hold").await, held);
    }

    #[tokio::test]
    async fn a_process_without_messages_says_so() {
        let (status, found) = call(None, Method::GET, "/messages", &Value::Null).await;
        let none = json!({ "state": "none", "carrier": "none", "under_way": [], "answering": true });
        assert_eq!((status, found), (StatusCode::OK, none));
        let (status, _) = call(None, Method::POST, "/messages/hold", &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT);
    }

    #[tokio::test]
    async fn a_move_that_is_refused_says_why() {
        let bus = Bus::in_process(Gate::default());
        let broker = json!({ "broker": "amqp://127.0.0.1:1" });
        for path in ["/messages/hand-over", "/messages/take-over"] {
            let (status, problem) = call(Some(&bus), Method::POST, path, &broker).await;
            assert_eq!(status, StatusCode::CONFLICT, "{problem}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("hold")), "{problem}");
        }
        bus.hold().await;
        let nowhere = json!({ "broker": "http://me:hunter2@host" });
        let (status, problem) = call(Some(&bus), Method::POST, "/messages/hand-over", &nowhere).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}
