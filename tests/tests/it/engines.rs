//! The whole shop on the engines that replace the embedded ones: a real Consul as its registry, a real
//! PostgreSQL under every service.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use system_tests::ground::{Need, ground};
use system_tests::load::{Load, tally};
use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::{Database, Engine, databases, engines_hidden, eventually, free_port, require_or_skip};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
const SERVICES: [&str; 8] =
    ["catalog", "inventory", "payments", "shipping", "orders", "notifications", "recommendations", "gateway"];
/// Those that keep a database, by the prefix of their tables.
const MODULES: [&str; 7] =
    ["catalog", "inventory", "payments", "shipping", "orders", "notifications", "recommendations"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_consul_and_a_postgres_database_a_module_survives_the_death_of_payments() {
    if !ground().offers(&[Need::Registry]) {
        return;
    }
    let (Some(consul), Some(database)) = (Consul::start().await, postgres().await) else { return };
    let store = format!("{}_{{module}}", database.url);
    let shop = Shop::start(PROGRAM, &["--registry", &consul.url, "--store", &store]).await;
    let status = shop.status().await;
    let names: Vec<_> = status.processes.iter().map(|process| process.name.as_str()).collect();
    assert!(!names.contains(&"registry"), "the embedded one stays out of it: {names:?}");
    consul.shows(&shop).await;
    no_files_of_sqlite(&shop);

    survives_the_death_of_payments(&shop).await;
    consul.shows(&shop).await;
    shop.stop().await;
    eventually("Consul to forget a shop that said goodbye", PATIENCE, async || {
        let services = consul.get("/v1/agent/services").await;
        SERVICES.iter().all(|name| !services.to_string().contains(&format!("\"{name}\""))).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_whose_modules_share_one_postgres_database_survives_the_death_of_payments() {
    let Some(database) = postgres().await else { return };
    let shop = Shop::start(PROGRAM, &["--store", &database.url]).await;
    no_files_of_sqlite(&shop);
    survives_the_death_of_payments(&shop).await;
    shop.stop().await;
}

/// Customers order without pause while payments dies and comes back; afterwards the books agree.
async fn survives_the_death_of_payments(shop: &Shop) {
    let load = Load::start(shop, &["tok_approve"]);
    load.confirms(10).await;
    let killed = shop.kill("payments").await;
    shop.back(&killed).await;
    load.confirms(10).await;
    let told = load.stop().await;
    let acknowledged = told.orders();
    for id in &acknowledged {
        shop.rest(*id).await;
    }
    let last = shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    let report = shop.audit_clean(&[acknowledged.as_slice(), &[last.id]].concat()).await;
    assert!(report.orders.confirmed > 20, "{report:#?} after {:?}", tally(&told.answers));
}

/// Whatever the shop keeps must be in the database that it was given.
fn no_files_of_sqlite(shop: &Shop) {
    for module in MODULES {
        let file = shop.data().join("db").join(format!("{module}.db"));
        assert!(!file.exists(), "{module} keeps {} all the same", file.display());
    }
}

async fn postgres() -> Option<Database> {
    databases().await.into_iter().find(|database| database.name == "postgres")
}

/// A Consul of this test's own.
struct Consul {
    url: String,
    http: reqwest::Client,
    _engine: Engine,
}

impl Consul {
    /// Starts one, where there is one on this machine.
    async fn start() -> Option<Self> {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let found: Option<PathBuf> =
            std::env::split_paths(&search).map(|folder| folder.join("consul")).find(|file| file.is_file());
        let Some(program) = found.filter(|_| !engines_hidden()) else {
            require_or_skip("Consul", "consul");
            return None;
        };
        let script = r#"
            "$PROGRAM" agent -dev -bind=127.0.0.1 -node=tradewind -dns-port=-1 -grpc-port=-1 -serf-wan-port=-1 \
                -http-port="$HTTP" -server-port="$SERVER" -serf-lan-port="$SERF" >/dev/null 2>&1 </dev/null &
            pid=$!"#;
        let ports: [String; 3] = std::array::from_fn(|_| free_port().to_string());
        let program = program.display().to_string();
        let [http, server, serf] = &ports;
        let variables = [("PROGRAM", program.as_str()), ("HTTP", http), ("SERVER", server), ("SERF", serf)];
        let engine = Engine::start(script, None, &variables).expect("a shell");
        let url = format!("http://127.0.0.1:{http}");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let consul = Self { url, http: client, _engine: engine };
        eventually("Consul to be ready", PATIENCE, async || {
            let nodes = consul.http.get(format!("{}/v1/catalog/nodes", consul.url)).send().await.ok()?;
            nodes.text().await.ok()?.contains("tradewind").then_some(())
        })
        .await;
        Some(consul)
    }

    /// What Consul's own API says, asked as anybody would.
    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.expect("Consul answers");
        answer.json().await.expect("JSON")
    }

    /// Every service is registered and passing, at each address at which it really is.
    async fn shows(&self, shop: &Shop) {
        for service in SERVICES {
            eventually(&format!("Consul to show {service} where it is"), PATIENCE, async || {
                let entries = self.get(&format!("/v1/health/service/{service}?passing")).await;
                let entries = entries.as_array().expect("a list").iter().map(|entry| &entry["Service"]);
                let shown = entries.map(|entry| {
                    let (host, port) = (entry["Address"].as_str()?, entry["Port"].as_u64()?);
                    Some(format!("{host}:{port}"))
                });
                let hosts = shop.hosts(service).await;
                let hosts = hosts.iter().map(|host| host.http_address().map(str::to_owned));
                (shown.collect::<BTreeSet<_>>() == hosts.collect()).then_some(())
            })
            .await;
        }
    }
}
