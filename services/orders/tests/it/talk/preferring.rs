//! `Prefer` and the stream of steps, over REST.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use contracts::OrderId;
use contracts::orders::{Coordination, Orders as _};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Broker, Talk};
use crate::rest::{Reply, assert_problem, body};
use crate::shop::Shop;

async fn place(shop: &Shop, prefer: &[&str]) -> Reply {
    let headers: Vec<_> = prefer.iter().map(|value| ("prefer", *value)).collect();
    shop.post("/orders", &headers, &body()).await
}

fn applied(reply: &Reply) -> &str {
    reply.header(header::HeaderName::from_static("preference-applied"))
}

#[tokio::test]
async fn a_preferred_coordination_is_honoured_and_said_to_be() {
    for (prefer, coordination, says) in [
        (
            &["respond-async; coordination=choreographed"][..],
            "choreographed",
            "coordination=choreographed, respond-async",
        ),
        (&["coordination=\"orchestrated\""], "orchestrated", "coordination=orchestrated"),
        (&["respond-async", "coordination=sync"], "sync", "coordination=sync, respond-async"),
    ] {
        let talk = Talk::open().await;
        let gate = talk.others().hold(crate::others::Call::Reserve, crate::others::Answer::Done);
        let reply = place(&talk.shop, prefer).await;
        assert_eq!((reply.status, &reply.body["status"]), (StatusCode::ACCEPTED, &json!("placed")));
        assert_eq!((&reply.body["coordination"], applied(&reply)), (&json!(coordination), says));
        assert_eq!(
            reply.header(header::LOCATION),
            format!("/orders/{}", reply.body["id"].as_str().expect("an id"))
        );
        gate.open();
    }
}

#[tokio::test]
async fn who_prefers_to_wait_gets_201_where_the_order_ends_in_time() {
    let shop = Shop::open().await;
    let reply = place(&shop, &["wait=9, unheard-of=1; x", "wait=soon"]).await;
    assert_eq!((reply.status, &reply.body["status"]), (StatusCode::CREATED, &json!("confirmed")));
    assert_eq!(applied(&reply), "wait=9");
    let reply = place(&shop, &["wait=4294967295"]).await;
    assert_eq!(
        (reply.status, applied(&reply)),
        (StatusCode::CREATED, "wait=10"),
        "as long as the call may take"
    );
    let reply = place(&shop, &["handling=lenient"]).await;
    assert_eq!((reply.status, applied(&reply)), (StatusCode::CREATED, ""), "what is unknown is ignored");
}

#[tokio::test]
async fn a_repetition_in_another_coordination_is_told_that_this_was_not_applied() {
    let talk = Talk::open().await;
    for (prefer, says) in [
        ("coordination=choreographed", "coordination=choreographed"),
        ("coordination=orchestrated, respond-async", "respond-async"),
        ("coordination=sync", ""),
        ("coordination=choreographed, wait=0", "coordination=choreographed, wait=0"),
    ] {
        let headers = [("prefer", prefer), ("idempotency-key", "k")];
        let reply = talk.shop.post("/orders", &headers, &body()).await;
        assert_eq!(
            (reply.status, &reply.body["coordination"]),
            (StatusCode::ACCEPTED, &json!("choreographed"))
        );
        assert_eq!(applied(&reply), says, "{prefer}");
    }
    assert_eq!(talk.shop.orders().await.len(), 1);
}

#[tokio::test]
async fn what_the_body_says_counts_more_than_the_header() {
    let talk = Talk::open().await;
    let mut asked = body();
    asked["coordination"] = json!("choreographed");
    asked["wait_ms"] = json!(0);
    let headers = [("prefer", "coordination=sync; wait=3")];
    let reply = talk.shop.post("/orders", &headers, &asked).await;
    assert_eq!((reply.status, &reply.body["coordination"]), (StatusCode::ACCEPTED, &json!("choreographed")));
    assert_eq!(applied(&reply), "");
}

#[tokio::test]
async fn a_coordination_that_does_not_exist_or_cannot_be_is_a_problem() {
    let shop = Shop::open().await;
    assert_problem(&place(&shop, &["coordination=telepathic"]).await, 400, "invalid_request");
    let reply = place(&shop, &["coordination=orchestrated"]).await;
    assert_problem(&reply, 503, "coordination_unavailable");
    assert_eq!(shop.orders().await, []);
}

/// The status and the text of `GET /orders/{id}/events`.
async fn follow(shop: &Shop, id: OrderId, headers: &[(&str, &str)]) -> (StatusCode, String, String) {
    let head = Request::get(format!("/orders/{id}/events"));
    let head = headers.iter().fold(head, |head, (name, value)| head.header(*name, *value));
    let routes = orders::routes(shop.service.clone());
    let reply = routes.oneshot(head.body(Body::empty()).expect("a request")).await.expect("an answer");
    let kind = reply.headers().get(header::CONTENT_TYPE).map_or("", |value| value.to_str().expect("text"));
    let (status, kind) = (reply.status(), kind.to_owned());
    let body = axum::body::to_bytes(reply.into_body(), 1 << 20).await.expect("a body");
    (status, kind, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn a_browser_follows_an_order_by_events_and_comes_back_where_it_was() {
    let talk = Talk::open().await;
    let id = talk.placed(Coordination::Orchestrated).await.id;
    let (service, shop) = (talk.shop.service.clone(), &talk.shop);
    let browser = ("accept", "text/event-stream");
    let following = async { follow(shop, id, &[browser]).await };
    let ((status, kind, text), ()) = tokio::join!(following, talk.settle(Broker::Kind));
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/event-stream"));
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6"]);
    let last = text.lines().rfind(|line| line.starts_with("data: ")).expect("an event");
    let last: Value = serde_json::from_str(&last["data: ".len()..]).expect("JSON");
    assert_eq!(last["to"], json!("confirmed"));
    let (status, _, text) = follow(shop, id, &[browser, ("last-event-id", "4")]).await;
    assert_eq!((status, text.matches("id: ").count()), (StatusCode::OK, 2));
    let (status, ..) = follow(shop, id, &[browser, ("last-event-id", "6")]).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "it is told to stop coming back");
    let entries =
        service.timeline(&crate::shop::ctx(), contracts::orders::GetTimeline { order_id: id }).await;
    assert_eq!(entries.expect("there is one").entries.len(), 6);
}

#[tokio::test]
async fn others_follow_an_order_line_by_line() {
    let shop = Shop::open().await;
    let id = shop.confirmed().await.id;
    let (status, kind, text) = follow(&shop, id, &[]).await;
    assert_eq!((status, kind.as_str(), text.lines().count()), (StatusCode::OK, "application/x-ndjson", 6));
    let nobody = OrderId(uuid::Uuid::now_v7());
    assert_eq!(follow(&shop, nobody, &[]).await.0, StatusCode::NOT_FOUND);
}
