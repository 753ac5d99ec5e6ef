//! OTLP by gRPC, from the client that OpenTelemetry's own SDK has.

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use crate::requests::{gauge, logs, span, text, traces};
use crate::started::Started;

pub async fn channel(started: &Started) -> Channel {
    Endpoint::new(format!("http://{}", started.grpc)).unwrap().connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_are_kept_compressed_or_not() {
    let started = Started::new().await;
    let channel = channel(&started).await;
    let answer = TraceServiceClient::new(channel.clone()).export(traces(vec![span(1)])).await.unwrap();
    assert_eq!(answer.into_inner().partial_success, None);
    let mut client = TraceServiceClient::new(channel).send_compressed(CompressionEncoding::Gzip);
    client.export(traces(vec![span(2), span(3)])).await.unwrap();
    let kept = started.kept.spans(3).await;
    assert_eq!(kept.iter().map(|span| span.span_id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(&*kept[0].resource.service, "orders");
    assert_eq!(started.counts().spans.received, 3);
    assert_eq!(started.counts().requests.received, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_counted_and_the_rest_is_kept() {
    let started = Started::new().await;
    let spans =
        vec![span(1), Span { span_id: vec![1], ..span(2) }, Span { end_time_unix_nano: 1, ..span(3) }];
    let answer = TraceServiceClient::new(channel(&started).await).export(traces(spans)).await.unwrap();
    let partly = answer.into_inner().partial_success.unwrap();
    assert_eq!(partly.rejected_spans, 2);
    assert!(partly.error_message.contains("1 backwards (the end is before the start)"), "{partly:?}");
    assert!(partly.error_message.contains("1 bad_id"), "{partly:?}");
    assert_eq!(started.kept.spans(1).await.len(), 1);
    assert_eq!(started.counts().spans.received, 3);
    assert_eq!(started.counts().spans.dropped, [("backwards", 1), ("bad_id", 1)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_kept_and_logs_are_not() {
    let started = Started::new().await;
    let channel = channel(&started).await;
    let answer = MetricsServiceClient::new(channel.clone()).export(gauge(0.5)).await.unwrap();
    assert_eq!(answer.into_inner().partial_success, None);
    assert_eq!(&*started.kept.points(1).await[0].series.name, "queue.depth");
    let answer = LogsServiceClient::new(channel).export(logs(3)).await.unwrap();
    let partly = answer.into_inner().partial_success.unwrap();
    assert_eq!(partly.rejected_log_records, 3);
    assert_eq!(partly.error_message, "3 unsupported (of a kind that is not kept)");
    assert_eq!(started.counts().logs.dropped, [("unsupported", 3)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_large_is_not_to_be_sent_again() {
    let started = Started::new().await;
    let channel = channel(&started).await;
    let attributes = vec![text("much", &"x".repeat(5 << 20))];
    let much = traces(vec![Span { attributes, ..span(1) }]);
    for compressed in [false, true] {
        let mut client = TraceServiceClient::new(channel.clone());
        if compressed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let refused = client.export(much.clone()).await.unwrap_err();
        // with neither a time to try again nor a code that means it
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        assert!(refused.details().is_empty(), "{refused:?}");
    }
    assert_eq!(started.counts().requests.dropped, [("too_large", 2)].into());
    TraceServiceClient::new(channel).export(traces(vec![span(1)])).await.unwrap();
    started.kept.spans(1).await;
}
