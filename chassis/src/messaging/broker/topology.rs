//! Declares the table of exchanges, queues and bindings at the broker. What stands there already, and
//! as the table says, stays as it is.

use contracts::messages::Queue;
use contracts::messages::queues::{COMMANDS, DEAD_LETTERS, DELIVERY_LIMIT, EVENT_LOG, EVENTS, QUEUES};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

/// Declares all of it.
pub(super) async fn declare(channel: &Channel) -> lapin::Result<()> {
    for (exchange, kind) in [
        (EVENTS, ExchangeKind::Topic),
        (COMMANDS, ExchangeKind::Direct),
        (DEAD_LETTERS, ExchangeKind::Direct),
    ] {
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        channel.exchange_declare(exchange.into(), kind, options, FieldTable::default()).await?;
    }
    declare_queue(channel, EVENT_LOG, table(&[("x-queue-type", "stream".into())])).await?;
    bind(channel, EVENT_LOG, EVENTS, "#").await?;
    for queue in QUEUES {
        // the place for dead letters first: a queue never has to drop one for want of it
        let aside = queue.dead_letters();
        declare_queue(channel, &aside, table(&[("x-queue-type", "classic".into())])).await?;
        bind(channel, &aside, DEAD_LETTERS, queue.name).await?;
        declare_queue(channel, queue.name, arguments(queue)).await?;
        for key in queue.keys {
            bind(channel, queue.name, queue.exchange, key).await?;
        }
    }
    Ok(())
}

fn arguments(queue: &Queue) -> FieldTable {
    let mut arguments = table(&[
        ("x-queue-type", "quorum".into()),
        ("x-dead-letter-exchange", DEAD_LETTERS.into()),
        ("x-dead-letter-routing-key", queue.name.into()),
        // a message leaves the queue when the dead letter queue has confirmed it, which asks for an
        // overflow that refuses rather than drops
        ("x-dead-letter-strategy", "at-least-once".into()),
        ("x-overflow", "reject-publish".into()),
    ]);
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(i64::from(DELIVERY_LIMIT)));
    arguments
}

fn table(entries: &[(&str, String)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert((*name).into(), AMQPValue::LongString(value.as_str().into()));
    }
    table
}

async fn declare_queue(channel: &Channel, name: &str, arguments: FieldTable) -> lapin::Result<()> {
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> lapin::Result<()> {
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, arguments).await
}
