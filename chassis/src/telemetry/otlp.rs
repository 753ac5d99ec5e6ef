//! Where spans and metrics are sent: an OTLP collector, which may be away at any time. Nobody who works for the shop
//! ever waits for it.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
    WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::{Channel, Endpoint};

use super::metrics::{self, Collected};
use super::spans::tracers;
use crate::address;
use crate::backoff::Backoff;

/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// After a failure nothing is sent for a while; what ends meanwhile waits, as long as there is room.
const PAUSE: Backoff = Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(5) };
/// How often metrics are sent.
const EVERY: Duration = Duration::from_secs(10);
/// How long the last spans and metrics of a process may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// The port at which a collector takes OTLP by HTTP.
const HTTP_PORT: u16 = 4318;

/// The collector, and what sends to it.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    way: Way,
    over: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug, Clone)]
enum Way {
    Grpc(Channel),
    /// Protobuf by HTTP, below this address.
    Http(String, Arc<reqwest::Client>),
}

/// Sending, until it is ended.
#[must_use = "what is waiting at the end is sent by `end`"]
pub struct Sending(Option<Collector>);

/// From now on spans and metrics are sent to `url`: by gRPC, or by HTTP where its port is 4318. `process` is what
/// metrics are of, `instance` tells processes of one kind apart. Without a `url` nothing is sent.
pub fn begin(url: Option<&str>, process: &str, instance: &str) -> anyhow::Result<Sending> {
    let Some(url) = url else { return Ok(Sending(None)) };
    let collector = Collector::at(url)?;
    let resource = collector.resource(process, instance);
    match metrics::collected(resource) {
        Some(collected) => {
            let exporter = collector.metrics().context("metrics cannot be sent")?;
            collector.spawn(send_metrics(collected, exporter, collector.over()));
        }
        None => tracing::warn!("metrics are not sent: something was counted before it was known where to"),
    }
    tracers::begin(collector.clone(), instance.to_owned());
    Ok(Sending(Some(collector)))
}

impl Sending {
    /// Sends what waits, within two seconds, and then no more.
    pub async fn end(self) {
        let Some(collector) = self.0 else { return };
        collector.over.cancel();
        collector.tasks.close();
        if tokio::time::timeout(FAREWELL, collector.tasks.wait()).await.is_err() {
            tracing::debug!("the last spans were not sent: the collector is slow or away");
        }
    }
}

/// Whether something could be sent to `url`; why not, without what is secret in it.
pub(crate) fn check_address(url: &str) -> Result<(), String> {
    read(url).map(drop).with_context(|| unusable(url)).map_err(|error| format!("{error:#}"))
}

/// An address to which something can be sent.
fn read(url: &str) -> anyhow::Result<http::Uri> {
    let parsed: http::Uri = url.parse()?;
    anyhow::ensure!(parsed.scheme_str() == Some("http"), "it begins with http://; there is no TLS here");
    anyhow::ensure!(parsed.host().is_some(), "it names a host");
    Ok(parsed)
}

fn unusable(url: &str) -> String {
    let url = address::shown(url);
    format!(
        "--otlp is to be the address of an OTLP collector, such as http://127.0.0.1:4317, and not {url:?}"
    )
}

impl Collector {
    fn at(url: &str) -> anyhow::Result<Self> {
        let way = Way::to(url).with_context(|| unusable(url))?;
        Ok(Self { way, over: CancellationToken::new(), tasks: TaskTracker::new() })
    }

    /// What spans and metrics of a service are said to come from.
    pub fn resource(&self, service: &str, instance: &str) -> Resource {
        let attributes = [
            KeyValue::new(SERVICE, service.to_owned()),
            KeyValue::new("service.namespace", "tradewind"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", format!("{service}-{instance}")),
        ];
        Resource::builder_empty().with_attributes(attributes).build()
    }

    /// Which module a resource is of, as a label.
    pub fn module_of(&self, resource: &Resource) -> KeyValue {
        let name = resource.get(&SERVICE.into()).map_or_else(|| "unknown".into(), |name| name.to_string());
        KeyValue::new("module", name)
    }

    pub fn spans(&self) -> Result<SpanExporter, ExporterBuildError> {
        match &self.way {
            Way::Grpc(channel) => SpanExporter::builder()
                .with_tonic()
                .with_channel(channel.clone())
                .with_timeout(PATIENCE)
                .build(),
            Way::Http(base, client) => SpanExporter::builder()
                .with_http()
                .with_shared_http_client(client.clone())
                .with_endpoint(format!("{base}/v1/traces"))
                .with_timeout(PATIENCE)
                .build(),
        }
    }

    fn metrics(&self) -> Result<MetricExporter, ExporterBuildError> {
        match &self.way {
            Way::Grpc(channel) => MetricExporter::builder()
                .with_tonic()
                .with_channel(channel.clone())
                .with_timeout(PATIENCE)
                .build(),
            Way::Http(base, client) => MetricExporter::builder()
                .with_http()
                .with_shared_http_client(client.clone())
                .with_endpoint(format!("{base}/v1/metrics"))
                .with_timeout(PATIENCE)
                .build(),
        }
    }

    /// Fires when what waits is to be sent, and no more.
    pub fn over(&self) -> CancellationToken {
        self.over.clone()
    }

    /// Runs what sends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

const SERVICE: &str = "service.name";

impl Way {
    fn to(url: &str) -> anyhow::Result<Self> {
        if read(url)?.port_u16() == Some(HTTP_PORT) {
            let client = reqwest::Client::builder().no_proxy().connect_timeout(PATIENCE).build()?;
            return Ok(Self::Http(url.trim_end_matches('/').to_owned(), Arc::new(client)));
        }
        // connects when there is something to send, and again whenever it must
        let endpoint = Endpoint::from_shared(url.to_owned())?.connect_timeout(PATIENCE).timeout(PATIENCE);
        Ok(Self::Grpc(endpoint.connect_lazy()))
    }
}

async fn send_metrics(collected: Collected, exporter: MetricExporter, over: CancellationToken) {
    let mut health = Health::default();
    loop {
        let last = over.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none();
        match collected.collect() {
            Ok(metrics) => match exporter.export(&metrics).await {
                Ok(()) => health.well(),
                Err(error) => drop(health.failed(&error)),
            },
            Err(error) => tracing::warn!("metrics cannot be collected: {error}"),
        }
        if last {
            return;
        }
    }
}

/// How sending goes. Said once when it fails, and once when it goes on.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: u32,
}

impl Health {
    /// It went well.
    pub fn well(&mut self) {
        if std::mem::take(&mut self.failures) > 0 {
            tracing::info!("the collector takes spans and metrics again");
        }
    }

    /// It failed; returns how long to wait.
    pub fn failed(&mut self, cause: &impl Display) -> Duration {
        if self.failures == 0 {
            let cause: Cow<'_, str> = cause.to_string().into();
            tracing::warn!(%cause, "the collector takes no spans or metrics; those that cannot wait are dropped: {cause}");
        }
        self.failures = self.failures.saturating_add(1);
        PAUSE.after(self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_port_says_how_it_is_sent() {
        assert!(matches!(Way::to("http://127.0.0.1:4317").expect("an address"), Way::Grpc(_)));
        let way = Way::to("http://127.0.0.1:4318/").expect("an address");
        assert!(matches!(way, Way::Http(base, _) if base == "http://127.0.0.1:4318"));
        assert!(matches!(Way::to("http://collector").expect("an address"), Way::Grpc(_)));
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused_with_an_example() {
        for wrong in ["", "collector", "https://collector:4317", "127.0.0.1:4317", "http://"] {
            let error = Collector::at(wrong).expect_err(wrong);
            assert!(format!("{error:#}").contains("such as http://127.0.0.1:4317"), "{error:#}");
            assert_eq!(check_address(wrong), Err(format!("{error:#}")), "before anything is started");
        }
        let secret = Collector::at("https://me:hunter2@collector:4317").expect_err("there is no TLS");
        assert!(!format!("{secret:#}").contains("hunter2"), "{secret:#}");
    }
}
