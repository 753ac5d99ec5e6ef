//! Nobody keeps as fast as is sent.

use observatory::Limits;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::grpc::channel;
use crate::requests::{JSON, PROTOBUF, gauge, span, traces};
use crate::started::{Started, client};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_intake_refuses_counts_and_recovers() {
    let started = Started::with(Limits { intake_bytes: 4096, ..Limits::default() }, |made| made).await;
    started.kept.close();
    let send = |id| {
        let body = traces(vec![span(id)]).encode_to_vec();
        client().post(started.url("/v1/traces")).header("content-type", PROTOBUF).body(body).send()
    };
    let mut taken = 0;
    let refused = loop {
        let answer = send(taken + 1).await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 4096, "a span has more than a byte");
    };
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["content-type"], PROTOBUF);
    // each way in leads to the same room
    let metric = serde_json::to_vec(&gauge(1.0)).unwrap();
    let metric = client().post(started.url("/v1/metrics")).header("content-type", JSON).body(metric);
    let by_http = metric.send().await.unwrap().status();
    let mut client = TraceServiceClient::new(channel(&started).await);
    let by_grpc = client.export(traces(vec![span(1); 100])).await.unwrap_err();
    assert_eq!(by_grpc.code(), Code::Unavailable);
    assert!(by_grpc.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some()), "{by_grpc:?}");
    let counts = started.counts();
    assert_eq!(counts.spans.received, taken + 1 + 100);
    assert_eq!(counts.spans.dropped, [("full", 101)].into());
    // a point is smaller than a span, and may just have found room
    let points = if by_http == 200 { 0 } else { 1 };
    assert_eq!(counts.points.dropped.get("full").copied().unwrap_or_default(), points);
    assert_eq!(counts.requests.dropped, [("full", 2 + points)].into());

    started.kept.open();
    started.kept.spans(taken as usize).await;
    // the last of them may not be out yet when it is seen
    while send(taken + 1).await.unwrap().status() == 503 {
        tokio::task::yield_now().await;
    }
    started.kept.spans(taken as usize + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_taken_in_is_kept_though_the_end_has_come() {
    let started = Started::new().await;
    started.kept.close();
    let mut client = TraceServiceClient::new(channel(&started).await);
    for id in 1..=20 {
        client.export(traces(vec![span(id)])).await.unwrap();
    }
    drop(client);
    let kept = started.kept.clone();
    let end = tokio::spawn(started.end());
    kept.open();
    assert_eq!(end.await.unwrap().spans(20).await.len(), 20);
}
