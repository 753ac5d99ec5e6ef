//! What the processes show to those who watch them, and what the shop shows to those who wait.

use std::time::Duration;

use contracts::shipping::{ShipmentStatus, TrackingEvent};
use futures::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use system_tests::shop::{PATIENCE, Shop, order_of};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::{PROGRAM, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_tells_that_it_lives_is_ready_and_what_it_has_counted() {
    let shop = Shop::start(PROGRAM, &[]).await;
    shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    for process in shop.status().await.processes {
        let (name, address) = (&process.name, process.http_address().expect("an address"));
        for path in ["livez", "readyz", "metrics"] {
            let answer = shop.http.get(format!("http://{address}/{path}")).send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{name} at /{path}");
            let kind = answer.headers()[CONTENT_TYPE].to_str().expect("text").to_owned();
            let text = answer.text().await.expect("a body");
            if path == "metrics" {
                assert!(kind.starts_with("text/plain; version=0.0.4"), "{name}: {kind}");
                assert!(text.contains("# TYPE "), "{name} has counted nothing: {text:?}");
            }
        }
    }
    for service in ["catalog", "inventory", "payments", "shipping", "orders"] {
        let address = shop.inside(service).await;
        let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
        let channel = channel.connect().await.expect("a channel");
        is_healthy(service, channel.clone()).await;
        describes_itself(service, channel).await;
    }
    shop.stop().await;
}

/// `grpc.health.v1`, for the service by name and for the server as a whole.
async fn is_healthy(service: &str, channel: Channel) {
    let mut health = HealthClient::new(channel);
    for name in [service, ""] {
        let asked = HealthCheckRequest { service: name.to_owned() };
        let told = health.check(asked).await.unwrap_or_else(|error| panic!("{service}: {error}"));
        assert_eq!(told.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let nobody = health.check(HealthCheckRequest { service: "nobody".into() }).await;
    assert_eq!(nobody.expect_err("there is no such service").code(), tonic::Code::NotFound);
}

/// Reflection: what `grpcurl list` asks.
async fn describes_itself(service: &str, channel: Channel) {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = tokio_stream::iter([request]);
    let answers = ServerReflectionClient::new(channel).server_reflection_info(requests).await;
    let mut answers = answers.unwrap_or_else(|error| panic!("{service}: {error}")).into_inner();
    let answer = answers.message().await.expect("an answer").expect("one answer");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{service}: {answer:?}");
    };
    let title = format!("{}{}", service[..1].to_uppercase(), &service[1..]);
    let wanted = format!("tradewind.{service}.v1.{title}");
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&wanted.as_str()) && names.contains(&"grpc.health.v1.Health"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_follows_a_shipment_live_through_the_gateway() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let order = shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    let url = shop.url(&format!("/api/shipments/{}/track", order.id));
    let mut first = Stations::follow(&shop, &url, None).await;
    let scheduled = first.next().await;
    assert_eq!((scheduled.order_id, scheduled.sequence), (order.id, 1));
    assert_eq!(scheduled.status, ShipmentStatus::Scheduled);

    // the carriers are told to hurry; whoever listens sees the goods move
    for key in ["carrier.dispatch_after_ms", "carrier.deliver_after_ms"] {
        json(shop.run(&["config", "set", "shipping", key, "0", "--json"]).await);
    }
    let shipped = first.next().await;
    assert_eq!((shipped.sequence, shipped.status), (2, ShipmentStatus::Shipped));
    let delivered = first.next().await;
    assert_eq!((delivered.sequence, delivered.status), (3, ShipmentStatus::Delivered));
    assert!(first.ended().await, "there is nothing after delivery");

    let mut again = Stations::follow(&shop, &url, Some(2)).await;
    assert_eq!(again.next().await, delivered, "whoever comes back gets what it has not seen");
    shop.stop().await;
}

/// Server-sent events, one station each.
struct Stations {
    body: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Stations {
    async fn follow(shop: &Shop, url: &str, seen: Option<u32>) -> Self {
        let mut request = shop.http.get(url).header(ACCEPT, "text/event-stream");
        if let Some(seen) = seen {
            request = request.header("last-event-id", seen.to_string());
        }
        let answer = request.timeout(PATIENCE).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/event-stream");
        Self { body: answer.bytes_stream().boxed(), text: String::new() }
    }

    /// The next station; its event's id is its sequence.
    async fn next(&mut self) -> TrackingEvent {
        let event = self.event().await.expect("one more event");
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let station: TrackingEvent = serde_json::from_str(field("data").expect("data")).expect("a station");
        assert_eq!(field("id"), Some(station.sequence.to_string().as_str()));
        station
    }

    async fn ended(&mut self) -> bool {
        self.event().await.is_none()
    }

    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                // a comment only shows that the connection lives
                if event.lines().all(|line| line.starts_with(':')) {
                    continue;
                }
                return Some(event);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await;
            let chunk = chunk.expect("something comes in time")?.expect("the stream is whole");
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }
}
