//! Requests that nobody sends by accident.

use axum::Router;
use axum::extract::Request;

use crate::support::{Edge, Setup, raw, upstream};

async fn edge() -> Edge {
    let address =
        upstream(Router::new().fallback(async |request: Request| format!("REACHED {}", request.uri()))).await;
    Setup::new().service("orders", &[address]).service("catalog", &[address]).start().await
}

#[tokio::test]
async fn a_target_that_could_be_read_in_two_ways_is_refused() {
    let edge = edge().await;
    for (target, status) in [
        ("/api/../orders", 400),
        ("/api/orders/%2e%2e/audit", 400),
        ("/api/orders/..%2f..%2faudit%2forders", 400),
        ("/api/products/a%2Fb", 400),
        ("/api/products/a%5cb", 400),
        ("/api/products/a\\b", 400),
        ("/api/products/a%0d%0aX-Evil:1", 400),
        ("/api/products/%", 400),
        ("/orders", 404),
        ("/api/orders;x=1", 404),
        ("/audit/orders", 404),
        ("*", 404),
        ("http://orders/audit/orders", 404),
    ] {
        let answer =
            raw(edge.address, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
        assert!(!answer.contains("REACHED"), "{target}: {answer}");
    }
}

#[tokio::test]
async fn a_malformed_head_goes_no_further() {
    let edge = edge().await;
    for head in [
        "GET /api/orders HTTP/1.1\r\n\r\n",
        "GET /api/orders HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /api/orders HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /api/orders HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
        "GET /api/orders HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
        "GET /api/orders HTTP/1.1\r\nHost: a\r\nX: 1\rInjected: 1\r\n\r\n",
        "POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /api/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: nonsense\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let answer = raw(edge.address, &head.replacen("\r\n", "\r\nConnection: close\r\n", 1)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
        assert!(!answer.contains("REACHED"), "{head:?}: {answer}");
    }
}

#[tokio::test]
async fn two_lengths_cannot_smuggle_a_second_request() {
    let edge = edge().await;
    let answer = raw(
        edge.address,
        "POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         0\r\n\r\nGET /audit/orders HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(!answer.contains("REACHED /audit"), "{answer}");
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let edge = edge().await;
    let huge = "x".repeat(200_000);
    let answer =
        raw(edge.address, &format!("GET /api/orders HTTP/1.1\r\nHost: a\r\nX: {huge}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431") || answer.is_empty(), "{answer}");
    let answer = raw(edge.address, &format!("GET /api/products/{huge} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn a_websocket_is_refused_and_an_offer_of_h2c_overlooked() {
    let edge = edge().await;
    let ask = async |protocol: &str| {
        let head = format!(
            "GET /api/orders HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: {protocol}\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n"
        );
        raw(edge.address, &head).await
    };
    let answer = ask("websocket").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("invalid_request"), "{answer}");
    let answer = ask("h2c").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("REACHED /orders"), "{answer}");
}

#[tokio::test]
async fn a_tunnel_is_not_built() {
    let edge = edge().await;
    let answer =
        raw(edge.address, "CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}
