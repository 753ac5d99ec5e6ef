//! The connection: publishing, consuming, and what may befall it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::messaging::broker::{Broker, PublishError};
use contracts::messages::queues::COMMANDS as COMMANDS_EXCHANGE;
use contracts::messages::{Address, Outgoing};
use testkit::{BrokerKind, Proxy, broker_servers, brokers, eventually};
use tokio::time::Instant;

use super::bench::{Bench, COMMANDS, SOON, Script, as_sent, command, commands, event, message};
use super::ground::grounds;

#[tokio::test]
async fn a_message_arrives_as_it_was_sent() {
    for ground in grounds().await {
        let handler = Script::done();
        ground.consume(COMMANDS, &handler);
        let sent = command(7);
        ground.publish(std::slice::from_ref(&sent)).await;

        let seen = handler.saw(1).await;
        assert_eq!(as_sent(&seen[0], &sent), sent.message);
        assert_eq!((seen[0].attempt, seen[0].queue), (1, COMMANDS.name));
        let context = seen[0].context("inventory");
        assert_eq!(context.trace.trace_id, sent.message.trace.trace_id);
        assert_ne!(context.trace.span_id, sent.message.trace.span_id);
        ground.holds(COMMANDS.name, 0).await;
    }
}

#[tokio::test]
async fn a_batch_is_larger_than_what_is_in_flight_and_keeps_its_order() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        bench.broker.publish(&commands(0..1_500)).await.expect("confirmed");
        let channel = bench.broker.channel().await.expect("a channel");
        for number in 0..1_500 {
            let options = lapin::options::BasicGetOptions { no_ack: true };
            let got = channel.basic_get(COMMANDS.name.into(), options).await.expect("an answer");
            let body: serde_json::Value =
                serde_json::from_slice(&got.expect("a message").data).expect("JSON");
            assert_eq!(body["number"], number);
        }
    }
}

#[tokio::test]
async fn what_no_queue_takes_is_returned_by_name_and_the_rest_arrives() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let nowhere = Address { exchange: COMMANDS_EXCHANGE.to_owned(), key: "nobody.commands".to_owned() };
        let lost = Outgoing { to: nowhere, message: message(2) };
        let error =
            bench.broker.publish(&[command(1), lost.clone(), command(3)]).await.expect_err("returned");
        assert!(
            matches!(&error, PublishError::Returned(text) if text.contains(&lost.message.id.to_string())),
            "{error}"
        );
        bench.broker.publish(&[command(4)]).await.expect("the channel goes on");
        bench.holds(COMMANDS.name, 3).await;
        // the log takes every event, so no event is ever returned
        bench.broker.publish(&[event(5)]).await.expect("confirmed");
    }
}

#[tokio::test]
async fn concurrent_callers_learn_of_their_own_messages_only() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let nowhere = Address { exchange: COMMANDS_EXCHANGE.to_owned(), key: "nobody.commands".to_owned() };
        let calls = (0..40).map(|number| {
            let (broker, nowhere) = (bench.broker.clone(), nowhere.clone());
            tokio::spawn(async move {
                let mut message = command(number);
                if number % 2 == 0 {
                    message.to = nowhere;
                }
                (message.clone(), broker.publish(&[message]).await)
            })
        });
        for call in calls.collect::<Vec<_>>() {
            let (sent, published) = call.await.expect("no panic");
            match published {
                Ok(()) => assert_eq!(sent.message.sequence % 2, 1),
                Err(error) => {
                    assert_eq!(sent.message.sequence % 2, 0, "{error}");
                    assert!(error.to_string().contains(&sent.message.id.to_string()), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_an_operator_closes_comes_back() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let handler = Script::done();
        bench.consume(COMMANDS, &handler);
        let link = bench.broker.link().await.expect("a connection");
        eventually("the operator to see the connection", SOON, async || {
            (bench.host.close_connections().await > 0).then_some(())
        })
        .await;
        tokio::time::timeout(SOON, link.lost()).await.expect("the loss is seen");
        bench.publish_surely(&[command(1)]).await;
        handler.saw(1).await;
    }
}

/// RabbitMQ 3.10 notes only every five seconds which Raft servers it has. Killed before it has noted that of
/// its streams, which is started with the very first of them, it never brings any stream back, and answers
/// that `events.log` is "down or inaccessible" until somebody deletes it. There is no state to wait for.
const STREAMS_ARE_SAFE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn what_the_broker_confirmed_survives_its_kill_and_is_consumed() {
    for server in broker_servers().await {
        let host = server.host().await;
        let url = host.url.clone();
        let bench = Arc::new(Bench::at(host, &url));
        bench.connected().await;
        all_that_is_confirmed_is_consumed(&bench, async || {
            if server.kind() == BrokerKind::RabbitMq {
                // messages flow meanwhile
                tokio::time::sleep(STREAMS_ARE_SAFE).await;
            }
            server.kill().await;
            // callers are not left waiting
            assert!(matches!(bench.broker.publish(&[command(0)]).await, Err(PublishError::Away(_))));
            server.restart().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_partition_is_noticed_and_survived() {
    for host in brokers().await {
        let (proxy, url) = behind_proxy(&host.url).await;
        let bench = Arc::new(Bench::at(host, &url));
        bench.connected().await;
        let link = bench.broker.link().await.expect("a connection");
        all_that_is_confirmed_is_consumed(&bench, async || {
            proxy.stall().await;
            let began = Instant::now();
            link.lost().await;
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
            assert!(bench.broker.check().is_err());
            proxy.pass().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_cut_is_survived_and_a_handshake_into_silence_given_up() {
    for host in brokers().await {
        let (proxy, url) = behind_proxy(&host.url).await;
        proxy.stall().await;
        let bench = Arc::new(Bench::at(host, &url));
        eventually("the silence to be noticed", SOON, async || {
            bench.broker.check().err().filter(|why| why.contains("did not answer"))
        })
        .await;
        proxy.pass().await;
        bench.connected().await;
        all_that_is_confirmed_is_consumed(&bench, async || {
            proxy.cut().await;
            eventually("the cut to be noticed", SOON, async || bench.broker.check().err()).await;
            proxy.pass().await;
        })
        .await;
    }
}

#[tokio::test]
async fn after_shutdown_the_broker_is_let_go() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        bench.stop.cancel();
        eventually("the handle to let go", SOON, async || bench.broker.check().err()).await;
        assert!(matches!(bench.broker.publish(&[command(1)]).await, Err(PublishError::Away(_))));
        assert!(bench.broker.next_link().await.is_none());
    }
}

/// Publishes and consumes numbers, lets `befall` happen in the middle, and checks that nothing is missing.
async fn all_that_is_confirmed_is_consumed(bench: &Arc<Bench>, befall: impl AsyncFnOnce()) {
    let handler = Script::done();
    bench.consume(COMMANDS, &handler);
    let over = Arc::new(AtomicBool::new(false));
    let publishing = tokio::spawn({
        let (bench, over) = (bench.clone(), over.clone());
        async move {
            let mut confirmed = 0;
            // goes on for a while after all is well again
            let mut rest = 10;
            while rest > 0 {
                bench.publish_surely(&commands(confirmed..confirmed + 10)).await;
                confirmed += 10;
                rest -= u64::from(over.load(Ordering::SeqCst));
            }
            confirmed
        }
    });
    handler.saw(100).await;
    befall().await;
    over.store(true, Ordering::SeqCst);
    let confirmed = publishing.await.expect("no panic");
    eventually(&format!("all {confirmed} messages"), Duration::from_secs(60), async || {
        (handler.numbers().len() as u64 == confirmed).then_some(())
    })
    .await;
    bench.holds(COMMANDS.name, 0).await;
}

/// A proxy before the server at `url`, and the address by which the server is reached through it.
pub async fn behind_proxy(url: &str) -> (Proxy, String) {
    let url = reqwest::Url::parse(url).expect("an address");
    let server = (url.host_str().expect("a host").to_owned(), url.port().unwrap_or(5672));
    let server = tokio::net::lookup_host(server).await.expect("an address").next().expect("an address");
    let proxy = Proxy::to(server).await;
    let through = format!("amqp://guest:guest@{}{}", proxy.address(), url.path());
    (proxy, through)
}

#[tokio::test]
async fn a_malformed_address_is_refused_at_once() {
    let stop = tokio_util::sync::CancellationToken::new();
    for url in ["localhost:5672", "http://localhost", "amqps://localhost", ""] {
        assert!(Broker::connect(url, "test", stop.clone()).is_err(), "{url}");
    }
}
