//! What a process gives to the modules that it hosts.

use std::sync::Arc;

use anyhow::Context as _;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

use super::{Bootstrap, Messages};
use crate::clock::{Clock, SystemClock};
use crate::config::{Builder, ConfigError, Configuration, ProcessEnvironment, Source};
use crate::discovery::{Consul, Discovery, StaticDirectory, discovery_at};
use crate::messaging::bus::Gate;
use crate::messaging::{Broker, Bus, Mailbox};
use crate::server::Readiness;
use crate::store::{Store, Stores};
use crate::telemetry::settings::{self, TelemetryConfig};

/// What a module is assembled from.
pub struct Platform {
    /// What this process was told at its start.
    pub bootstrap: Bootstrap,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The registry, for locks; nothing where this process is on its own, or finds others by their names.
    pub consul: Option<Consul>,
    /// What carries messages; nothing where this process says and hears nothing by them.
    pub bus: Option<Bus>,
    /// Who is where.
    pub discovery: Arc<dyn Discovery>,
    /// Fires when this process begins to drain: long streams end themselves, so that they do not hold it
    /// up, and singletons let go of their locks.
    pub draining: CancellationToken,
    /// Fires when background work must stop: after the last request was answered.
    pub shutdown: CancellationToken,
    /// Whether this process wants work.
    pub readiness: Readiness,
    /// The databases of this process' modules.
    pub stores: Stores,
}

impl Platform {
    pub(super) fn new(bootstrap: Bootstrap) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let token = bootstrap.registry_token.clone();
        let (consul, discovery): (_, Arc<dyn Discovery>) = match &bootstrap.registry {
            Some(registry) => discovery_at(registry, token, shutdown.clone())?,
            None => (None, Arc::new(StaticDirectory::default())),
        };
        let bus = match &bootstrap.messages {
            Messages::None => None,
            Messages::InProcess => Some(Bus::in_process(Gate::new(bootstrap.gate))),
            Messages::Broker(url) => {
                let broker = Broker::connect(url, &connection_name(), shutdown.clone())?;
                Some(Bus::through(broker, Gate::new(bootstrap.gate)))
            }
        };
        let stores = bootstrap.stores();
        Ok(Self {
            bootstrap,
            clock: Arc::new(SystemClock),
            consul,
            bus,
            discovery,
            draining: CancellationToken::new(),
            shutdown,
            readiness: Readiness::default(),
            stores,
        })
    }

    /// Loads a module's configuration: from the config server where there is one, from defaults and
    /// environment otherwise. How much the module logs and records is part of it, and heeded from then on.
    pub async fn configure(&self, sections: Builder) -> Result<Configuration, ConfigError> {
        let sections = sections.section::<TelemetryConfig>();
        let module = sections.application().to_owned();
        let configuration = self.load(sections).await?;
        settings::follow(&module, configuration.section(), self.shutdown.clone());
        Ok(configuration)
    }

    async fn load(&self, sections: Builder) -> Result<Configuration, ConfigError> {
        let Some(server) = &self.bootstrap.config_server else {
            return sections.load_alone(&ProcessEnvironment);
        };
        let source = Source {
            profile: self.bootstrap.profile.clone(),
            patience: self.bootstrap.patience,
            shutdown: self.shutdown.clone(),
            ..Source::new(server, self.bootstrap.instance_of(sections.application()), &self.bootstrap.data)
        };
        sections.load(&source).await
    }

    /// Opens a module's database; from then on readiness depends on it.
    pub async fn store(&self, module: &str, migrations: Migrator) -> anyhow::Result<Store> {
        let store = self
            .stores
            .open(module, &migrations)
            .await
            .with_context(|| format!("opening the database of {module}"))?;
        let probe = store.clone();
        self.readiness.depends_on(
            format!("database of {module}"),
            Arc::new(move || {
                let probe = probe.clone();
                Box::pin(async move { probe.ping().await.map_err(|error| error.to_string()) })
            }),
        );
        Ok(store)
    }

    /// The outbox and inbox of a module, in its database. Without messages they are closed.
    pub async fn mailbox(&self, module: &'static str, store: &Store) -> anyhow::Result<Mailbox> {
        let Some(bus) = &self.bus else { return Ok(Mailbox::closed()) };
        let mailbox = Mailbox::open(store, module, self.clock.clone())
            .await
            .with_context(|| format!("opening the outbox and inbox of {module}"))?;
        bus.register(&mailbox);
        Ok(mailbox)
    }
}

/// What an operator sees in the broker's list of connections.
fn connection_name() -> String {
    let program = std::env::args().skip(1).take(2).collect::<Vec<_>>().join(" ");
    format!("tradewind {program} (process {})", std::process::id())
}
