//! A whole shop of real processes, on free ports and in a folder of its own, that cannot outlive its
//! test: `up` ends its processes when it ends, and ends when this value is dropped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use chassis::config::protocol::DEFAULT_PROFILE;
use contracts::OrderId;
use contracts::inventory::StockLevel;
use contracts::orders::{Order, Timeline};
use contracts::payments::NetworkRecord;
use contracts::types::Page;
use parking_lot::Mutex;
use reqwest::{Response, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::eventually;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tradewind::audit::{self, Report};
use tradewind::cli::ShopArgs;
use tradewind::client;
use tradewind::commands::config::set_key;
use tradewind::topology::Part;
use tradewind::up::status::{ProcessStatus, ShopStatus, State};

use crate::ground::ground;

/// How long anything in a shop may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A running shop.
pub struct Shop {
    up: Child,
    program: PathBuf,
    data: PathBuf,
    complaints: Arc<Mutex<String>>,
    /// HTTP, without proxies and with a time-out.
    pub http: reqwest::Client,
    /// The shop as the commands see it.
    pub client: client::Shop,
    // removed after the processes are gone: fields drop in order
    _folder: Option<tempfile::TempDir>,
}

impl Shop {
    /// Starts a shop on the ground of this run, with `arguments` besides `--ports auto` and an emptied data folder;
    /// returns when it is ready. `program` is `env!("CARGO_BIN_EXE_tradewind-under-test")`.
    pub async fn start(program: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("shop");
        let shop = Self::start_on(program, &data, arguments).await;
        Self { _folder: Some(folder), ..shop }
    }

    /// Starts a shop on the ground of this run and a data folder that the caller keeps.
    pub async fn start_on(program: &str, data: &Path, arguments: &[&str]) -> Self {
        let said = ground().topology_arguments(arguments);
        let said: Vec<_> = said.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        Self::start_as_left(program, data, &said).await
    }

    /// Starts the shop on a data folder in whatever topology it was left.
    pub async fn start_as_left(program: &str, data: &Path, arguments: &[&str]) -> Self {
        let mut up = Command::new(program)
            .args(["up", "--ports", "auto", "--json", "--data"])
            .arg(data)
            .args(ground().store_arguments(data, arguments).await)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the command starts");
        let complaints = Arc::<Mutex<String>>::default();
        tokio::spawn(keep(BufReader::new(up.stderr.take().expect("its complaints")), complaints.clone()));
        let mut lines = BufReader::new(up.stdout.take().expect("its output")).lines();
        let first = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it gets ready in time");
        let first = first.expect("its output").unwrap_or_default();
        assert!(!first.is_empty(), "up ended before it was ready:\n{}\n{}", complaints.lock(), logs(data));
        // nobody needs the rest, but a full pipe would stop it
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let client = client::Shop::find(&ShopArgs::on(data.to_owned())).expect("the shop is found");
        let http =
            reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client");
        Self { up, program: program.into(), data: data.to_owned(), complaints, http, client, _folder: None }
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The number of the supervisor's process.
    pub fn pid(&self) -> u32 {
        self.up.id().expect("it runs")
    }

    /// What the supervisor has written to its standard error so far.
    pub fn complaints(&self) -> String {
        self.complaints.lock().clone()
    }

    /// Sends the supervisor a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, signal).expect("it can be signalled");
    }

    /// Waits for the supervisor's end.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        tokio::time::timeout(PATIENCE, self.up.wait()).await.expect("it ends in time").expect("its status")
    }

    /// What its supervisor can do, and knows.
    pub fn supervisor(&self) -> &client::Supervised {
        self.client.supervised().expect("`up` runs it")
    }

    /// A path at the gateway.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.client.addresses().gateway)
    }

    /// Starts one of its services beside the supervisor, on the same data, with a broker of its own choice;
    /// returns when the registry knows it. It ends when this value is dropped.
    pub async fn start_apart(&self, service: &str, broker: &str) -> Child {
        let up = self.client.addresses();
        let apart = Command::new(&self.program)
            .args(["run", service, "--listen", "127.0.0.1:0", "--instance", "apart"])
            .args(["--registry", &up.registry, "--config-server", &up.config_server])
            .arg("--data")
            .arg(&self.data)
            .args(ground().store_arguments(&self.data, &[]).await)
            .env("TRADEWIND_BROKER", broker)
            .env("TRADEWIND_PAYMENTS__CARD_NETWORK__URL", &up.card_network)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the command starts");
        let registry = self.client.registry().expect("the registry's address");
        eventually(&format!("{service} to register"), PATIENCE, async || {
            let live = registry.healthy(service, 0, Duration::ZERO).await.ok()?.value;
            live.iter().any(|instance| instance.id == format!("{service}-apart")).then_some(())
        })
        .await;
        apart
    }

    /// How it is doing.
    pub async fn status(&self) -> ShopStatus {
        self.client.status().await.expect("a status")
    }

    /// The name of the topology that it has.
    pub async fn topology(&self) -> String {
        self.status().await.topology.expect("its supervisor knows")
    }

    /// How the process called `name` is doing.
    pub async fn process(&self, name: &str) -> ProcessStatus {
        let status = self.status().await;
        let found = status.processes.into_iter().find(|process| process.name == name);
        found.unwrap_or_else(|| panic!("no process is called {name}"))
    }

    /// How the processes are doing that host the module called `name`, or the supporting server called so.
    pub async fn hosts(&self, name: &str) -> Vec<ProcessStatus> {
        if Part::named(name).is_none() {
            return vec![self.process(name).await];
        }
        let mut processes = self.status().await.processes;
        processes.retain(|process| process.modules.iter().any(|module| module == name));
        assert!(!processes.is_empty(), "nobody hosts {name}");
        processes
    }

    /// The first of [`Self::hosts`].
    pub async fn host(&self, name: &str) -> ProcessStatus {
        self.hosts(name).await.remove(0)
    }

    /// Ends, as `kill -9` does, every process that hosts the module called `name`, or the supporting server called
    /// so; how they were doing until then.
    pub async fn kill(&self, name: &str) -> Vec<ProcessStatus> {
        let hosts = self.hosts(name).await;
        hosts.iter().for_each(|host| signal(host, Signal::KILL));
        hosts
    }

    /// Waits until each of these processes was started again, and is ready.
    pub async fn back(&self, died: &[ProcessStatus]) {
        for process in died {
            eventually(&format!("{} to come back", process.name), PATIENCE, async || {
                let now = self.process(&process.name).await;
                (now.restarts > process.restarts && now.state == State::Ready).then_some(())
            })
            .await;
        }
    }

    /// Where the first process that hosts `module` answers HTTP and gRPC for those within the shop.
    pub async fn inside(&self, module: &str) -> String {
        self.host(module).await.http_address().expect("an address").to_owned()
    }

    /// Runs a command of `tradewind` on this shop; its exit code and what it printed.
    pub async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let data = self.data.to_str().expect("a path in UTF-8");
        run(&self.program, &[arguments, &["--data", data]].concat()).await
    }

    /// Begins a command of `tradewind` on this shop. It ends when this value is dropped.
    pub async fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--data").arg(&self.data);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.kill_on_drop(true).spawn().expect("the command starts")
    }

    /// Looks where everybody is, which changes when the shop moves.
    pub fn look_again(&mut self) {
        self.client = client::Shop::find(&ShopArgs::on(self.data.clone())).expect("the shop is found");
    }

    /// Places an order through the gateway.
    pub async fn place(&self, order: &Value, key: Option<&str>) -> reqwest::Result<Response> {
        let mut request = self.http.post(self.url("/api/orders")).json(order);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.send().await
    }

    /// Places an order that must be confirmed.
    pub async fn place_confirmed(&self, order: &Value) -> Order {
        let response = self.place(order, None).await.expect("an answer");
        let (status, text) = (response.status(), response.text().await.expect("a body"));
        assert_eq!(status, StatusCode::CREATED, "{text}");
        serde_json::from_str(&text).expect("an order")
    }

    /// An order as the gateway shows it.
    pub async fn order(&self, id: OrderId) -> Order {
        let response = self.http.get(self.url(&format!("/api/orders/{id}"))).send().await.expect("an answer");
        response.json().await.expect("an order")
    }

    /// An order's timeline as the gateway shows it.
    pub async fn timeline(&self, id: OrderId) -> Timeline {
        let path = format!("/api/orders/{id}/timeline");
        self.http.get(self.url(&path)).send().await.expect("an answer").json().await.expect("a timeline")
    }

    /// A customer's newest orders, where orders can be asked at this moment.
    pub async fn orders_of(&self, customer: &str) -> Option<Vec<Order>> {
        let path = self.url(&format!("/api/orders?customer_id={customer}"));
        let response = self.http.get(path).send().await.ok()?;
        Some(response.json::<Page<Order>>().await.ok()?.items)
    }

    /// How much of a product there is.
    pub async fn stock(&self, sku: &str) -> StockLevel {
        let response = self.http.get(self.url(&format!("/api/stock/{sku}"))).send().await;
        response.expect("an answer").json().await.expect("a level")
    }

    /// What the card network did for an order, by its own record.
    pub async fn charge(&self, id: OrderId) -> NetworkRecord {
        let url = format!("{}/holds/{id}", self.client.addresses().card_network);
        self.http.get(url).send().await.expect("an answer").json().await.expect("a record")
    }

    /// Changes a key of the configuration, whether or not anybody runs with it now; the version.
    pub async fn change(&self, application: &str, key: &str, value: impl Into<Value>) -> u64 {
        let admin = self.client.admin().expect("the operator's token");
        // a service that has just started publishes its schema, and what holds is another thing then
        let changed = set_key(&admin, application, DEFAULT_PROFILE, key, value.into()).await;
        changed.expect("the change is good").version
    }

    /// Changes a key of the configuration, and waits until every live instance runs with it.
    pub async fn configure(&self, application: &str, key: &str, value: impl Into<Value>) {
        let version = self.change(application, key, value).await;
        let admin = self.client.admin().expect("the operator's token");
        let applied = admin.applied(application, version, PATIENCE).await.expect("the instances");
        assert!(applied.behind.is_empty() && !applied.running.is_empty(), "{key}: {applied:?}");
    }

    /// Waits until an order has come to rest.
    pub async fn rest(&self, id: OrderId) -> Order {
        eventually(&format!("order {id} to come to rest"), PATIENCE, async || {
            let path = self.url(&format!("/api/orders/{id}"));
            let order: Order = self.http.get(path).send().await.ok()?.json().await.ok()?;
            order.rests().then_some(order)
        })
        .await
    }

    /// Audits the shop once every order rests.
    pub async fn audit(&self, acknowledged: &[OrderId]) -> Report {
        let ports = self.client.audit_ports().await.expect("who is where");
        audit::run(&ports, PATIENCE, acknowledged).await.expect("every module answers")
    }

    /// Audits the shop, which must be clean and at rest.
    pub async fn audit_clean(&self, acknowledged: &[OrderId]) -> Report {
        let report = self.audit(acknowledged).await;
        assert!(report.is_clean() && report.in_flight == 0, "{report:#?}\n{}", logs(&self.data));
        report
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(mut self) {
        self.supervisor().take_down().await.expect("it listens");
        let status = self.ended().await;
        assert!(status.success(), "{status}");
    }
}

/// Sends a process a signal.
pub fn signal(process: &ProcessStatus, signal: Signal) {
    let pid = process.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).expect("it runs");
    kill_process(pid, signal).expect("it can be signalled");
}

/// Runs a command to its end; its exit code and what it printed.
pub async fn run(program: impl AsRef<Path>, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends in time");
    let output = output.expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Whether a process has ended; one that only waits for its parent to notice has.
pub fn is_gone(pid: u32) -> bool {
    let running = i32::try_from(pid).ok().and_then(Pid::from_raw).map(rustix::process::test_kill_process);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // the state follows the name, which stands in brackets
    let waits = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']));
    waits || !matches!(running, Some(Ok(())))
}

/// Keeps what is read, and shows it to whoever watches the test.
async fn keep(reader: impl AsyncBufRead + Unpin, kept: Arc<Mutex<String>>) {
    let mut lines = reader.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{line}");
        let mut kept = kept.lock();
        kept.push_str(&line);
        kept.push('\n');
    }
}

/// An order of one product, paid for with `card`.
pub fn order_of(sku: &str, quantity: u32, card: &str) -> Value {
    json!({
        "customer_id": "ada",
        "lines": [{ "sku": sku, "quantity": quantity }],
        "card": card,
        "address": { "name": "Ada", "street": "Elm 1", "city": "Bonn", "postal_code": "53111", "country": "DE" },
    })
}

/// The last lines of every log, for the message of a test that fails.
fn logs(data: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(data.join("logs")).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        all.push_str(&format!("--- {}\n", entry.path().display()));
        for line in &lines[lines.len().saturating_sub(15)..] {
            all.push_str(line);
            all.push('\n');
        }
    }
    all
}
