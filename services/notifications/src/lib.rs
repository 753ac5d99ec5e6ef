//! Notifications: what customers are told about their orders, by mail. Nobody asks them to; they hear of
//! it by events.
//!
//! - [`domain`]: what an event means to a customer, and its telling (pure)
//! - [`messages`]: takes events out of the queue and writes mails
//! - [`store`]: mails, and whose orders they are about, on SQLite and PostgreSQL
//! - [`delivery`]: the worker that sends mails: into the outbox folder, and to a mail server
//! - [`service`]: the port
//! - [`feed`]: follows a customer's notifications; `chassis::bell` wakes whoever waits for a mail
//! - [`rest`], [`grpc`], [`amqp`]: the port over three wires
//! - [`config`]: its settings
//!
//! Not for: what happens to an order (orders), or where a parcel is (shipping).

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use chassis::bell::Bell;
use chassis::config::Configuration;
use chassis::messaging::consumer::consume;
use chassis::messaging::dead_letters::DeadLetters;
use chassis::messaging::rpc;
use chassis::process::{Module, Platform};
use contracts::messages::queues::NOTIFICATIONS_EVENTS;
use contracts::notifications::Notifications;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;

pub mod amqp;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod feed;
pub mod grpc;
pub mod messages;
pub mod rest;
pub mod service;
pub mod store;

use config::{DeliveryConfig, MailConfig, OutboxConfig, SmtpConfig, StreamConfig};
use delivery::{Courier, Outbox};
use feed::Feed;
use messages::NewsHandler;
use service::Service;
use store::{NotificationsStore, SqlStore};

const NAME: &str = "notifications";

/// The module's tables.
pub fn migrations() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// The port over REST and gRPC.
pub fn routes(port: Arc<dyn Notifications>) -> axum::Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// The module on `platform`: opens its database, listens to events, sets the worker to work, and offers
/// its port to modules in the same process.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let bus = platform.bus.clone().context(
        "notifications hear of orders by messages only, and this process has none: say \
         --broker amqp://HOST:PORT, or --broker in-process",
    )?;
    let sections = Configuration::builder(NAME)
        .section::<MailConfig>()
        .section::<SmtpConfig>()
        .section::<OutboxConfig>()
        .section::<DeliveryConfig>()
        .section::<StreamConfig>();
    let configuration = platform.configure(sections).await?;
    let database = platform.store(NAME, migrations()).await?;
    let mailbox = platform.mailbox(NAME, &database).await?;
    let store: Arc<dyn NotificationsStore> = Arc::new(SqlStore::new(database, mailbox.clone()));
    let (bell, mail) = (Bell::default(), Arc::<Notify>::default());

    let handler = NewsHandler {
        store: store.clone(),
        clock: platform.clock.clone(),
        config: configuration.section::<MailConfig>(),
        mailbox: mailbox.clone(),
        bell: bell.clone(),
        mail: mail.clone(),
    };
    let courier = Courier {
        store: store.clone(),
        clock: platform.clock.clone(),
        smtp: configuration.section::<SmtpConfig>(),
        files: configuration.section::<OutboxConfig>(),
        config: configuration.section::<DeliveryConfig>(),
        outbox: Outbox::new(outbox_folder(platform, &configuration)),
        mail,
    };
    let feed =
        Feed::new(store.clone(), configuration.section::<StreamConfig>(), bell, platform.draining.clone());
    let port: Arc<dyn Notifications> = Arc::new(Service::new(store, feed));
    wires.provide_notifications(port.clone());

    let shutdown = &platform.shutdown;
    let listening = consume(bus.clone(), &NOTIFICATIONS_EVENTS, Arc::new(handler), shutdown.clone());
    let module = Module::new(NAME, routes(port.clone()), configuration);
    Ok(rpc::offer(module, platform, amqp::operations(port))
        .control(mailbox.control_routes())
        .control(DeadLetters::new(bus.clone(), NAME, mailbox.clone()).control_routes())
        .task(listening)
        .task(courier.run(shutdown.clone()))
        // nothing is ever posted here; it forgets what is old in the inbox
        .task(mailbox.relay(bus, shutdown.clone())))
}

fn outbox_folder(platform: &Platform, configuration: &Configuration) -> PathBuf {
    let configured = configuration.section::<OutboxConfig>().get().folder.clone();
    if configured.is_empty() { platform.bootstrap.data.join("outbox") } else { configured.into() }
}
