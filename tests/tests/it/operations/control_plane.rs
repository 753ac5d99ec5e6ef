//! The control plane is closed: no foreign page reaches it, and nobody changes anything without the
//! operator's token.

use contracts::Code;
use reqwest::header::{AUTHORIZATION, HOST, ORIGIN};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use system_tests::ground::ground;
use system_tests::reply::Reply;
use system_tests::shop::{Shop, order_of};

use super::PROGRAM;

/// An endpoint that changes something, and the one beside it that only tells.
struct Door {
    name: &'static str,
    change: (Method, String),
    read: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_foreign_page_and_nobody_without_the_token_gets_through_any_door() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let mut doors = vec![
        Door {
            name: "the config server",
            change: (Method::PUT, config_url(&shop, "keys/saga.lease_ms")),
            read: config_url(&shop, "effective"),
        },
        Door {
            name: "the supervisor",
            change: (Method::POST, format!("{}/down", shop.supervisor().up.control)),
            read: format!("{}/status", shop.supervisor().up.control),
        },
    ];
    for service in ["catalog", "inventory", "payments", "shipping", "orders", "notifications", "gateway"] {
        let address = shop.inside(service).await;
        let read = format!("http://{address}/control/{service}/config");
        doors.push(Door { name: service, change: (Method::POST, read.clone()), read });
    }
    let broker = &shop.client.addresses().broker_http;
    assert_eq!(broker.is_some(), ground().topology.has_broker(), "where there is one it is the shop's own");
    if let Some(broker) = broker {
        // nothing can be changed there, and nobody is told so who may not change it
        let status = format!("{broker}/status");
        doors.push(Door { name: "the broker", change: (Method::POST, status.clone()), read: status });
    }
    for door in &doors {
        is_closed(&shop, door).await;
        is_open_to_read(&shop, door).await;
    }
    let status = shop.status().await;
    assert!(status.ready && status.totals.restarts == Some(0), "none of it had an effect: {status:#?}");
    shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    with_the_token(&shop).await;
    shop.stop().await;
}

async fn is_closed(shop: &Shop, door: &Door) {
    let (method, url) = &door.change;
    let change = || shop.http.request(method.clone(), url).json(&json!({ "value": 6000 }));
    let read = || shop.http.get(&door.read);
    let token = shop.supervisor().folder.operator_token().expect("a token");
    let operator = |request: RequestBuilder| request.bearer_auth(&token);
    let cases = [
        ("a foreign page", operator(change()).header(ORIGIN, "https://evil.example"), Code::Forbidden),
        ("a page of no origin", operator(change()).header(ORIGIN, "null"), Code::Forbidden),
        ("a foreign name", operator(change()).header(HOST, "evil.example"), Code::Forbidden),
        ("a foreign page's image", read().header("sec-fetch-site", "cross-site"), Code::Forbidden),
        ("a foreign page that reads", read().header(ORIGIN, "https://evil.example"), Code::Forbidden),
        ("a foreign name that reads", read().header(HOST, "evil.example:8888"), Code::Forbidden),
        ("no token", change(), Code::Unauthenticated),
        ("a wrong token", change().bearer_auth("open sesame"), Code::Unauthenticated),
        ("half a token", change().bearer_auth(&token[..32]), Code::Unauthenticated),
        (
            "a token of another kind",
            change().header(AUTHORIZATION, format!("Basic {token}")),
            Code::Unauthenticated,
        ),
    ];
    for (name, request, code) in cases {
        let reply = Reply::of(request.send().await.expect("an answer")).await.expect("a body");
        let refusal = reply.refusal().unwrap_or_else(|| panic!("{} let {name} in: {reply:?}", door.name));
        assert_eq!(refusal.code, code, "{name} at {}: {reply:?}", door.name);
    }
}

async fn is_open_to_read(shop: &Shop, door: &Door) {
    let port = door.read.split(':').nth(2).and_then(|rest| rest.split('/').next()).expect("a port");
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), "localhost".into()] {
        let answer = shop.http.get(&door.read).header(HOST, &host).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{} as {host}", door.name);
    }
}

/// Whoever has the token makes changes, and must say what they have seen before.
async fn with_the_token(shop: &Shop) {
    let token = shop.supervisor().folder.operator_token().expect("a token");
    let url = config_url(shop, "keys/saga.lease_ms");
    let change = || shop.http.put(&url).json(&json!({ "value": 6000 })).bearer_auth(&token);
    let blind = Reply::of(change().send().await.expect("an answer")).await.expect("a body");
    blind.refused(Code::PreconditionRequired);
    let stale = change().header("if-match", "\"stale\"").send().await.expect("an answer");
    Reply::of(stale).await.expect("a body").refused(Code::PreconditionFailed);
    let seen = shop.http.get(config_url(shop, "effective")).send().await.expect("an answer");
    let etag = seen.headers().get("etag").expect("an ETag").clone();
    let taken = change().header("if-match", etag).send().await.expect("an answer");
    assert_eq!(taken.status(), 200);
}

fn config_url(shop: &Shop, what: &str) -> String {
    format!("{}/api/applications/orders/default/{what}", shop.client.addresses().config_server)
}
