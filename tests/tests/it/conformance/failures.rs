//! What a caller is told when a call fails on its way: the reason, and whether the work may have
//! happened. Over every wire the same.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use contracts::{Effect, RemoteReason, Shape};
use futures::future::join_all;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use wires::WireKind;

use super::cases::{self, Case};
use super::house::{
    Clients, HTTP, House, Running, assert_remote, deserted, effect_when_sent, serve, unhurried, ways,
};
use super::scripted::Script;

/// Calls every operation at once, and asserts that each fails like this.
async fn all_fail(
    wire: WireKind,
    clients: &Clients,
    budget: Duration,
    reason: RemoteReason,
    effect: impl Fn(&Case) -> Effect,
) {
    let cases = cases::one_each();
    let results = join_all(cases.iter().map(|case| case.call(clients, unhurried().within(budget)))).await;
    for (case, result) in cases.iter().zip(results) {
        assert_remote(result, case.operation, wire, reason, effect(case));
    }
}

const AMPLE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_callee_that_is_too_slow() {
    for way in ways().await {
        let house = House::over(way).await;
        house.callee.play(Script::Hang);
        let effect = |case: &Case| effect_when_sent(case.operation);
        all_fail(way.wire(), &house.clients, Duration::from_secs(3), RemoteReason::TimedOut, effect).await;
        assert_eq!(house.callee.count(), cases::one_each().len(), "calls that arrived over {way}");
    }
}

#[tokio::test]
async fn a_callee_that_nobody_knows_of() {
    for wire in HTTP {
        all_fail(wire, &Clients::to(wire, &[]), AMPLE, RemoteReason::NoInstance, |_| Effect::None).await;
    }
}

#[tokio::test]
async fn a_callee_that_refuses_connections() {
    for wire in HTTP {
        let clients = Clients::to(wire, &[deserted().await]);
        all_fail(wire, &clients, AMPLE, RemoteReason::Unreachable, |_| Effect::None).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_after_the_request_was_sent() {
    for wire in HTTP {
        let clients = Clients::to(wire, &[reads_then_cuts(wire).await]);
        for case in cases::one_each() {
            let result = case.call(&clients, unhurried()).await;
            let effect = effect_when_sent(case.operation);
            assert_remote(result, case.operation, wire, RemoteReason::Broken, effect);
        }
    }
}

/// Listens, reads one request on each connection, and closes it without an answer.
async fn reads_then_cuts(wire: WireKind) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(async move { read_request(wire, connection).await });
        }
    });
    address
}

async fn read_request(wire: WireKind, connection: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    if wire == WireKind::Rest { read_head(&mut reader).await } else { read_headers_frame(&mut reader).await }
}

/// HTTP/1.1: up to the empty line.
async fn read_head(reader: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(reader.read_u8().await?);
    }
    Ok(())
}

/// HTTP/2 (RFC 9113, 3.4 and 4.1): the preface, then frames up to the request's message.
async fn read_headers_frame(reader: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    const PREFACE: usize = 24;
    const DATA: u8 = 0;
    reader.read_exact(&mut [0; PREFACE]).await?;
    loop {
        let mut head = [0; 9];
        reader.read_exact(&mut head).await?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        reader.read_exact(&mut vec![0; length]).await?;
        if head[3] == DATA && length > 0 {
            return Ok(());
        }
    }
}

/// A server that gives the same answer to everything.
async fn always(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Running {
    let handler = any(move |request: Request| {
        let answer = answer.clone();
        async move {
            // reads the whole request first, as a real server would
            axum::body::to_bytes(request.into_body(), usize::MAX).await.expect("a request");
            answer()
        }
    });
    serve(Router::new().route("/{*path}", handler)).await
}

fn html(status: StatusCode) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html")], "<html>an apology</html>").into_response()
}

fn json(status: StatusCode, body: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A gRPC reply of these bytes that claims to be well.
fn grpc(frame: &'static [u8]) -> Response {
    let head = [("content-type", "application/grpc"), ("grpc-status", "0")];
    (head, Bytes::from_static(frame)).into_response()
}

type Answer = fn() -> Response;

/// What somebody who is not one of our services may answer, on any wire.
const STRANGERS: [Answer; 6] = [
    || html(StatusCode::INTERNAL_SERVER_ERROR),
    || html(StatusCode::BAD_GATEWAY),
    || html(StatusCode::SERVICE_UNAVAILABLE),
    || html(StatusCode::NOT_FOUND),
    || html(StatusCode::OK),
    || StatusCode::FOUND.into_response(),
];

/// What a broken service may answer on REST.
const NO_JSON: [Answer; 4] = [
    || json(StatusCode::OK, r#"{"unexpected":true}"#),
    || json(StatusCode::OK, r#"{"items":[1],"products":[2"#),
    || json(StatusCode::OK, "null"),
    || {
        json(
            StatusCode::CONFLICT,
            r#"{"type":"x","title":"","status":409,"detail":"","code":"of_the_future"}"#,
        )
    },
];

/// What a broken service may answer on gRPC: a message that is no protobuf; a compressed one, though
/// nobody agreed on that; one that is longer than any may be; none at all, without a status.
const NO_PROTOBUF: [Answer; 4] = [
    || grpc(b"\0\0\0\0\x04\xff\xff\xff\xff"),
    || grpc(b"\x01\0\0\0\x01\0"),
    || grpc(b"\0\xff\xff\xff\xff\0"),
    || ([(header::CONTENT_TYPE, "application/grpc")], Bytes::new()).into_response(),
];

#[tokio::test]
async fn an_answer_that_makes_no_sense() {
    for wire in HTTP {
        let broken: &[Answer] = if wire == WireKind::Rest { &NO_JSON } else { &NO_PROTOBUF };
        for answer in STRANGERS.iter().chain(broken) {
            let stranger = always(*answer).await;
            let clients = Clients::to(wire, &[stranger.address]);
            let effect = |case: &Case| effect_when_sent(case.operation);
            all_fail(wire, &clients, AMPLE, RemoteReason::Garbled, effect).await;
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_in_the_middle() {
    for wire in HTTP {
        let begin: &[u8] = if wire == WireKind::Rest { b"\n" } else { b"\0" };
        let callee = always(move || {
            let cut = Err(std::io::Error::other("the process was killed"));
            let body = Body::from_stream(futures::stream::iter([Ok(Bytes::from_static(begin)), cut]));
            ([(header::CONTENT_TYPE, "application/grpc")], body).into_response()
        })
        .await;
        let clients = Clients::to(wire, &[callee.address]);
        for case in cases::one_each() {
            if case.operation.shape != Shape::Unary {
                let result = case.call(&clients, unhurried()).await;
                assert_remote(result, case.operation, wire, RemoteReason::Broken, Effect::None);
            }
        }
    }
}
