//! What happens to headers on their way.

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use contracts::TraceContext;

use crate::support::{Setup, raw, upstream, upstream_saying};

/// Answers with the headers of the request, one a line.
async fn show(headers: HeaderMap) -> String {
    headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

async fn sent_with(headers: &[(&str, &str)]) -> (String, String) {
    let address = upstream(Router::new().route("/orders", post(show).get(show))).await;
    let edge = Setup::new().service("orders", &[address]).start().await;
    let request =
        headers.iter().fold(reqwest::Client::new().get(edge.url("/api/orders")), |request, (name, value)| {
            request.header(*name, *value)
        });
    let answer = request.send().await.expect("answers");
    let trace_id = answer.headers()["trace-id"].to_str().expect("answers").to_owned();
    (answer.text().await.expect("answers"), trace_id)
}

fn value<'a>(shown: &'a str, name: &str) -> Vec<&'a str> {
    shown.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

#[tokio::test]
async fn hop_by_hop_headers_stay_at_their_hop() {
    let (shown, _) = sent_with(&[
        ("connection", "keep-alive, x-mine"),
        ("x-mine", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic c2VjcmV0"),
        ("te", "trailers, deflate;q=0.5"),
        ("x-end-to-end", "stays"),
    ])
    .await;
    for gone in ["x-mine", "keep-alive", "proxy-authorization"] {
        assert!(value(&shown, gone).is_empty(), "{gone} in\n{shown}");
    }
    assert_eq!(value(&shown, "te"), ["trailers"]);
    assert_eq!(value(&shown, "connection"), ["te"]);
    assert_eq!(value(&shown, "x-end-to-end"), ["stays"]);

    let upstream = upstream_saying(
        b"HTTP/1.1 200 OK\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: x\r\n\
          X-Other: 1\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let edge = Setup::new().service("orders", &[upstream]).start().await;
    let answer = reqwest::get(edge.url("/api/orders")).await.unwrap();
    for gone in ["connection", "x-mine", "keep-alive", "proxy-authenticate"] {
        assert!(!answer.headers().contains_key(gone), "{gone}");
    }
    assert_eq!(answer.headers()["x-other"], "1");
    assert_eq!(answer.headers()["via"], "1.1 tradewind-gateway");
}

#[tokio::test]
async fn the_service_learns_who_asked_for_what() {
    let (shown, _) = sent_with(&[
        ("forwarded", "for=10.9.8.7"),
        ("x-forwarded-for", "6.6.6.6"),
        ("via", "1.0 cache"),
        ("host", "shop.test"),
    ])
    .await;
    assert_eq!(value(&shown, "forwarded"), ["for=10.9.8.7", "for=127.0.0.1;host=\"shop.test\";proto=http"]);
    assert_eq!(value(&shown, "via"), ["1.0 cache", "1.1 tradewind-gateway"]);
    assert!(value(&shown, "x-forwarded-for").is_empty());
    // the service is addressed by its own name
    assert!(value(&shown, "host")[0].starts_with("127.0.0.1:"), "{shown}");
}

#[tokio::test]
async fn a_client_cannot_pass_for_a_service() {
    let (shown, _) = sent_with(&[
        ("tradewind-audience", "internal"),
        ("tradewind-caller", "orders"),
        ("tradewind-anything", "1"),
        ("tradewind-timeout-ms", "700"),
        // naming our headers here must not take them away
        ("connection", "tradewind-audience, tradewind-caller"),
    ])
    .await;
    assert_eq!(value(&shown, "tradewind-audience"), ["public"]);
    assert_eq!(value(&shown, "tradewind-caller"), ["gateway"]);
    assert!(value(&shown, "tradewind-anything").is_empty());
    let timeout: u64 = value(&shown, "tradewind-timeout-ms")[0].parse().unwrap();
    assert!((1..=700).contains(&timeout), "{timeout}");
}

#[tokio::test]
async fn a_client_may_ask_for_less_time_and_not_for_more() {
    let (shown, _) = sent_with(&[("tradewind-timeout-ms", "99999999")]).await;
    let timeout: u64 = value(&shown, "tradewind-timeout-ms")[0].parse().unwrap();
    assert!(timeout <= 2000, "{timeout}");
    let edge = Setup::new().start().await;
    let nonsense = reqwest::Client::new().get(edge.url("/api/orders")).header("tradewind-timeout-ms", "soon");
    assert_eq!(nonsense.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_trace_goes_on_and_a_request_without_one_begins_one() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (shown, trace_id) = sent_with(&[("traceparent", parent), ("tracestate", "vendor=1")]).await;
    let sent = TraceContext::parse(value(&shown, "traceparent")[0], None).unwrap();
    assert_eq!(sent.trace_id_hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_ne!(sent.span_id, 0x00f0_67aa_0ba9_02b7, "the gateway's own span stands between");
    assert_eq!(value(&shown, "tracestate"), ["vendor=1"]);
    assert_eq!(trace_id, sent.trace_id_hex());

    let (shown, trace_id) = sent_with(&[("traceparent", "nonsense"), ("tracestate", "vendor=1")]).await;
    let sent = TraceContext::parse(value(&shown, "traceparent")[0], None).unwrap();
    assert_eq!(trace_id, sent.trace_id_hex());
    assert!(value(&shown, "tracestate").is_empty());
}

#[tokio::test]
async fn a_location_is_given_by_its_public_name() {
    let made = async |request: Request| {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        let headers = [
            ("location", format!("http://{host}/orders/17?x=1")),
            ("content-location", "/orders/17".to_owned()),
        ];
        (http::StatusCode::CREATED, headers).into_response()
    };
    let elsewhere = async || [("location", "https://elsewhere.test/orders/17")].into_response();
    let address =
        upstream(Router::new().route("/orders", post(made)).route("/orders/{id}", get(elsewhere))).await;
    let edge = Setup::new().service("orders", &[address]).start().await;
    let created = reqwest::Client::new().post(edge.url("/api/orders")).send().await.unwrap();
    assert_eq!(created.headers()["location"], "/api/orders/17?x=1");
    assert_eq!(created.headers()["content-location"], "/api/orders/17");
    let foreign = reqwest::get(edge.url("/api/orders/1")).await.unwrap();
    assert_eq!(foreign.headers()["location"], "https://elsewhere.test/orders/17");
}

#[tokio::test]
async fn the_host_of_an_absolute_target_counts() {
    let address = upstream(Router::new().route("/orders", get(show))).await;
    let edge = Setup::new().service("orders", &[address]).start().await;
    let answer = raw(
        edge.address,
        "GET http://shop.test/api/orders HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("host=\"shop.test\"") && !answer.contains("evil.test"), "{answer}");
}
