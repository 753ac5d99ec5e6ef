//! Requests: the operation is the message's type, the context is in its headers under the names that REST
//! has for it, the request is its body, as JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue};
use contracts::{Context, Operation, Problem, TraceContext};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use crate::http::{headers, read_context, write_context};
use crate::messaging::broker::{given_trace, integer, short, text};

/// The header with the moment after which nobody waits any more, in milliseconds since 1970. Beside it
/// stands the time that was left when the request was sent. The callee goes by the shorter of the two: time
/// left alone would not count the time in queues. The moment trusts two clocks to agree: a callee whose clock
/// is ahead of its caller's has that much less time, and refuses everything where it is ahead by more than a
/// call may take. One whose clock is behind has the time that was left, queues not counted.
pub const DEADLINE: &str = "tradewind-deadline-ms";

/// Where replies go that are to find the channel which the request was published on.
pub const DIRECT_REPLY: &str = "amq.rabbitmq.reply-to";

/// The type of the bodies.
pub const JSON: &str = "application/json";

/// The properties of a request.
pub fn properties(operation: &Operation, context: &Context, correlation: &str) -> BasicProperties {
    let left = context.deadline.left();
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let mut plain = HeaderMap::new();
    write_context(context, &mut plain);
    let mut table = FieldTable::default();
    for (name, value) in &plain {
        table.insert(short(name.as_str()), AMQPValue::LongString(value.as_bytes().into()));
    }
    table.insert(DEADLINE.into(), AMQPValue::LongLongInt(millis(since_1970() + left)));
    BasicProperties::default()
        .with_type(short(&operation.to_string()))
        .with_content_type(JSON.into())
        .with_correlation_id(short(correlation))
        .with_reply_to(DIRECT_REPLY.into())
        // a queue drops it when nobody waits for it any more; 0 would drop it at once
        .with_expiration(short(&millis(left).max(1).to_string()))
        .with_headers(table)
}

/// The circumstances of a request for `operation`, or why it cannot be answered: its time is up, or its
/// headers make no sense.
pub(super) fn context(properties: &BasicProperties, operation: &Operation) -> Result<Context, Problem> {
    let none = FieldTable::default();
    let given = properties.headers().as_ref().unwrap_or(&none).inner();
    let mut plain = HeaderMap::new();
    for name in [
        headers::TIMEOUT,
        headers::CALLER,
        headers::IDEMPOTENCY_KEY,
        headers::TRACEPARENT,
        headers::TRACESTATE,
        headers::BAGGAGE,
    ] {
        if let Some(value) = given.get(name.as_str()) {
            let value = text(value).and_then(|value| HeaderValue::from_str(&value).ok());
            let value = value.ok_or_else(|| Problem::invalid_field(name.as_str(), "must be plain text"))?;
            plain.insert(name, value);
        }
    }
    let longest = match given.get(DEADLINE) {
        None => operation.deadline,
        Some(value) => {
            let moment = integer(value).and_then(|millis| u64::try_from(millis).ok());
            let moment = moment.ok_or_else(|| {
                Problem::invalid_field(DEADLINE, "must be a whole number of milliseconds since 1970")
            })?;
            Duration::from_millis(moment).saturating_sub(since_1970()).min(operation.deadline)
        }
    };
    read_context(&plain, longest)
}

/// Where a request comes from in its trace; nothing where it does not say.
pub(super) fn parent(properties: &BasicProperties) -> Option<TraceContext> {
    given_trace(properties.headers().as_ref()?)
}

/// The address to which a request is to be answered, with its mark; nothing where nobody waits for an
/// answer. Only direct replies are answered: any other address is a queue that belongs to somebody else.
pub(super) fn reply_to(properties: &BasicProperties) -> Option<(ShortString, ShortString)> {
    let address = properties.reply_to().as_ref()?;
    let correlation = properties.correlation_id().as_ref()?;
    address.as_str().starts_with(DIRECT_REPLY).then(|| (address.clone(), correlation.clone()))
}

fn since_1970() -> Duration {
    // a clock before 1970 counts as 1970
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use contracts::inventory::STOCK;
    use contracts::{Code, Deadline, IdempotencyKey};

    use super::*;

    fn asked() -> Context {
        Context::background("orders", Duration::from_millis(1500))
            .with_key(IdempotencyKey::parse("\"k\"").expect("a key"))
            .with_baggage("tenant=7")
    }

    /// A request with one header replaced, or taken out.
    fn with(name: &str, value: Option<AMQPValue>) -> BasicProperties {
        let sent = properties(&STOCK, &asked(), "7");
        let mut table = sent.headers().clone().expect("headers").inner().clone();
        table.remove(name);
        if let Some(value) = value {
            table.insert(name.into(), value);
        }
        sent.with_headers(table.into())
    }

    #[test]
    fn a_context_arrives_as_it_was_sent() {
        let sent = asked();
        let properties = properties(&STOCK, &sent, "7");
        assert_eq!(parent(&properties), Some(sent.trace.clone()));
        let arrived = context(&properties, &STOCK).expect("reads");
        assert_eq!(arrived.caller, "orders");
        assert_eq!(arrived.idempotency_key, sent.idempotency_key);
        assert_eq!(arrived.baggage, sent.baggage);
        assert_eq!(arrived.trace, sent.trace);
        assert!(arrived.deadline.left() <= Duration::from_millis(1500));
        assert!(arrived.deadline.left() > Duration::from_millis(500));
    }

    #[test]
    fn time_in_queues_counts() {
        let past = i64::try_from(since_1970().as_millis()).expect("this century") - 1;
        let late = with(DEADLINE, Some(AMQPValue::LongLongInt(past)));
        let refused = context(&late, &STOCK).expect_err("nobody waits any more");
        assert_eq!(refused.code, Code::DeadlineExceeded);
    }

    #[test]
    fn no_caller_has_more_time_than_the_operation_allows() {
        for name in [DEADLINE, "tradewind-timeout-ms"] {
            let endless = Context::background("orders", Deadline::LONGEST);
            let arrived = context(&properties(&STOCK, &endless, "7"), &STOCK).expect("reads");
            assert!(arrived.deadline.left() <= STOCK.deadline, "{name}");
            assert!(context(&with(name, None), &STOCK).is_ok(), "{name} may be missing");
            assert!(context(&with(name, Some(i64::MAX.into())), &STOCK).is_ok(), "{name}");
        }
    }

    #[test]
    fn headers_that_make_no_sense_are_refused_by_name() {
        for (name, value) in [
            (DEADLINE, AMQPValue::LongString("soon".into())),
            (DEADLINE, AMQPValue::LongLongInt(-1)),
            ("tradewind-timeout-ms", AMQPValue::LongString("soon".into())),
            ("tradewind-caller", AMQPValue::FieldTable(FieldTable::default())),
            ("idempotency-key", AMQPValue::LongString("\u{1}".into())),
            ("tracestate", AMQPValue::LongString(vec![0xff, 0xfe].into())),
        ] {
            let refused = context(&with(name, Some(value.clone())), &STOCK).expect_err(name);
            assert_eq!(refused.code, Code::InvalidRequest, "{name}: {value:?}");
            assert!(refused.faults[0].field.eq_ignore_ascii_case(name), "{refused:?}");
        }
    }

    #[test]
    fn a_request_without_headers_is_one_of_a_stranger_with_the_usual_time() {
        let arrived = context(&BasicProperties::default(), &STOCK).expect("reads");
        assert_eq!(arrived.caller, "unknown");
        assert!(arrived.deadline.left() <= STOCK.deadline);
    }

    #[test]
    fn only_direct_replies_are_answered() {
        let sent = properties(&STOCK, &asked(), "7");
        assert!(reply_to(&sent).is_some());
        assert!(reply_to(&sent.with_reply_to("orders.commands".into())).is_none());
        assert!(reply_to(&BasicProperties::default().with_reply_to(DIRECT_REPLY.into())).is_none());
        assert!(reply_to(&BasicProperties::default()).is_none());
    }
}
