//! What nobody declares on purpose, and a broker must outlive.

use lapin::options::QueueBindOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use crate::client::{durable, get, number, publish, table, text};
use crate::embedded::{Embedded, folder};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_queues_that_put_their_dead_letters_into_each_other_come_to_rest() {
    let home = folder();
    let broker = Embedded::on(home.path().join("broker"), |_| ());
    let connection =
        Connection::connect(&broker.url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(Default::default()).await.expect("confirms");
    for (queue, other) in [("one", "other"), ("other", "one")] {
        let arguments = table([
            ("x-max-length", number(1)),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(other)),
        ]);
        channel.queue_declare(queue.into(), durable(), arguments).await.expect("a queue");
    }
    for round in 0..50 {
        for queue in ["one", "other"] {
            let properties = BasicProperties::default().with_delivery_mode(2);
            publish(&channel, "", queue, &round.to_string(), properties).await;
        }
    }
    for queue in ["one", "other"] {
        assert!(get(&channel, queue).await.is_some() && get(&channel, queue).await.is_none(), "{queue}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_of_every_kind_are_there_after_a_restart() {
    let home = folder();
    let on = home.path().join("broker");
    let mut deep = FieldTable::default();
    for _ in 0..60 {
        deep = table([("inner", AMQPValue::FieldTable(deep))]);
    }
    let arguments = table([
        ("x-nothing", AMQPValue::Double(f64::NAN)),
        ("x-much", AMQPValue::Double(f64::INFINITY)),
        ("x-deep", AMQPValue::FieldTable(deep)),
    ]);
    let broker = Embedded::on(on.clone(), |_| ());
    let connection =
        Connection::connect(&broker.url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    channel.queue_declare("odd".into(), durable(), arguments.clone()).await.expect("a queue");
    let (options, exchange) = (QueueBindOptions::default(), "amq.headers");
    channel.queue_bind("odd".into(), exchange.into(), "".into(), options, arguments).await.expect("bound");
    broker.kill().await;
    for _ in 0..2 {
        let broker = Embedded::on(on.clone(), |_| ());
        assert_eq!(broker.broker.status().queues.len(), 1);
        broker.stop().await;
    }
}
