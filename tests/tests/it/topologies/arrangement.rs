//! What stands where, as `status`, `wires` and `topology show` tell it; and a shop that starts again.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use system_tests::ground::ground;
use system_tests::shop::{Shop, order_of};
use tradewind::topology::{Part, Topology, Way, usual_wire};
use wires::WireKind;

use super::PROGRAM;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_is_told_what_stands_where() {
    let shop = Shop::start(PROGRAM, &[]).await;
    modules_are_where_they_belong(&shop).await;
    edges_take_the_way_of_the_topology(&shop).await;
    it_is_drawn(&shop).await;
    shop.stop().await;
}

async fn modules_are_where_they_belong(shop: &Shop) {
    let topology = &ground().topology;
    let status = shop.status().await;
    assert_eq!(status.topology.as_ref(), Some(&topology.name));
    let told = status.processes.iter().filter(|process| !process.modules.is_empty());
    let told: BTreeMap<_, _> = told.map(|process| (process.name.as_str(), process.modules.clone())).collect();
    let mut wanted = BTreeMap::new();
    for name in ground().processes() {
        let spec = topology.processes.iter().find(|spec| {
            let rest = name.strip_prefix(&spec.name).map(|rest| rest.trim_start_matches('-'));
            rest.is_some_and(|rest| rest.is_empty() || rest.parse::<u16>().is_ok())
        });
        let modules =
            spec.map(|spec| spec.modules.iter().map(|part| part.name().to_owned()).collect::<Vec<_>>());
        wanted.extend(modules.map(|modules| (name, modules)));
    }
    let wanted: BTreeMap<_, _> =
        wanted.iter().map(|(name, modules)| (name.as_str(), modules.clone())).collect();
    assert_eq!(told, wanted);

    // for people, too
    let (code, text, _) = shop.run(&["status"]).await;
    assert_eq!(code, 0, "{text}");
    for part in Part::all() {
        assert!(text.contains(part.name()), "{part} is nowhere: {text}");
    }
    assert!(text.contains(&topology.name), "{text}");
}

async fn edges_take_the_way_of_the_topology(shop: &Shop) {
    let (code, told, complaint) = shop.run(&["wires", "--json"]).await;
    assert_eq!(code, 0, "{complaint}");
    let edges: Vec<Value> = serde_json::from_str(&told).expect("a list");
    for callee in [Part::Catalog, Part::Inventory, Part::Payments, Part::Shipping] {
        let Way::Over(wire) = ground().topology.way(Part::Orders, callee, usual_wire) else {
            panic!("orders is no gateway");
        };
        let of_edge = |edge: &&Value| edge["caller"] == "orders" && edge["callee"] == callee.name();
        let wires: Vec<_> = edges.iter().filter(of_edge).map(|edge| edge["wire"].clone()).collect();
        assert_eq!(wires, vec![json!(wire.to_string()); ground().instances(Part::Orders).len()], "{callee}");
    }
}

async fn it_is_drawn(shop: &Shop) {
    let (code, told, complaint) = shop.run(&["topology", "show", "--json"]).await;
    assert_eq!(code, 0, "{complaint}");
    // the wires of a running shop are those of all its calls, whatever its file names
    let mut wanted = Topology { wires: BTreeMap::new(), ..ground().topology.clone() };
    for edge in ground().topology.edges(usual_wire) {
        match edge.way {
            Way::Over(WireKind::Local) | Way::Public => {}
            Way::Over(wire) => drop(wanted.wires.entry(edge.caller).or_default().insert(edge.callee, wire)),
        }
    }
    assert_eq!(serde_json::from_str::<Topology>(&told).expect("a topology"), wanted);
    let (code, drawn, complaint) = shop.run(&["topology", "show"]).await;
    assert_eq!(code, 0, "{complaint}");
    for process in &ground().topology.processes {
        assert!(drawn.contains(&process.name), "no {}: {drawn}", process.name);
        for part in &process.modules {
            assert!(drawn.contains(part.name()), "no {part}: {drawn}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_starts_again_is_arranged_as_it_was_and_finds_its_orders() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let shop = Shop::start_on(PROGRAM, &data, &[]).await;
    let order = shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    shop.stop().await;

    let shop = Shop::start_as_left(PROGRAM, &data, &[]).await;
    modules_are_where_they_belong(&shop).await;
    assert_eq!(shop.order(order.id).await, order);
    let again = shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    shop.audit_clean(&[order.id, again.id]).await;
    shop.stop().await;
}
