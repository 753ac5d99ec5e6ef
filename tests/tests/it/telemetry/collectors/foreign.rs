//! Rotel takes the shop's spans; the observatory takes what OpenTelemetry for Python sends.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;

use contracts::orders::Coordination;
use serde_json::json;
use system_tests::shop::{PATIENCE, Shop};
use system_tests::trace::{Kind, Observatory, Trace, trace_of};
use testkit::{eventually, free_port, lasting_port};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::telemetry::python::Python;
use crate::telemetry::{PROGRAM, order_in, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_collector_takes_every_span_of_an_order() {
    let Some(python) = Python::or_skip().await else { return };
    let rotel = Rotel::start(&python).await;
    let shop = Shop::start(PROGRAM, &["--otlp", &rotel.url]).await;
    let order = settled(&shop, &order_in(Coordination::Choreographed, "tok_approve")).await;
    let id = trace_of(&shop, order.id).await;
    for (service, kind, name) in [
        ("gateway", "SERVER", "POST /api/orders"),
        ("gateway", "CLIENT", "POST"),
        ("orders", "SERVER", "orders.place"),
        ("orders", "CLIENT", "catalog.products"),
        ("catalog", "SERVER", "catalog.products"),
        ("inventory", "CONSUMER", "process inventory.events"),
        ("payments", "CONSUMER", "process payments.events"),
        ("card-network", "SERVER", "PUT /holds/{key}"),
        ("shipping", "CONSUMER", "process shipping.events"),
        ("notifications", "CONSUMER", "process notifications.events"),
    ] {
        let wanted = [service, &id, kind, name].map(str::to_owned);
        eventually(&format!("rotel to be told of {wanted:?}"), PATIENCE, async || {
            rotel.spans().contains(&wanted).then_some(())
        })
        .await;
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_observatory_takes_what_other_people_send() {
    let Some(python) = Python::or_skip().await else { return };
    let port = free_port().to_string();
    let shop = Shop::start(PROGRAM, &["--otlp-http-port", &port]).await;
    let observatory = Observatory::of(&shop);
    let http = format!("http://127.0.0.1:{port}");
    for (protocol, url) in [("grpc", &observatory.otlp), ("http", &http)] {
        let id = python.run("another_shop.py", &[protocol, url]).await;
        let trace = observatory.until(&id, is_as_it_was_sent).await;
        arrived_as_it_was_sent(&trace, &id);
    }
    let services = observatory.ask("/api/services").await.expect("a list");
    let services = services["data"].as_array().expect("a list");
    assert!(services.contains(&json!("another-shop")), "{services:?}");
    let found = observatory.ask("/api/traces?service=another-shop&operation=second%20try").await;
    let found = found.expect("traces");
    assert_eq!(found["data"].as_array().map(Vec::len), Some(2), "{found}");
    shop.stop().await;
}

fn is_as_it_was_sent(trace: &Trace) -> Result<(), String> {
    trace.looks_like(
        "
        another-shop server GET /teapots
          another-shop internal first try
          another-shop client second try ✗
        ",
    )
}

fn arrived_as_it_was_sent(trace: &Trace, id: &str) {
    let [_, first, second] = trace.spans.as_slice() else { panic!("three spans: {trace:#?}") };
    assert_eq!(second.kind, Kind::Client);
    assert_eq!(second.tag("text"), Some("Grüße, 世界"));
    assert_eq!(second.tags.get("whole"), Some(&json!(42)));
    assert_eq!(second.tags.get("half"), Some(&json!(0.5)));
    assert_eq!(second.tags.get("yes"), Some(&json!(true)));
    assert_eq!(second.tag("several"), Some(r#"["a","b"]"#));
    assert_eq!(second.tag("otel.status_description"), Some("it was hot"));
    assert_eq!(second.links, [(id.to_owned(), first.id.clone())]);
    let [event] = second.events.as_slice() else { panic!("one event: {second:#?}") };
    assert_eq!((event.get("event"), event.get("drops")), (Some(&json!("spilled")), Some(&json!(7))));
    assert_eq!(second.resource.get("deployment.environment.name"), Some(&json!("test")));
}

/// A collector that writes what it is told into a file. It ends when this value is dropped.
struct Rotel {
    url: String,
    written: PathBuf,
    // removed after the process is gone: fields drop in order
    _process: Child,
    _folder: tempfile::TempDir,
}

impl Rotel {
    async fn start(python: &Python) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let written = folder.path().join("spans.txt");
        let output = File::create(&written).expect("a file");
        let [grpc, http] = [lasting_port(), lasting_port()].map(|port| format!("127.0.0.1:{port}"));
        let process = Command::new(python.rotel().await)
            .args(["start", "--exporter", "blackhole"])
            .args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"])
            .args(["--otlp-grpc-endpoint", &grpc, "--otlp-http-endpoint", &http])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("rotel starts");
        eventually("rotel to listen", PATIENCE, async || TcpStream::connect(&grpc).await.ok()).await;
        Self { url: format!("http://{grpc}"), written, _process: process, _folder: folder }
    }

    /// Service, trace, kind and name of every span that it was told of.
    fn spans(&self) -> BTreeSet<[String; 4]> {
        let text = std::fs::read_to_string(&self.written).expect("what it has written");
        let (mut service, mut trace, mut name) = (String::new(), String::new(), String::new());
        let mut spans = BTreeSet::new();
        for line in text.lines().map(str::trim) {
            let field = |field: &str| Some(line.strip_prefix(field)?.trim_start().strip_prefix(':')?.trim());
            if let Some(told) = line.strip_prefix("-> service.name: Str(") {
                service = told.trim_end_matches(')').to_owned();
            } else if let Some(told) = field("Trace ID") {
                trace = told.to_owned();
            } else if let Some(told) = field("Name") {
                name = told.to_owned();
            } else if let Some(kind) = field("Kind") {
                let kind = kind.trim_start_matches("SPAN_KIND_").to_owned();
                spans.insert([service.clone(), trace.clone(), kind, name.clone()]);
            }
        }
        spans
    }
}
