//! What is recorded and what is logged, changed while the shop runs.

use std::collections::BTreeSet;

use serde_json::Value;
use system_tests::shop::{PATIENCE, Shop, order_of};
use system_tests::trace::{Observatory, trace_of};
use testkit::eventually;

use super::{PROGRAM, is_complete, is_whole, placed_within, recorded, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_share_of_orders_that_is_recorded_changes_while_the_shop_runs() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    let order = order_of("KIT-0001", 1, "tok_approve");

    let before = trace_of(&shop, settled(&shop, &order).await.id).await;
    observatory.until(&before, is_whole).await;
    set(&shop, "telemetry.sample_ratio", "0").await;
    let mut unrecorded = Vec::new();
    for _ in 0..5 {
        unrecorded.push(trace_of(&shop, settled(&shop, &order).await.id).await);
    }
    // whoever asks for a trace of their own gets it
    let theirs = recorded();
    placed_within(&shop, &theirs.traceparent(), &order).await;
    observatory.until(&theirs.trace_id_hex(), is_complete).await;

    set(&shop, "telemetry.sample_ratio", "1").await;
    let after = trace_of(&shop, settled(&shop, &order).await.id).await;
    observatory.until(&after, is_whole).await;
    // every process sends its spans in the order in which they ended: those of before would be here by now
    for id in unrecorded {
        let found = observatory.trace(&id).await;
        assert!(found.is_none(), "{id}:\n{}", found.map(|trace| trace.picture()).unwrap_or_default());
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_that_makes_no_sense_is_refused() {
    let shop = Shop::start(PROGRAM, &[]).await;
    for (key, value) in
        [("telemetry.sample_ratio", "1.5"), ("telemetry.sample_ratio", "-1"), ("telemetry.log", "[7]")]
    {
        let (code, out, err) = shop.run(&["config", "set", "application", key, value]).await;
        assert!(code != 0 && err.contains(key), "{key} = {value}: {out}{err}");
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_levels_change_while_the_shop_runs_and_lines_tell_the_span_that_they_belong_to() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    let order = order_of("KIT-0001", 1, "tok_approve");

    let quiet = trace_of(&shop, settled(&shop, &order).await.id).await;
    let lines = lines_of(&shop, &quiet).await;
    assert!(!lines.iter().any(|line| level(line) == "DEBUG"), "{lines:#?}");

    set(&shop, "telemetry.log", "info,chassis=debug,wires=debug").await;
    let loud = trace_of(&shop, settled(&shop, &order).await.id).await;
    eventually("debug lines of that order", PATIENCE, async || {
        lines_of(&shop, &loud).await.iter().any(|line| level(line) == "DEBUG").then_some(())
    })
    .await;
    let trace = observatory.until(&loud, is_whole).await;
    let spans: BTreeSet<&str> = trace.spans.iter().map(|span| span.id.as_str()).collect();
    for line in lines_of(&shop, &loud).await {
        let span = line["span"]["span_id"].as_str().unwrap_or_else(|| panic!("no span: {line}"));
        assert!(spans.contains(span), "{span} is no span of {loud}: {line}");
    }
    let events = trace.spans.iter().flat_map(|span| &span.events);
    let said = events.filter_map(|event| event.get("event")?.as_str()).collect::<Vec<_>>();
    assert!(
        said.iter().any(|said| said.contains("is confirmed")),
        "what is logged is in the trace, too: {said:#?}"
    );

    set(&shop, "telemetry.log", "info").await;
    let quiet = trace_of(&shop, settled(&shop, &order).await.id).await;
    let lines = lines_of(&shop, &quiet).await;
    assert!(!lines.iter().any(|line| level(line) == "DEBUG"), "{lines:#?}");
    shop.stop().await;
}

/// Changes what all services share, which every instance runs with from then on.
async fn set(shop: &Shop, key: &str, value: &str) {
    let (code, out, err) = shop.run(&["config", "set", "application", key, value]).await;
    assert_eq!(code, 0, "{out}{err}");
}

/// What the host of orders has logged about a trace, once the last step of its order stands there.
async fn lines_of(shop: &Shop, trace: &str) -> Vec<Value> {
    let log = shop.data().join("logs").join(format!("{}.log", shop.host("orders").await.name));
    eventually("the last step of the order in the log", PATIENCE, async || {
        let text = std::fs::read_to_string(&log).expect("a log");
        // the last line may be half written
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("no JSON, {error}: {line}"))
        });
        let lines: Vec<Value> = lines.filter(|line| line["span"]["trace_id"] == trace).collect();
        lines.iter().any(|line| message(line).contains("is confirmed")).then_some(lines)
    })
    .await
}

fn level(line: &Value) -> &str {
    line["level"].as_str().unwrap_or_default()
}

fn message(line: &Value) -> &str {
    line["message"].as_str().unwrap_or_default()
}
