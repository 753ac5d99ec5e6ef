//! Senders that mean no good, or have gone wrong.

use observatory::Limits;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::requests::{JSON, PROTOBUF, gzip, span, text, traces};
use crate::started::{Started, client};
use crate::whole::{Whole, of};

async fn post(started: &Started, content_type: &str, encoding: &str, body: Vec<u8>) -> u16 {
    let request = client().post(started.url("/v1/traces")).header("content-type", content_type);
    request.header("content-encoding", encoding).body(body).send().await.unwrap().status().as_u16()
}

async fn works(started: &Started) {
    assert_eq!(post(started, PROTOBUF, "identity", traces(vec![span(1)]).encode_to_vec()).await, 200);
    started.kept.spans(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gzip_bomb_is_too_large() {
    let started = Started::new().await;
    let bomb = gzip(&vec![0; 200 << 20]);
    assert!(bomb.len() < Limits::default().request_bytes);
    assert_eq!(post(&started, PROTOBUF, "gzip", bomb.clone()).await, 413);
    assert_eq!(post(&started, JSON, "gzip", bomb.clone()).await, 413);
    // one after the other in one body, each of them small
    let several = gzip(&vec![0; 3 << 20]).repeat(2);
    assert_eq!(post(&started, PROTOBUF, "gzip", several).await, 413);
    // a bomb within a bomb is opened once
    assert_eq!(post(&started, PROTOBUF, "gzip", gzip(&bomb)).await, 400);
    assert_eq!(started.counts().requests.dropped, [("malformed", 1), ("too_large", 3)].into());
    works(&started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_refused_though_its_length_was_not_told() {
    let started = Started::new().await;
    let mut stream = TcpStream::connect(started.http).await.unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PROTOBUF}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let endless = async {
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        while writing.write_all(chunk.as_bytes()).await.is_ok() {}
    };
    let mut status = [0; 12];
    let ((), read) = tokio::join!(endless, reading.read_exact(&mut status));
    read.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    works(&started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_without_sense_do_no_harm_anywhere() {
    let started = Started::new().await;
    for address in [started.grpc, started.http, started.pages] {
        for bytes in [
            b"\0\x01\x02\xff\xfe".as_slice(),
            b"GET",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff",
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stream.shutdown().await.unwrap();
            // whatever is answered, the connection ends
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
    works(&started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_different_values_come_through() {
    let started = Started::new().await;
    let (client, url) = (client(), started.url("/v1/traces"));
    let mut sent = 0;
    for request in 0..50_u64 {
        let spans = (0..400_u64).map(|number| {
            let attributes =
                (0..50).map(|key| text(&format!("key.{key}"), &format!("{request} {number} {key}")));
            Span { attributes: attributes.collect(), ..span(request * 400 + number + 1) }
        });
        let body = traces(spans.collect()).encode_to_vec();
        // a sender that is told to come again does
        loop {
            let request = client.post(&url).header("content-type", PROTOBUF).body(body.clone());
            match request.send().await.unwrap().status().as_u16() {
                200 => break,
                503 => tokio::task::yield_now().await,
                status => panic!("{status}"),
            }
        }
        sent += 400;
    }
    let kept = started.kept.spans(sent).await;
    let values: std::collections::HashSet<_> = kept
        .iter()
        .flat_map(|span| &span.attributes)
        .map(|attribute| match &attribute.value {
            observatory::span::Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(values.len(), 1_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_without_end_leave_bounded_answers() {
    let whole = Whole::new(Limits::default()).await;
    let (requests, spans) = (25_u64, 400_u64);
    for request in 0..requests {
        let each = (0..spans).map(|number| {
            let id = request * spans + number + 1;
            let attributes = vec![text("customer", &format!("customer {id}"))];
            let spans = vec![Span { name: format!("operation {id}"), attributes, ..span(id) }];
            // every other one is of one service that does something else each time
            let service = if id % 2 == 0 { "orders".to_owned() } else { format!("service {id}") };
            of(&service, spans).resource_spans
        });
        let resource_spans = each.flatten().collect();
        whole
            .by_http("/v1/traces", PROTOBUF, ExportTraceServiceRequest { resource_spans }.encode_to_vec())
            .await;
    }
    whole.settled(requests * spans).await;
    let services = whole.ask("/api/services").await["data"].as_array().unwrap().len();
    assert!((2..=201).contains(&services), "{services}");
    let operations = whole.ask("/api/services/orders/operations").await["data"].as_array().unwrap().len();
    assert!((2..=201).contains(&operations), "{operations}");
    let orders = whole.ask("/api/observatory/services/orders").await;
    assert!(orders["operations"].as_array().unwrap().len() <= 201);
    let found = whole.ask("/api/traces?tags=%7B%22customer%22:%22customer 9999%22%7D").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let status = whole.ask("/api/observatory/status").await;
    let number = |name: &str| status[name].as_u64().unwrap();
    assert!(number("bytes_kept") <= number("bytes_limit"));
    assert_eq!(number("spans_kept") + number("spans_forgotten"), requests * spans, "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_kept_does_not_come_in_one_answer() {
    let whole = Whole::new(Limits { answer_bytes: 20_000, ..Limits::default() }).await;
    let spans = (1..=100).map(|id| Span { attributes: vec![text("text", &"x".repeat(1000))], ..span(id) });
    whole.by_http("/v1/traces", PROTOBUF, of("orders", spans.collect()).encode_to_vec()).await;
    whole.settled(100).await;
    let found = whole.ask("/api/traces?limit=100").await;
    let told = found["data"].as_array().unwrap().len();
    assert!((5..20).contains(&told), "{told}");
    let words = found["errors"][0]["msg"].as_str().unwrap();
    assert!(words.starts_with("100 traces were found, and the newest"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_json_has_no_word_for_are_attributes_all_the_same() {
    let whole = Whole::new(Limits::default()).await;
    let mut request = serde_json::to_value(of("orders", vec![span(1)])).unwrap();
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] = serde_json::json!([
        { "key": "ratio", "value": { "doubleValue": "NaN" } },
        { "key": "most", "value": { "doubleValue": "-Infinity" } },
    ]);
    whole.by_http("/v1/traces", JSON, request.to_string().into_bytes()).await;
    whole.settled(1).await;
    for tag in ["%22ratio%22:%22NaN%22", "%22most%22:%22-Infinity%22"] {
        let found = whole.ask(&format!("/api/traces?tags=%7B{tag}%7D")).await;
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{tag}");
    }
}
