//! A RabbitMQ of a test's own, and virtual hosts on one that is shared.

use std::time::Duration;

use testkit::{RabbitMq, VirtualHost, eventually, virtual_host};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_killed_server_is_gone_and_comes_back_with_its_queues_and_messages() {
    let Some(server) = RabbitMq::start().await else { return };
    assert_eq!(server.url(), format!("amqp://guest:guest@127.0.0.1:{}", server.port()));
    let other = server.virtual_host().await;
    for (host, kind) in [(server.default_host(), "quorum"), (&other, "classic")] {
        host.declare_queue("kept", kind).await;
        host.publish("kept", "worth keeping").await;
        holds(host, "kept", 1).await;
    }
    other.declare_queue("events", "stream").await;
    other.publish("events", "worth replaying").await;
    holds(&other, "events", 1).await;

    server.kill().await;
    assert!(TcpStream::connect(("127.0.0.1", server.port())).await.is_err(), "it is gone");
    // a second time harms nothing
    server.kill().await;

    server.restart().await;
    for (host, kind) in [(server.default_host(), "quorum"), (&other, "classic")] {
        holds(host, "kept", 1).await;
        assert_eq!(host.queue("kept").await.expect("the queue").kind, kind);
    }
}

#[tokio::test]
async fn virtual_hosts_are_apart_and_their_queues_can_be_deleted() {
    let (Some(one), Some(two)) = (virtual_host().await, virtual_host().await) else { return };
    assert_ne!(one.url, two.url);
    assert!(one.url.ends_with(one.name()), "{}", one.url);
    one.declare_queue("mine", "classic").await;
    assert_eq!(one.queue("mine").await.expect("the queue").kind, "classic");
    assert!(two.queues().await.is_empty(), "{:?}", two.queues().await);

    // what another virtual host holds under the same name stays
    two.declare_queue("mine", "quorum").await;
    one.delete_queue("mine").await;
    one.delete_queue("mine").await;
    assert!(one.queues().await.is_empty(), "{:?}", one.queues().await);
    assert_eq!(two.queue("mine").await.expect("the queue").kind, "quorum");
    assert_eq!(one.close_connections().await, 0);
}

async fn holds(host: &VirtualHost, queue: &str, messages: u64) {
    eventually(&format!("{messages} messages in {queue} of {}", host.name()), DEADLINE, async || {
        host.queue(queue).await.filter(|found| found.messages == Some(messages))
    })
    .await;
}
