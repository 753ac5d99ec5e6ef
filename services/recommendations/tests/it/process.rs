//! The service as a process: assembled, with a broker and without.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SystemClock;
use chassis::messaging::bus::Gate;
use chassis::messaging::mailbox::Publish as _;
use chassis::messaging::{Broker, Bus, Mailbox};
use chassis::process::Bootstrap;
use contracts::messages::{Address, Outgoing};
use contracts::orders::Coordination;
use recommendations::log::BusLog;
use recommendations::replay::{ReplayState, VerdictKind};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::stories::confirmed;
use crate::{Bench, PATIENCE, benches};

/// A broker that starts takes longer than anything else here.
const MORE_PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test]
async fn without_a_broker_it_does_not_start_and_says_what_is_missing() {
    let data = tempfile::tempdir().expect("a folder");
    let bootstrap = Bootstrap::alone(data.path().to_owned());
    let listener = TcpListener::bind(bootstrap.listen).await.expect("a port");
    let running = chassis::process::run(bootstrap, listener, CancellationToken::new(), async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![recommendations::assemble(platform, &wires).await?])
    });
    let error = tokio::time::timeout(PATIENCE, running).await.expect("ends").expect_err("refuses");
    assert!(format!("{error:#}").contains("--broker"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_a_broker_is_read_and_read_again() {
    for host in testkit::brokers().await {
        let shutdown = CancellationToken::new();
        let broker = Broker::connect(&host.url, "test", shutdown.clone()).expect("an address");
        let bench = benches().await.swap_remove(0);
        is_read_and_read_again(&bench, broker.into()).await;
        shutdown.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_the_log_beside_the_model_is_read_and_read_again() {
    for bench in benches().await {
        let bus = Bus::in_process(Gate::default());
        bus.register(
            &Mailbox::open(&bench.raw, "notifications", Arc::new(SystemClock)).await.expect("opens"),
        );
        bus.keep_log(&bench.raw, "recommendations").await.expect("opens");
        is_read_and_read_again(&bench, bus).await;
    }
}

async fn is_read_and_read_again(bench: &Bench, bus: Bus) {
    let to = Address::event("orders", "order_confirmed", Coordination::Sync);
    let messages: Vec<_> = (1..=600u128)
        .map(|id| Outgoing { to: to.clone(), message: confirmed(id, "ada", &["A", "B"]) })
        .collect();
    let say = async |messages: &[Outgoing]| {
        testkit::eventually("the events to be published", MORE_PATIENCE, || async {
            bus.publish(messages).await.ok()
        })
        .await;
    };
    say(&messages[..500]).await;
    let instance = bench.instance_on(Arc::new(BusLog(bus.clone())));
    let counted = async |orders| {
        testkit::eventually("every order to be counted", MORE_PATIENCE, async || {
            let answer = bench.store.together_with(&"A".into(), 1).await.expect("answers");
            (answer.items.first().is_some_and(|item| item.together == orders)).then_some(())
        })
        .await;
    };
    counted(500).await;
    testkit::eventually("the replay to begin", MORE_PATIENCE, async || instance.replays.begin().await.ok())
        .await;
    say(&messages[500..]).await;
    let status = testkit::eventually("the replay to be done", MORE_PATIENCE, async || {
        let status = instance.replays.status().await.expect("a status");
        (status.state == ReplayState::Done).then_some(status)
    })
    .await;
    assert_eq!(status.verdict.expect("a verdict").kind, VerdictKind::Same);
    counted(600).await;
}
