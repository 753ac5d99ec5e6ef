//! A config server with folders of its own, and a service's sections.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chassis::config::{AdminClient, Builder, Configuration, Live, Section, Source};
use chassis::store::StoreUrl;
use config_server::{Config, ConfigServer};
use contracts::Fault;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// No state takes longer to come about.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How often a server looks for what changed, and one that does so when it starts and never again.
const ATTENTIVE: Duration = Duration::from_millis(20);
const INATTENTIVE: Duration = Duration::from_secs(24 * 60 * 60);

pub const TOKEN: &str = "open sesame";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Saga {
    /// How long a lease holds.
    #[schemars(range(min = 1, max = 60000))]
    pub lease_ms: u64,
    pub coordination: Coordination,
    #[schemars(extend("x-reload" = "restart"))]
    pub workers: u32,
    pub hosts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Coordination {
    Sync,
    Orchestrated,
}

impl Default for Saga {
    fn default() -> Self {
        Self { lease_ms: 5000, coordination: Coordination::Sync, workers: 4, hosts: vec!["a".into()] }
    }
}

impl Section for Saga {
    const NAME: &'static str = "saga";

    fn check(&self) -> Vec<Fault> {
        if self.workers > 100 {
            return vec![Fault { field: "workers".into(), message: "at most 100".into() }];
        }
        Vec::new()
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub level: String,
    pub sink_password: Option<String>,
}

impl Section for Log {
    const NAME: &'static str = "log";
}

/// A server on a port of its own, with its folders.
pub struct TestServer {
    pub files: tempfile::TempDir,
    pub data: tempfile::TempDir,
    pub address: SocketAddr,
    pub http: Client,
    database: Option<StoreUrl>,
    poll: Duration,
    running: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
}

impl TestServer {
    pub async fn start(files: &[(&str, &str)]) -> Self {
        Self::start_on(None, files, ATTENTIVE).await
    }

    /// A server on a database that others may use, too.
    pub async fn replica_on(database: &StoreUrl, files: &[(&str, &str)]) -> Self {
        Self::start_on(Some(database.clone()), files, ATTENTIVE).await
    }

    /// The same, but it looks for what changed only when it is asked.
    pub async fn inattentive_replica_on(database: &StoreUrl, files: &[(&str, &str)]) -> Self {
        Self::start_on(Some(database.clone()), files, INATTENTIVE).await
    }

    async fn start_on(database: Option<StoreUrl>, files: &[(&str, &str)], poll: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self {
            files: folder,
            data: tempfile::tempdir().expect("a folder"),
            address: ([127, 0, 0, 1], 0).into(),
            http: Client::builder().no_proxy().build().expect("a client"),
            database,
            poll,
            running: None,
        };
        for (name, text) in files {
            server.write(name, text);
        }
        server.resume().await;
        server
    }

    /// Starts the server (again), at the address that it had.
    pub async fn resume(&mut self) {
        let config = Config {
            token: Some(TOKEN.into()),
            poll: self.poll,
            database: self.database.clone(),
            ..Config::new(self.files.path(), self.data.path())
        };
        let server = ConfigServer::open(config).await.expect("the server opens");
        let listener = TcpListener::bind(self.address).await.expect("a port");
        self.address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let task = tokio::spawn(async move {
            let http =
                axum::serve(listener, server.router()).with_graceful_shutdown(stop.clone().cancelled_owned());
            let (served, ()) = tokio::join!(async { http.await }, server.run(stop));
            served.expect("serves");
        });
        self.running = Some((shutdown, task));
    }

    /// Stops the server; its folders and its address stay.
    pub async fn stop(&mut self) {
        if let Some((shutdown, task)) = self.running.take() {
            shutdown.cancel();
            tokio::time::timeout(DEADLINE, task).await.expect("it stops in time").expect("without a panic");
        }
    }

    /// Writes a file in one step, as a careful editor does.
    pub fn write(&self, name: &str, text: &str) {
        let draft = self.files.path().join("draft");
        std::fs::write(&draft, text).expect("written");
        std::fs::rename(draft, self.files.path().join(name)).expect("renamed");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("an answer")
    }

    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.expect("JSON")
    }

    pub async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.expect("text")
    }

    pub fn admin(&self) -> AdminClient {
        AdminClient::new(&self.url(""), Some(TOKEN.into())).expect("a client").acting_as("ada")
    }

    /// Sets a key of `orders`, whatever held before.
    pub async fn set(&self, key: &str, value: impl Into<Value>) -> u64 {
        let admin = self.admin();
        let (_, etag) = admin.effective("orders", "default").await.expect("is served");
        admin.set("orders", "default", key, value.into(), &etag).await.expect("is accepted").version
    }

    /// A source whose instance is called `orders-1`, with these environment variables.
    pub fn source(&self, data_dir: &Path, environment: &[(&str, &str)]) -> Source {
        let environment: BTreeMap<String, String> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Source {
            environment: Arc::new(environment),
            patience: Duration::from_millis(300),
            head_start: Duration::from_millis(100),
            ..Source::new(self.url(""), "orders-1", data_dir)
        }
    }

    /// Loads the sections of `orders`, and waits until the server knows of the instance.
    pub async fn service(&self, environment: &[(&str, &str)]) -> Service {
        let data = tempfile::tempdir().expect("a folder");
        let service = Service::start(self.source(data.path(), environment), data).await;
        self.instance_runs(service.configuration.report().version).await;
        service
    }

    /// Says what an instance of `application` says, with this schema.
    pub async fn publish(&self, application: &str, schema: &Value) -> Response {
        let report = serde_json::json!({
            "profile": "default", "schema": schema, "overrides": {},
            "version": null, "pending_restart": [], "refused": null,
        });
        let path = format!("/api/applications/{application}/instances/one");
        self.request(Method::PUT, &path).json(&report).send().await.expect("an answer")
    }

    /// Waits until the one instance says that it runs with `version`.
    pub async fn instance_runs(&self, version: u64) {
        let admin = self.admin();
        testkit::eventually("the instance to run with the version", DEADLINE, || async {
            let instances = admin.instances("orders").await.expect("an answer");
            instances.iter().any(|instance| instance.version == Some(version)).then_some(())
        })
        .await;
    }
}

/// A service that is running.
pub struct Service {
    pub configuration: Configuration,
    pub saga: Live<Saga>,
    _stop: tokio_util::sync::DropGuard,
    _data: tempfile::TempDir,
}

impl Service {
    /// Loads the sections of `orders` from a source with this data folder.
    pub async fn start(source: Source, data: tempfile::TempDir) -> Self {
        let configuration = orders().load(&source).await.expect("loads");
        let saga = configuration.section();
        Self { configuration, saga, _stop: source.shutdown.drop_guard(), _data: data }
    }
}

/// The sections of the application `orders`.
pub fn orders() -> Builder {
    Configuration::builder("orders").section::<Saga>().section::<Log>()
}

/// The code of a problem, after a look at its shape.
pub async fn problem(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["status"], status.as_u16());
    (status, body)
}
