//! Orders: what a customer wants, and the saga that gets it for them: reserve the goods, hold the
//! money, book a carrier, sell the goods, take the money. Whatever dies in between, an order ends
//! either confirmed or undone.
//!
//! - [`domain`]: the state machine `step(state, input)`, and from a request to a priced order: pure
//! - [`saga`]: drives orders through their steps, calls the other modules, recovers what was abandoned
//! - [`service`]: the port `contracts::orders::Orders`, served
//! - [`store`]: orders, their event log and idempotency keys in SQL
//! - [`rest`], [`grpc`], [`rpc`] (by message): the port's adapters
//! - [`amqp`]: the other end of the message queues
//! - [`config`]: what can be set
//!
//! Not for: how another module is reached (`wires`), or what it decides (its own crate).

pub mod amqp;
mod answer;
pub mod config;
pub mod domain;
pub mod grpc;
mod prefer;
pub mod rest;
pub mod rpc;
pub mod saga;
pub mod service;
pub mod store;

use std::sync::Arc;

use axum::Router;
use chassis::bell::Bell;
use chassis::config::Configuration;
use chassis::messaging::consumer::consume;
use chassis::messaging::dead_letters::DeadLetters;
use chassis::messaging::rpc::offer;
use chassis::messaging::{Bus, Mailbox};
use chassis::process::{Module, Platform};
use contracts::messages::queues::{ORDERS_EVENTS, ORDERS_REPLIES};
use contracts::orders::Orders;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use wires::WireChoices;

use crate::config::SagaConfig;
use crate::saga::{Ports, Saga};
use crate::service::{RandomIds, Service};
use crate::store::SqlStore;

const NAME: &str = "orders";

/// The module's tables.
pub fn migrations() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// Both adapters of `port`, on one router.
pub fn routes(port: Arc<dyn Orders>) -> Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// Puts the module together on what the process gives it.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let sections = Configuration::builder(NAME).section::<SagaConfig>().section::<WireChoices>();
    let configuration = platform.configure(sections).await?;
    let edges = wires.edges(NAME, configuration.section::<WireChoices>());
    let database = platform.store(NAME, migrations()).await?;
    let mailbox = platform.mailbox(NAME, &database).await?;
    let saga = Saga {
        store: Arc::new(SqlStore::new(database, mailbox.clone())),
        ports: Ports {
            catalog: edges.catalog(),
            inventory: edges.inventory(),
            payments: edges.payments(),
            shipping: edges.shipping(),
        },
        clock: platform.clock.clone(),
        config: configuration.section::<SagaConfig>(),
        owner: format!("{} {}", platform.bootstrap.instance_of(NAME), Uuid::new_v4()),
        bell: Bell::default(),
    };
    let driving = TaskTracker::new();
    let service = Service::new(saga.clone(), RandomIds, driving.clone());
    let port: Arc<dyn Orders> = Arc::new(service.ending_with(platform.draining.clone()));
    wires.provide_orders(port.clone());
    let module = Module::new(NAME, routes(port.clone()), configuration)
        .control(edges.control_routes())
        .task(edges.follow(platform.shutdown.clone()))
        .task(saga.clone().recover(platform.shutdown.clone()))
        .task(saga.clone().look_after_waiting(platform.shutdown.clone()))
        .task(finish(driving, platform.shutdown.clone()));
    let module = offer(module, platform, rpc::operations(port));
    Ok(match &platform.bus {
        Some(bus) => with_messages(module, mailbox, bus, saga, platform),
        None => module,
    })
}

/// The module that also says and hears what orders in the asynchronous coordinations need.
fn with_messages(module: Module, mailbox: Mailbox, bus: &Bus, saga: Saga, platform: &Platform) -> Module {
    // new messages are for other instances from the moment on that this one drains
    let hear = |queue, handler| consume(bus.clone(), queue, handler, platform.draining.clone());
    module
        .control(mailbox.control_routes())
        .control(DeadLetters::new(bus.clone(), NAME, mailbox.clone()).control_routes())
        .task(hear(&ORDERS_REPLIES, amqp::replies(saga.clone(), mailbox.clone())))
        .task(hear(&ORDERS_EVENTS, amqp::events(saga, mailbox.clone())))
        .task(mailbox.relay(bus.clone(), platform.shutdown.clone()))
}

/// Orders under way when the process ends are finished first, as far as the process waits for that;
/// recovery takes the others over.
async fn finish(driving: TaskTracker, shutdown: CancellationToken) {
    shutdown.cancelled().await;
    driving.close();
    driving.wait().await;
}
