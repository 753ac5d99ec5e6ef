//! Senders that mean no good, or have gone wrong.

use observatory::Limits;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::requests::{JSON, PROTOBUF, gzip, span, text, traces};
use crate::started::{Started, client};

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
