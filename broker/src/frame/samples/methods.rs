//! Every method of AMQP 0-9-1.

use amq_protocol::{
    protocol::{AMQPClass, access, basic, channel, confirm, connection, exchange, queue, tx},
    types::{FieldTable, ShortString},
};

/// Every method there is; those with a table have `arguments` in it.
pub(crate) fn methods(arguments: &FieldTable) -> Vec<AMQPClass> {
    let arguments = || arguments.clone();
    let name = || ShortString::from("orders.placed");
    let connection = {
        use connection::AMQPMethod::*;
        [
            Start(connection::Start {
                version_major: 0,
                version_minor: 9,
                server_properties: arguments(),
                mechanisms: "PLAIN".into(),
                locales: "en_US".into(),
            }),
            StartOk(connection::StartOk {
                client_properties: arguments(),
                mechanism: "PLAIN".into(),
                response: "\0guest\0guest".into(),
                locale: "en_US".into(),
            }),
            Secure(connection::Secure { challenge: "?".into() }),
            SecureOk(connection::SecureOk { response: "!".into() }),
            Tune(connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 }),
            TuneOk(connection::TuneOk { channel_max: 2047, frame_max: 131_072, heartbeat: 60 }),
            Open(connection::Open { virtual_host: "/".into() }),
            OpenOk(connection::OpenOk {}),
            Close(connection::Close {
                reply_code: 320,
                reply_text: "CONNECTION_FORCED".into(),
                class_id: 60,
                method_id: 40,
            }),
            CloseOk(connection::CloseOk {}),
            Blocked(connection::Blocked { reason: "low on memory".into() }),
            Unblocked(connection::Unblocked {}),
            UpdateSecret(connection::UpdateSecret { new_secret: "s".into(), reason: "r".into() }),
            UpdateSecretOk(connection::UpdateSecretOk {}),
        ]
        .map(AMQPClass::Connection)
    };
    let channel = {
        use channel::AMQPMethod::*;
        [
            Open(channel::Open {}),
            OpenOk(channel::OpenOk {}),
            Flow(channel::Flow { active: true }),
            FlowOk(channel::FlowOk { active: true }),
            Close(channel::Close {
                reply_code: 404,
                reply_text: "NOT_FOUND".into(),
                class_id: 60,
                method_id: 40,
            }),
            CloseOk(channel::CloseOk {}),
        ]
        .map(AMQPClass::Channel)
    };
    let access = {
        use access::AMQPMethod::*;
        [
            Request(access::Request { realm: "/".into(), passive: true, write: true, ..Default::default() }),
            RequestOk(access::RequestOk {}),
        ]
        .map(AMQPClass::Access)
    };
    let exchange = {
        use exchange::AMQPMethod::*;
        [
            Declare(exchange::Declare {
                exchange: name(),
                kind: "topic".into(),
                durable: true,
                arguments: arguments(),
                ..Default::default()
            }),
            DeclareOk(exchange::DeclareOk {}),
            Delete(exchange::Delete { exchange: name(), if_unused: true, nowait: false }),
            DeleteOk(exchange::DeleteOk {}),
            Bind(exchange::Bind {
                destination: name(),
                source: name(),
                routing_key: name(),
                nowait: true,
                arguments: arguments(),
            }),
            BindOk(exchange::BindOk {}),
            Unbind(exchange::Unbind {
                destination: name(),
                source: name(),
                routing_key: name(),
                nowait: true,
                arguments: arguments(),
            }),
            UnbindOk(exchange::UnbindOk {}),
        ]
        .map(AMQPClass::Exchange)
    };
    let queue = {
        use queue::AMQPMethod::*;
        [
            Declare(queue::Declare {
                queue: name(),
                durable: true,
                arguments: arguments(),
                ..Default::default()
            }),
            DeclareOk(queue::DeclareOk { queue: name(), message_count: 1, consumer_count: 2 }),
            Bind(queue::Bind {
                queue: name(),
                exchange: name(),
                routing_key: name(),
                nowait: true,
                arguments: arguments(),
            }),
            BindOk(queue::BindOk {}),
            Purge(queue::Purge { queue: name(), nowait: true }),
            PurgeOk(queue::PurgeOk { message_count: 3 }),
            Delete(queue::Delete { queue: name(), if_unused: true, if_empty: false, nowait: true }),
            DeleteOk(queue::DeleteOk { message_count: 3 }),
            Unbind(queue::Unbind {
                queue: name(),
                exchange: name(),
                routing_key: name(),
                arguments: arguments(),
            }),
            UnbindOk(queue::UnbindOk {}),
        ]
        .map(AMQPClass::Queue)
    };
    let basic = {
        use basic::AMQPMethod::*;
        [
            Qos(basic::Qos { prefetch_count: 64, global: true }),
            QosOk(basic::QosOk {}),
            Consume(basic::Consume {
                queue: name(),
                consumer_tag: name(),
                no_ack: true,
                arguments: arguments(),
                ..Default::default()
            }),
            ConsumeOk(basic::ConsumeOk { consumer_tag: name() }),
            Cancel(basic::Cancel { consumer_tag: name(), nowait: true }),
            CancelOk(basic::CancelOk { consumer_tag: name() }),
            Publish(basic::Publish {
                exchange: name(),
                routing_key: name(),
                mandatory: true,
                immediate: false,
            }),
            Return(basic::Return {
                reply_code: 312,
                reply_text: "NO_ROUTE".into(),
                exchange: name(),
                routing_key: name(),
            }),
            Deliver(basic::Deliver {
                consumer_tag: name(),
                delivery_tag: 7,
                redelivered: true,
                exchange: name(),
                routing_key: name(),
            }),
            Get(basic::Get { queue: name(), no_ack: true }),
            GetOk(basic::GetOk {
                delivery_tag: 7,
                redelivered: true,
                exchange: name(),
                routing_key: name(),
                message_count: 3,
            }),
            GetEmpty(basic::GetEmpty {}),
            Ack(basic::Ack { delivery_tag: 7, multiple: true }),
            Reject(basic::Reject { delivery_tag: 7, requeue: true }),
            RecoverAsync(basic::RecoverAsync { requeue: true }),
            Recover(basic::Recover { requeue: true }),
            RecoverOk(basic::RecoverOk {}),
            Nack(basic::Nack { delivery_tag: 7, multiple: false, requeue: true }),
        ]
        .map(AMQPClass::Basic)
    };
    let tx = {
        use tx::AMQPMethod::*;
        [
            Select(tx::Select {}),
            SelectOk(tx::SelectOk {}),
            Commit(tx::Commit {}),
            CommitOk(tx::CommitOk {}),
            Rollback(tx::Rollback {}),
            RollbackOk(tx::RollbackOk {}),
        ]
        .map(AMQPClass::Tx)
    };
    let confirm = {
        use confirm::AMQPMethod::*;
        [Select(confirm::Select { nowait: true }), SelectOk(confirm::SelectOk {})].map(AMQPClass::Confirm)
    };
    [&connection[..], &channel, &access, &exchange, &queue, &basic, &tx, &confirm].concat()
}
