//! The service as a process: assembled, with a broker and without.

use std::path::Path;
use std::time::Duration;

use chassis::messaging::Broker;
use chassis::process::{Bootstrap, Messages};
use contracts::Timestamp;
use contracts::messages::Event as _;
use contracts::orders::OrderEvent;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{PATIENCE, customer, order, origin, shipped};

/// A broker that starts, and events that wait for others, take longer than anything else here.
const MORE_PATIENCE: Duration = Duration::from_secs(60);

async fn run(bootstrap: Bootstrap, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener = TcpListener::bind(bootstrap.listen).await?;
    chassis::process::run(bootstrap, listener, shutdown, async |platform| {
        let wires = wires::Resolver::new(platform);
        Ok(vec![notifications::assemble(platform, &wires).await?])
    })
    .await
}

/// The events that mails in the outbox tell of, by their ids.
fn told(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let mails = names.filter(|name| name.ends_with(".eml"));
    let mut ids: Vec<_> = mails.map(|name| name[24..60].to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn without_a_broker_it_does_not_start_and_says_what_is_missing() {
    let data = tempfile::tempdir().expect("a folder");
    let running = run(Bootstrap::alone(data.path().to_owned()), CancellationToken::new());
    let error = tokio::time::timeout(PATIENCE, running).await.expect("ends").expect_err("refuses");
    assert!(format!("{error:#}").contains("--broker"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_become_files_however_often_and_in_whatever_order_they_come() {
    for host in testkit::brokers().await {
        let shutdown = CancellationToken::new();
        let broker = Broker::connect(&host.url, "test", shutdown.clone()).expect("an address");
        let order = order(&customer("ada"));
        let at = Timestamp(1_795_370_742_000_000);
        let parcel = shipped(order.id).fact(&origin(), at);
        let placed = OrderEvent::OrderPlaced { order: order.clone(), passed: None }.fact(&origin(), at);
        let confirmed = OrderEvent::OrderConfirmed { order }.fact(&origin(), at);
        let mut expected = vec![parcel.message.id.to_string(), confirmed.message.id.to_string()];
        expected.sort();
        let say = async |messages: &[_]| {
            testkit::eventually("the broker's confirms", MORE_PATIENCE, || async {
                broker.publish(messages).await.ok()
            })
            .await;
        };
        // before anybody listens, and the parcel before its order
        say(&[parcel.clone(), parcel.clone()]).await;

        let data = tempfile::tempdir().expect("a folder");
        let bootstrap = Bootstrap {
            messages: Messages::Broker(host.url.clone()),
            ..Bootstrap::alone(data.path().to_owned())
        };
        let outbox = data.path().join("outbox");
        let process = run(bootstrap, shutdown.clone());
        let watching = async {
            say(&[confirmed.clone(), placed, confirmed, parcel]).await;
            testkit::eventually("both mails", MORE_PATIENCE, || async {
                (told(&outbox) == expected).then_some(())
            })
            .await;
            testkit::eventually("empty queues", MORE_PATIENCE, || async {
                let queues = host.queues().await;
                // the queue and its dead letters
                let ours = queues.iter().filter(|queue| queue.name.starts_with("notifications.events"));
                (ours.filter(|queue| queue.messages == Some(0)).count() == 2).then_some(())
            })
            .await;
            assert_eq!(told(&outbox), expected, "one event, one mail");
            shutdown.cancel();
        };
        let (ended, ()) = tokio::join!(process, watching);
        ended.expect("drains");
    }
}
