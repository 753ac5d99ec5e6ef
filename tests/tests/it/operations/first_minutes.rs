//! From `up` to the first confirmed order, by every way in.

use std::process::Stdio;

use contracts::grpc::Proto;
use contracts::grpc::pb::orders as pb;
use contracts::grpc::pb::orders::orders_client::OrdersClient;
use contracts::orders::{Order, OrderStatus, PlaceOrder};
use serde_json::Value;
use system_tests::ground::ground;
use system_tests::shop::{self, PATIENCE, Shop, order_of};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::{PROGRAM, json};

/// The road of an order that ends well: what happened, and where it led.
const ROAD: [(&str, &str); 6] = [
    ("placed", "reserving"),
    ("stock_reserved", "authorizing"),
    ("payment_authorized", "scheduling"),
    ("shipment_scheduled", "committing"),
    ("stock_committed", "capturing"),
    ("payment_captured", "confirmed"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_up_prints_leads_a_newcomer_to_a_confirmed_order() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let mut up = Command::new(PROGRAM)
        .args(["up", "--ports", "auto", "--data"])
        .arg(&data)
        .args(ground().topology_arguments(&[]))
        .args(ground().store_arguments(&data, &[]).await)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .expect("the command starts");
    let mut lines = BufReader::new(up.stdout.take().expect("its output")).lines();
    let mut banner = Vec::new();
    while !banner.last().is_some_and(|line: &String| line.starts_with("Stop")) {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it gets ready in time");
        banner.push(line.expect("its output").expect("the whole banner"));
    }
    let processes = ground().processes().len() - 1;
    assert!(banner[0].starts_with(&format!("Tradewind is ready: {processes} processes in ")), "{banner:#?}");
    let topology = &ground().topology;
    for (place, is_there) in [
        ("  shop ", true),
        ("  registry ", topology.has_registry()),
        ("  config server ", true),
        ("  card network ", true),
        ("  broker ", topology.has_broker()),
        ("  traces ", true),
    ] {
        let line = banner.iter().find(|line| line.starts_with(place));
        assert_eq!(line.is_some(), is_there, "{place}: {banner:#?}");
        let Some(line) = line else { continue };
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
        assert!(reqwest::get(url).await.is_ok(), "nobody answers at {url}");
    }

    let curl =
        banner.iter().find(|line| line.trim_start().starts_with("curl ")).expect("a first order to try");
    let answer = Command::new("sh").args(["-c", curl]).output().await.expect("a shell");
    if answer.status.code() == Some(127) {
        eprintln!("SKIPPED the printed curl: curl is not on this machine");
    } else {
        let order: Order = serde_json::from_slice(&answer.stdout).unwrap_or_else(|error| {
            panic!("{error}: {curl} gave {:?}", String::from_utf8_lossy(&answer.stdout))
        });
        assert_eq!(order.status, OrderStatus::Confirmed);
    }

    // the commands that it prints work as they stand, too
    let status = banner.iter().find(|line| line.starts_with("Status")).expect("how to see its status");
    let command = status.split('`').nth(1).expect("a command to copy");
    let shown = Command::new("sh").args(["-c", command]).output().await.expect("a shell");
    assert!(shown.status.success() && String::from_utf8_lossy(&shown.stdout).starts_with("ready, "));
    let (code, out, err) = shop::run(PROGRAM, &["down", "--data", data.to_str().expect("UTF-8")]).await;
    assert_eq!((code, out.trim()), (0, "stopped"), "{err}");
    let ended = tokio::time::timeout(PATIENCE, up.wait()).await.expect("it ends").expect("its status");
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_confirmed_by_command_and_over_grpc_and_its_timeline_shows_each_step() {
    let shop = Shop::start(PROGRAM, &[]).await;

    let told = json(shop.run(&["order", "--json"]).await);
    assert_eq!((&told["confirmed"], &told["result"]), (&Value::from(true), &Value::from("confirmed")));
    let id = told["order_id"].as_str().expect("its id");
    let timeline = json(shop.run(&["timeline", id, "--json"]).await);
    let entries = timeline["entries"].as_array().expect("entries");
    let road: Vec<_> = entries.iter().map(|entry| (word(entry, "cause"), word(entry, "to"))).collect();
    assert_eq!(road, ROAD, "{timeline:#}");
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry["version"], at + 1);
        assert_eq!(entry["direction"], "forward");
        assert_eq!(entry["trace_id"], entries[0]["trace_id"], "one order is one trace: {timeline:#}");
        assert_eq!(word(entry, "trace_id").len(), 32);
    }
    let (code, out, _) = shop.run(&["order", "--card", "tok_decline", "--json"]).await;
    assert_eq!(code, 1, "an order that is not confirmed is a failure: {out}");

    let mut orders = OrdersClient::connect(shop.client.addresses().gateway.clone()).await.expect("a channel");
    let request: PlaceOrder =
        serde_json::from_value(order_of("KIT-0002", 2, "tok_approve")).expect("an order");
    let placed = orders.place(request.into_message()).await.expect("it is confirmed").into_inner();
    let placed = Order::from_message(placed).expect("an order");
    assert_eq!((placed.status, placed.step.as_str()), (OrderStatus::Confirmed, "confirmed"));
    let asked =
        orders.order(pb::OrderRequest { order_id: placed.id.to_string() }).await.expect("it is there");
    assert_eq!(Order::from_message(asked.into_inner()).expect("an order"), placed);
    assert_eq!(shop.order(placed.id).await, placed, "REST and gRPC tell the same");

    shop.audit_clean(&[placed.id]).await;
    let (code, out, _) = shop.run(&["audit"]).await;
    assert!(code == 0 && out.contains("clean"), "{out}");
    drop(orders);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_lists_every_process_with_its_pid_address_memory_and_restarts() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let status = json(shop.run(&["status", "--json"]).await);
    assert_eq!(status["ready"], true, "{status:#}");
    let processes = status["processes"].as_array().expect("processes");
    let mut names: Vec<_> = processes.iter().map(|process| word(process, "name")).collect();
    names.sort_unstable();
    let mut wanted = ground().processes();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    let mut pids: Vec<_> = processes.iter().map(|process| process["pid"].as_u64().expect("a pid")).collect();
    for process in processes {
        // the broker speaks AMQP at its address
        let address = process["http"].as_str().unwrap_or_else(|| word(process, "address"));
        let live = shop.http.get(format!("http://{address}/livez")).send().await.expect("it answers");
        assert!(live.status().is_success(), "{process:#}");
        assert_eq!((&process["state"], &process["restarts"]), (&Value::from("ready"), &Value::from(0)));
        if cfg!(target_os = "linux") {
            assert!(process["pss_kib"].as_u64().is_some_and(|pss| pss > 0), "{process:#}");
        }
    }
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), wanted.len(), "each is a process of its own");
    let sum: Option<u64> = processes.iter().map(|process| process["pss_kib"].as_u64()).sum();
    assert_eq!(status["totals"]["pss_kib"].as_u64(), sum);
    shop.stop().await;
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value:#}"))
}
