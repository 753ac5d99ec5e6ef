//! The wires between services, switched while orders are placed. Modules of one process have no wire to switch.

use serde_json::Value;
use system_tests::ground::ground;
use system_tests::load::{Answer, Load};
use system_tests::shop::{PATIENCE, Shop};
use testkit::eventually;
use tradewind::topology::Part;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wire_is_switched_under_load_and_no_order_fails() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let load = Load::start(&shop, &["tok_approve"]);
    for callee in [Part::Catalog, Part::Inventory, Part::Payments, Part::Shipping] {
        if ground().topology.is_local(Part::Orders, callee) {
            stays_in_the_process(&shop, callee.name()).await;
        } else {
            is_switched(&shop, callee.name()).await;
        }
    }
    load.confirms(20).await;
    let told = load.stop().await;
    let answers = &told.answers;
    let failed: Vec<_> = answers.iter().filter(|answer| !matches!(answer, Answer::Confirmed(_))).collect();
    assert!(failed.is_empty() && answers.len() > 20, "{} of {}: {failed:?}", failed.len(), answers.len());
    let report = shop.audit_clean(&told.orders()).await;
    assert_eq!(report.orders.confirmed, answers.len());
    shop.stop().await;
}

async fn is_switched(shop: &Shop, callee: &str) {
    for _ in 0..ROUNDS {
        for wire in ["grpc", "amqp", "rest"] {
            let (code, out, err) = shop.run(&["wires", "set", "orders", callee, wire]).await;
            assert_eq!(code, 0, "{out}{err}");
            let (_, before) = edge(shop, callee, wire).await;
            eventually(&format!("calls to {callee} over {wire}"), PATIENCE, async || {
                let (now, calls) = edge(shop, callee, wire).await;
                assert_eq!(now, wire, "the edge to {callee}");
                (calls > before).then_some(())
            })
            .await;
        }
    }
}

/// The edge to a module of the same process is called directly, and nobody can choose otherwise.
async fn stays_in_the_process(shop: &Shop, callee: &str) {
    for wire in ["grpc", "amqp", "rest"] {
        let (code, out, err) = shop.run(&["wires", "set", "orders", callee, wire]).await;
        assert!(code == 64 && err.contains("orders") && err.contains(callee), "{code}: {out}{err}");
        assert!(err.contains("one process") && err.contains("tradewind move"), "what to do instead: {err}");
    }
    let (_, before) = edge(shop, callee, "local").await;
    eventually(&format!("calls to {callee} in the process"), PATIENCE, async || {
        let (now, calls) = edge(shop, callee, "local").await;
        assert_eq!(now, "local", "the edge to {callee}");
        (calls > before).then_some(())
    })
    .await;
    for wire in ["grpc", "amqp", "rest"] {
        assert_eq!(edge(shop, callee, wire).await.1, 0, "{wire} to {callee}");
    }
}

/// The wire of the edge from orders to `callee`, on which every instance agrees, and how many calls have gone over
/// `wire` so far.
async fn edge(shop: &Shop, callee: &str, wire: &str) -> (String, u64) {
    let (code, out, err) = shop.run(&["wires", "--json"]).await;
    assert_eq!(code, 0, "{err}");
    let edges: Vec<Value> = serde_json::from_str(&out).expect("a list");
    let of_orders = |edge: &&Value| edge["caller"] == "orders" && edge["callee"] == callee;
    let edges: Vec<_> = edges.iter().filter(of_orders).collect();
    assert_eq!(edges.len(), ground().instances(Part::Orders).len(), "edges to {callee}: {out}");
    let calls =
        edges.iter().map(|edge| edge["calls"][wire].as_u64().unwrap_or_else(|| panic!("no {wire}: {out}")));
    let taken = edges[0]["wire"].as_str().unwrap_or_default();
    assert!(edges.iter().all(|edge| edge["wire"] == taken), "they do not agree: {out}");
    (taken.to_owned(), calls.sum())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wire_that_makes_no_sense_is_refused_and_changes_nothing() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let (before, _) = edge(&shop, "inventory", "rest").await;
    for arguments in
        [["orders", "inventory", "pigeon"], ["orders", "registry", "grpc"], ["nobody", "inventory", "grpc"]]
    {
        let [origin, target, wire] = arguments;
        let (code, out, err) = shop.run(&["wires", "set", origin, target, wire]).await;
        assert_ne!(code, 0, "{out}");
        assert!(!err.is_empty(), "{arguments:?} without a reason");
    }
    assert_eq!(edge(&shop, "inventory", "rest").await.0, before);
    shop.stop().await;
}
