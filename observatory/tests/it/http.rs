//! OTLP by HTTP.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};
use tonic_types::pb::Status;

use crate::requests::{JSON, PROTOBUF, gauge, gzip, logs, now, span, traces};
use crate::started::{Started, client};

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

async fn post(started: &Started, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let request = client().post(started.url(path)).body(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap().to_vec();
    Answer { status, content_type: content_type.unwrap_or_default(), body }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protobuf_is_answered_in_protobuf() {
    let started = Started::new().await;
    let body = traces(vec![span(1), Span { trace_id: vec![], ..span(2) }]).encode_to_vec();
    for (headers, body) in [
        (vec![("content-type", PROTOBUF)], body.clone()),
        (vec![("content-type", PROTOBUF), ("content-encoding", "gzip")], gzip(&body)),
    ] {
        let answer = post(&started, "/v1/traces", &headers, body).await;
        assert_eq!((answer.status, &*answer.content_type), (200, PROTOBUF), "{answer:?}");
        let partly = ExportTraceServiceResponse::decode(&*answer.body).unwrap().partial_success.unwrap();
        assert_eq!(partly.rejected_spans, 1);
    }
    started.kept.spans(2).await;
    let answer =
        post(&started, "/v1/metrics", &[("content-type", PROTOBUF)], gauge(1.0).encode_to_vec()).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0), "all is well, which takes no bytes");
    started.kept.points(1).await;
    let answer = post(&started, "/v1/logs", &[("content-type", PROTOBUF)], logs(1).encode_to_vec()).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_read_as_the_specification_writes_it() {
    let started = Started::new().await;
    let now = now();
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "web" } }] },
        "scopeSpans": [{ "spans": [{
            "traceId": "5B8EFFF798038103D269B633813FC60C",
            "spanId": "eee19b7ec3c1b174",
            "parentSpanId": "",
            "name": "click",
            "kind": 3,
            "startTimeUnixNano": (now - 1_000).to_string(),
            "endTimeUnixNano": now.to_string(),
            "somethingNew": { "that": ["nobody", "knows"] },
            "attributes": [
                { "key": "retries", "value": { "intValue": "9007199254740993" } },
                { "key": "list", "value": { "arrayValue": { "values": [{ "boolValue": true }] } } },
            ],
        }] }],
    }] });
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    let answer = post(&started, "/v1/traces", &headers, body.to_string().into_bytes()).await;
    assert_eq!((answer.status, &*answer.content_type, &*answer.body), (200, JSON, b"{}".as_slice()));
    let kept = started.kept.spans(1).await.pop().unwrap();
    assert_eq!(kept.trace_id, 0x5b8e_fff7_9803_8103_d269_b633_813f_c60c);
    assert_eq!((kept.span_id, kept.parent), (0xeee1_9b7e_c3c1_b174, None));
    assert_eq!(kept.attribute("retries"), Some(&observatory::span::Value::Int(9_007_199_254_740_993)));
    assert_eq!(kept.attribute("list"), Some(&observatory::span::Value::Json("[true]".into())));
    let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{
        "name": "orders",
        "sum": {
            "aggregationTemporality": 2,
            "isMonotonic": true,
            "dataPoints": [{ "asInt": "7", "timeUnixNano": now.to_string() }],
        },
    }] }] }] });
    let answer = post(&started, "/v1/metrics", &headers, body.to_string().into_bytes()).await;
    assert_eq!((answer.status, &*answer.body), (200, b"{}".as_slice()));
    assert_eq!(started.kept.points(1).await[0].measure, observatory::metric::Measure::Number(7.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partial_success_is_told_in_json() {
    let started = Started::new().await;
    let body = serde_json::to_vec(&traces(vec![Span { span_id: vec![], ..span(1) }])).unwrap();
    let answer = post(&started, "/v1/traces", &[("content-type", JSON)], body).await;
    let expected = json!({ "partialSuccess": {
        "rejectedSpans": 1,
        "errorMessage": "1 bad_id (an id has the wrong length, or is zero)",
    } });
    assert_eq!((answer.status, answer.json()), (200, expected));
    let answer =
        post(&started, "/v1/logs", &[("content-type", JSON)], serde_json::to_vec(&logs(2)).unwrap()).await;
    assert_eq!(answer.json()["partialSuccess"]["rejectedLogRecords"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_refused_with_a_status() {
    let started = Started::new().await;
    let protobuf = [("content-type", PROTOBUF)];
    let answer = post(&started, "/v1/traces", &protobuf, b"this is no protobuf".to_vec()).await;
    assert_eq!((answer.status, &*answer.content_type), (400, PROTOBUF));
    let status = Status::decode(&*answer.body).unwrap();
    assert_eq!(status.code, 3, "{status:?}");
    assert!(status.message.starts_with("not a request of OTLP: "), "{status:?}");
    let json = [("content-type", JSON)];
    for body in [
        "",
        "{",
        "null",
        "{\"resourceSpans\": 1}",
        "\u{feff}{}",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"xyz\"}]}]}]}",
    ] {
        let answer = post(&started, "/v1/traces", &json, body.as_bytes().to_vec()).await;
        assert_eq!((answer.status, &*answer.content_type), (400, JSON), "{body}");
        assert_eq!(answer.json()["code"], 3);
    }
    let compressed = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    assert_eq!(post(&started, "/v1/traces", &compressed, b"this is no gzip".to_vec()).await.status, 400);
    let mut cut = gzip(&traces(vec![span(1)]).encode_to_vec());
    cut.truncate(cut.len() / 2);
    assert_eq!(post(&started, "/v1/traces", &compressed, cut).await.status, 400);
    assert_eq!(started.counts().requests.dropped, [("malformed", 9)].into());
    assert_eq!(started.counts().spans.received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_formats_and_other_compressions_are_refused() {
    let started = Started::new().await;
    for headers in [
        vec![],
        vec![("content-type", "text/plain")],
        vec![("content-type", "application/jsonp")],
        vec![("content-type", JSON), ("content-encoding", "br")],
    ] {
        let answer = post(&started, "/v1/traces", &headers, b"{}".to_vec()).await;
        assert_eq!((answer.status, &*answer.content_type), (415, JSON), "{headers:?}");
        assert_eq!(answer.json()["code"], 3);
    }
    assert_eq!(started.counts().requests.dropped, [("unsupported", 4)].into());
    assert_eq!(client().get(started.url("/v1/traces")).send().await.unwrap().status(), 405);
    assert_eq!(client().post(started.url("/v1/profiles")).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_request_is_a_request() {
    let started = Started::new().await;
    assert_eq!(post(&started, "/v1/traces", &[("content-type", PROTOBUF)], vec![]).await.status, 200);
    assert_eq!(post(&started, "/v1/traces", &[("content-type", JSON)], b"{}".to_vec()).await.status, 200);
}
