//! Brokers of either kind behind one face.

use std::time::Duration;

use serde_json::json;
use testkit::{BrokerHost, broker_servers, brokers, eventually};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_killed_broker_is_gone_and_comes_back_with_its_queues_and_messages() {
    for server in broker_servers().await {
        assert_eq!(server.url(), format!("amqp://guest:guest@127.0.0.1:{}", server.port()));
        let host = server.host().await;
        for (queue, kind) in [("kept", "quorum"), ("also-kept", "classic")] {
            host.declare_queue(queue, kind).await;
            host.publish(queue, "worth keeping").await;
            holds(&host, queue, 1).await;
        }
        server.kill().await;
        assert!(TcpStream::connect(("127.0.0.1", server.port())).await.is_err(), "it is gone");
        // a second time harms nothing
        server.kill().await;

        server.restart().await;
        for (queue, kind) in [("kept", "quorum"), ("also-kept", "classic")] {
            holds(&host, queue, 1).await;
            assert_eq!(host.queue(queue).await.expect("the queue").kind, kind);
        }
    }
}

#[tokio::test]
async fn hosts_are_apart_and_their_queues_can_be_deleted() {
    for (one, two) in brokers().await.zip(brokers().await) {
        assert_eq!(one.kind(), two.kind());
        one.declare_queue("mine", "classic").await;
        assert_eq!(one.queue("mine").await.expect("the queue").kind, "classic");
        assert!(two.queues().await.is_empty(), "{:?}", two.queues().await);
        one.publish_with("mine", "{}", json!({ "text": "x", "number": 7, "list": [true, null] })).await;
        holds(&one, "mine", 1).await;

        // what another host holds under the same name stays
        two.declare_queue("mine", "quorum").await;
        one.delete_queue("mine").await;
        one.delete_queue("mine").await;
        assert!(one.queues().await.is_empty(), "{:?}", one.queues().await);
        assert_eq!(two.queue("mine").await.expect("the queue").kind, "quorum");
    }
}

async fn holds(host: &BrokerHost, queue: &str, messages: u64) {
    eventually(&format!("{messages} messages in {queue} of {}", host.name()), DEADLINE, async || {
        host.queue(queue).await.filter(|found| found.messages == Some(messages))
    })
    .await;
}
