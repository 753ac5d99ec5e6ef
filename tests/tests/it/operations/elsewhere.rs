//! A shop that is asked as one that nobody supervises: by its addresses, from where its data folder is not.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use contracts::orders::{Order, OrderStatus};
use contracts::types::Page;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use system_tests::ground::ground;
use system_tests::shop::{self, PATIENCE, Shop};
use testkit::eventually;
use tokio::process::Command;
use tradewind::topology::Part;

use super::{PROGRAM, json};

/// A shop, and how it is named to whoever does not have its folder.
struct Elsewhere {
    shop: Shop,
    named: Vec<String>,
    nowhere: tempfile::TempDir,
}

impl Elsewhere {
    async fn start() -> Self {
        let shop = Shop::start(PROGRAM, &[]).await;
        let addresses = shop.client.addresses();
        let token = shop.supervisor().folder.token_file().display().to_string();
        let mut named = vec![
            ("--gateway", addresses.gateway.clone()),
            ("--config-server", addresses.config_server.clone()),
            ("--observatory", addresses.observatory.clone().expect("an observatory of its own")),
            ("--operator-token-file", token),
        ];
        named.push(match addresses.registry.as_str() {
            "" => ("--modules", shop.inside("orders").await),
            registry => ("--registry", registry.to_owned()),
        });
        let named = named.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect();
        Self { shop, named, nowhere: tempfile::tempdir().expect("a folder") }
    }

    fn arguments<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let folder = ["--data", self.nowhere.path().to_str().expect("UTF-8")];
        command.iter().copied().chain(self.named.iter().map(String::as_str)).chain(folder).collect()
    }

    async fn run(&self, command: &[&str]) -> (i32, String, String) {
        shop::run(PROGRAM, &self.arguments(command)).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_knows_its_addresses_can_ask_it_everything() {
    let elsewhere = Elsewhere::start().await;
    let order = json(elsewhere.run(&["order", "--json"]).await);
    assert_eq!(order["result"], "confirmed", "{order:#}");
    let id = order["order_id"].as_str().expect("its id");
    let timeline = json(elsewhere.run(&["timeline", id, "--json"]).await);
    assert_eq!(timeline["entries"].as_array().map(Vec::len), Some(6), "{timeline:#}");
    let trace = json(elsewhere.run(&["trace", id, "--json", "--wait", "30"]).await);
    assert_eq!(trace["data"].as_array().map(Vec::len), Some(1), "{trace:#}");
    let stock = json(elsewhere.run(&["stock", "KIT-0001", "--json"]).await);
    assert!(stock["available"].is_u64(), "{stock:#}");
    let settings = json(elsewhere.run(&["config", "get", "orders", "--json"]).await);
    assert!(settings["values"].is_object(), "{settings:#}");
    let letters = json(elsewhere.run(&["dead-letters", "list", "--json"]).await);
    assert_eq!(letters.as_array().map(Vec::len), Some(5), "each consumer is asked: {letters:#}");
    it_shows_every_module(&elsewhere).await;
    its_wires_can_be_changed(&elsewhere).await;
    json(elsewhere.run(&["replay", "recommendations", "--json"]).await);
    let report = json(elsewhere.run(&["audit", "--json"]).await);
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(0), "{report:#}");
    elsewhere.shop.stop().await;
}

async fn it_shows_every_module(elsewhere: &Elsewhere) {
    let status = json(elsewhere.run(&["status", "--json"]).await);
    assert_eq!((&status["ready"], &status["pid"]), (&Value::from(true), &Value::Null), "{status:#}");
    let processes = status["processes"].as_array().expect("processes");
    for part in Part::all() {
        let hosts = |process: &&Value| {
            process["modules"]
                .as_array()
                .is_some_and(|modules| modules.iter().any(|name| name == part.name()))
        };
        let host = processes.iter().find(hosts).unwrap_or_else(|| panic!("nobody has {part}: {status:#}"));
        assert_eq!(host["state"], "ready", "{status:#}");
        assert_eq!(host["rss_kib"].is_u64(), cfg!(target_os = "linux"), "{status:#}");
    }
    assert!(status["messages"]["orders"]["published_total"].is_u64(), "{status:#}");
    assert_eq!(status["warnings"], Value::Array(Vec::new()), "{status:#}");
}

async fn its_wires_can_be_changed(elsewhere: &Elsewhere) {
    let wires = edges(&json(elsewhere.run(&["wires", "--json"]).await));
    assert!(!wires.is_empty());
    assert_eq!(wires, edges(&json(elsewhere.shop.run(&["wires", "--json"]).await)), "however it is asked");
    if !ground().topology.is_local(Part::Orders, Part::Inventory) {
        let set = json(elsewhere.run(&["wires", "set", "orders", "inventory", "grpc", "--json"]).await);
        assert_eq!(set["taken_over"], true, "{set:#}");
    }
}

/// Who calls whom, and how.
fn edges(wires: &Value) -> BTreeSet<String> {
    let edges = wires.as_array().expect("edges").iter();
    edges.map(|edge| ["caller", "callee", "wire"].map(|name| edge[name].to_string()).join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_stops_or_moves_what_nobody_supervises() {
    let elsewhere = Elsewhere::start().await;
    for command in
        [["down"].as_slice(), &["stop", "payments"], &["start", "payments"], &["move", "--to", "monolith"]]
    {
        let (code, _, err) = elsewhere.run(command).await;
        assert_eq!(code, 64, "{command:?}: {err}");
        for part in ["nobody supervises", "docker compose", "kubectl"] {
            assert!(err.contains(part), "{command:?}: {err}");
        }
    }
    assert!(elsewhere.shop.status().await.ready, "none of it had an effect");
    elsewhere.shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_where_nobody_answers_is_named() {
    // nothing listens on port 1
    let nobody = "http://127.0.0.1:1";
    let named =
        ["--gateway", nobody, "--registry", nobody, "--config-server", nobody, "--observatory", nobody];
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (command, expected) in [
        (["status"].as_slice(), 69),
        (&["wires"], 69),
        (&["order"], 1),
        (&["timeline", id], 1),
        (&["config", "get", "orders"], 1),
        (&["trace", "4bf92f3577b34da6a3ce929d0e0e4736"], 69),
        (&["audit"], 69),
    ] {
        let (code, out, err) = shop::run(PROGRAM, &[command, &named].concat()).await;
        assert_eq!(code, expected, "{command:?}: {out}{err}");
        assert!(!err.contains("tradewind up") && !out.contains("tradewind up"), "{command:?}: {out}{err}");
        assert!(err.contains("127.0.0.1:1") || out.contains("127.0.0.1:1"), "{command:?}: {out}{err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_tells_by_its_exit_code_whether_a_process_is_ready() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let address = shop.inside("orders").await;
    let (code, out, err) = shop::run(PROGRAM, &["probe", &format!("http://{address}/readyz")]).await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let (code, out, err) = shop::run(PROGRAM, &["probe", "--listen", &address]).await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let (code, _, err) = shop::run(PROGRAM, &["probe", &format!("http://{address}/nowhere")]).await;
    assert!(code == 1 && err.contains("404") && err.trim_end().lines().count() == 1, "{code}: {err}");
    shop.stop().await;
    let (code, _, err) = shop::run(PROGRAM, &["probe", "--listen", &address]).await;
    assert!(code == 1 && err.contains(&address) && err.trim_end().lines().count() == 1, "{code}: {err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_shopper_survives_a_gateway_that_dies_and_stops_when_it_is_told_to() {
    let elsewhere = Elsewhere::start().await;
    let shop = &elsewhere.shop;
    let shopper = Command::new(PROGRAM)
        .args(elsewhere.arguments(&["order", "--endless", "--pause", "20ms", "--json"]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the command starts");
    until_confirmed(shop, 1).await;
    let died = shop.kill("gateway").await;
    shop.back(&died).await;
    // a gateway that is ready may not have found the others yet
    let before = until_confirmed(shop, 1).await;
    until_confirmed(shop, before + 10).await;

    let pid = shopper.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).expect("it runs");
    kill_process(pid, Signal::TERM).expect("it can be told");
    let ended = tokio::time::timeout(PATIENCE, shopper.wait_with_output()).await.expect("it stops in time");
    let ended = ended.expect("its output");
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{}: {told}", ended.status);
    let last: Value = serde_json::from_str(told.lines().last().expect("a last line")).expect("JSON");
    assert!(last["in_all"]["confirmed"].as_u64() > Some(1), "{told}");
    assert!(last["in_all"]["failed"].is_object(), "{told}");
    shop.audit_clean(&[]).await;
    elsewhere.shop.stop().await;
}

/// Waits until so many of the shopper's orders are confirmed; how many are then.
async fn until_confirmed(shop: &Shop, wanted: usize) -> usize {
    eventually(&format!("{wanted} confirmed orders"), PATIENCE, async || {
        confirmed(shop).await.filter(|orders| *orders >= wanted)
    })
    .await
}

/// How many orders of the shopper's customers are confirmed; nothing where the shop does not say.
async fn confirmed(shop: &Shop) -> Option<usize> {
    let mut confirmed = 0;
    for customer in ["ada", "carl", "emmy", "sophie", "maria", "mary", "grace", "hertha"] {
        let url = shop.url(&format!("/api/orders?customer_id={customer}&limit=200"));
        let answer = shop.http.get(url).timeout(Duration::from_secs(5)).send().await.ok()?;
        let orders = answer.error_for_status().ok()?.json::<Page<Order>>().await.ok()?.items;
        confirmed += orders.iter().filter(|order| order.status == OrderStatus::Confirmed).count();
    }
    Some(confirmed)
}
