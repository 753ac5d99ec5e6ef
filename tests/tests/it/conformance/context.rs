//! The circumstances of a call arrive with it.

use std::time::{Duration, Instant};

use contracts::{Code, Context, Deadline, Effect, IdempotencyKey, TraceContext};

use super::cases;
use super::house::{CALLER, House, unhurried, ways};
use super::scripted::Script;

/// Contexts that differ in everything that a context has.
fn contexts() -> Vec<Context> {
    let trace = |sampled, state: Option<&str>| TraceContext {
        trace_id: u128::MAX - 1,
        span_id: 1,
        sampled,
        state: state.map(str::to_owned),
    };
    let key = |text: &str| Some(IdempotencyKey::parse(text).expect("a key"));
    let context = |idempotency_key, trace| Context { idempotency_key, trace, ..unhurried() };
    vec![
        context(None, trace(true, None)),
        context(key("k-1"), trace(false, Some("vendor=a:b@c,other=1"))),
        context(key("\"quoted\""), trace(true, Some("x=y"))),
        context(key("\""), trace(true, None)),
        context(key(&"!~\\,;=%".repeat(18)), trace(true, None)),
        context(None, trace(true, None)).with_baggage("tenant=7;of=shops,user=ada"),
    ]
}

#[tokio::test]
async fn caller_key_trace_and_baggage_arrive() {
    for way in ways().await {
        let house = House::over(way).await;
        for case in cases::one_each() {
            house.callee.play(Script::Reply(case.reply.clone()));
            for sent in contexts() {
                let result = case.call(&house.clients, sent.clone()).await;
                result.unwrap_or_else(|error| panic!("{} over {way}: {error}", case.operation));
                let arrived = house.callee.take_seen().remove(0).context;
                let how = format!("{} over {way}", case.operation);
                assert_eq!(arrived.caller, CALLER, "{how}");
                assert_eq!(arrived.idempotency_key, sent.idempotency_key, "{how}");
                assert_eq!(arrived.baggage, sent.baggage, "{how}");
                // the callee has a span of its own, in the same process too
                assert_ne!(arrived.trace.span_id, sent.trace.span_id, "{how}");
                assert_eq!(TraceContext { span_id: 1, ..arrived.trace }, sent.trace, "{how}");
            }
        }
    }
}

/// Every wire carries milliseconds.
const ROUNDING: Duration = Duration::from_millis(5);

#[tokio::test]
async fn the_callee_has_no_more_time_than_the_caller_and_than_the_operation_allows() {
    for way in ways().await {
        let house = House::over(way).await;
        for case in cases::one_each() {
            house.callee.play(Script::Reply(case.reply.clone()));
            for budget in [Duration::from_millis(1500), Deadline::LONGEST] {
                let begun = Instant::now();
                let context = unhurried().with_deadline(Deadline::after(budget));
                let result = case.call(&house.clients, context).await;
                result.unwrap_or_else(|error| panic!("{} over {way}: {error}", case.operation));
                let left = house.callee.take_seen().remove(0).left;
                let most = budget.min(case.operation.deadline);
                assert!(left <= most, "{} over {way}: {left:?} left of {most:?}", case.operation);
                // what is lost on the way is the time that it took, and rounding
                let accounted = left + begun.elapsed() + ROUNDING;
                assert!(accounted > most, "{} over {way}: {left:?} left of {most:?}", case.operation);
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_called_once_the_deadline_has_passed() {
    for way in ways().await {
        let house = House::over(way).await;
        for case in cases::one_each() {
            house.callee.play(Script::Reply(case.reply.clone()));
            let context = unhurried().with_deadline(Deadline::after(Duration::ZERO));
            let error = case.call(&house.clients, context).await.err();
            let error = error.unwrap_or_else(|| panic!("{} over {way} succeeded", case.operation));
            assert_eq!(error.code(), Some(Code::DeadlineExceeded), "{} over {way}", case.operation);
            assert_eq!(error.effect(), Effect::None, "{} over {way}", case.operation);
        }
        assert_eq!(house.callee.count(), 0, "calls that arrived over {way}");
    }
}
