//! `tradewind trace`: the trace of an order, drawn in the terminal.

use contracts::orders::Coordination;
use serde_json::Value;
use system_tests::shop::Shop;
use system_tests::trace::{Observatory, Trace, trace_of};
use uuid::Uuid;

use super::{PROGRAM, order_in, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_draws_what_became_of_an_order() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    for coordination in Coordination::ALL {
        let order = settled(&shop, &order_in(coordination, "tok_approve")).await;
        let id = trace_of(&shop, order.id).await;
        let mailed = |mails: usize| if mails < 2 { Err(format!("{mails} mails")) } else { Ok(()) };
        let arrived = |trace: &Trace| {
            trace.check_order()?;
            mailed(trace.named("notifications", "process notifications.events").count())
        };
        let trace = observatory.until(&id, arrived).await;
        for wanted in [order.id.to_string(), id] {
            let (code, drawn, complaint) = shop.run(&["trace", &wanted]).await;
            assert_eq!(code, 0, "{drawn}{complaint}");
            let said = format!("{} spans of {} services", trace.spans.len(), trace.services().len());
            assert!(drawn.contains(&said), "not {said}: {drawn}");
            // what is caused by messages lies so deep that its names are cut
            let calls = trace.without(|span| span.is_message() || span.is_statement());
            for call in calls.spans.iter().filter(|span| span.tags.contains_key("rpc.method")) {
                assert!(drawn.contains(&call.name), "no {}: {drawn}", call.name);
            }
            assert!(
                !drawn.contains("not found") && !drawn.contains('\u{1b}'),
                "colour is for terminals: {drawn}"
            );
        }
        let (code, told, complaint) = shop.run(&["trace", &order.id.to_string(), "--json"]).await;
        assert_eq!(code, 0, "{complaint}");
        serde_json::from_str::<Value>(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_says_what_failed() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let order = settled(&shop, &order_in(Coordination::Sync, "tok_decline")).await;
    let id = trace_of(&shop, order.id).await;
    Observatory::of(&shop).until(&id, Trace::check_shape).await;
    let (code, drawn, complaint) = shop.run(&["trace", &order.id.to_string()]).await;
    assert_eq!(code, 0, "{drawn}{complaint}");
    let failed = drawn.lines().any(|line| line.contains("payments.authorize") && line.contains('✗'));
    assert!(failed, "nobody sees what failed: {drawn}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_says_why_there_is_nothing_to_draw() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let unknown = Uuid::now_v7().to_string();
    for (wanted, says) in [(unknown.as_str(), unknown.as_str()), ("f00d", "f00d"), (&"ab".repeat(16), "abab")]
    {
        let (code, out, err) = shop.run(&["trace", wanted]).await;
        assert!(code != 0 && err.contains(says), "{wanted}: {code} {out}{err}");
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_observatory_the_command_says_where_to_look() {
    let shop = Shop::start(PROGRAM, &["--otlp", "none"]).await;
    let order = settled(&shop, &order_in(Coordination::Sync, "tok_approve")).await;
    assert_eq!(order.step, "confirmed");
    assert!(shop.status().await.processes.iter().all(|process| process.name != "observatory"));
    let (code, out, err) = shop.run(&["trace", &order.id.to_string()]).await;
    assert!(code != 0 && err.contains("--jaeger"), "{out}{err}");
    shop.stop().await;
}
