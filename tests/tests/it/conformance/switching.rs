//! An edge with several instances, and an edge whose wire is changed by configuration under load.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use chassis::config::{AdminClient, Configuration, Live, Source};
use chassis::messaging::Broker;
use config_server::{Config, ConfigServer};
use contracts::inventory::{GetStock, StockLevel};
use contracts::{PortError, RemoteReason};
use futures::future::join_all;
use testkit::{brokers, eventually};
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use wires::{Edges, Resolver, WireChoices, WireKind};

use super::broker_house::{BrokerHouse, Instance, connected};
use super::house::{
    CALLER, Clients, HTTP, PATIENCE, Running, adapters, deserted, directory, serve, unhurried,
};
use super::scripted::{Script, Scripted};

fn level() -> StockLevel {
    StockLevel { sku: "A-1".into(), available: 1, reserved: 0, version: 1 }
}

fn asked() -> GetStock {
    GetStock { sku: "A-1".into() }
}

/// A callee that answers, behind its adapters.
async fn answering() -> (Arc<Scripted>, Running) {
    let callee = Scripted::new();
    callee.play(Script::Reply(Arc::new(level())));
    let running = serve(adapters(&callee)).await;
    (callee, running)
}

#[tokio::test]
async fn a_dead_instance_costs_one_call_at_most() {
    for wire in HTTP {
        let (callee, living) = answering().await;
        let clients = Clients::to(wire, &[deserted().await, living.address]);
        let begun = Instant::now();
        let refused = refused_of(&clients, 50).await;
        let most = attempts_within(begun.elapsed());
        assert!(refused <= most, "{refused} calls over {wire} met the dead instance");
        assert_eq!(callee.count(), 50 - refused, "calls over {wire} that arrived");
    }
}

#[tokio::test]
async fn an_instance_that_dies_costs_one_call_at_most() {
    for wire in HTTP {
        let ((staying, living), (leaving, dying)) = (answering().await, answering().await);
        let address = dying.address;
        let clients = Clients::to(wire, &[living.address, address]);
        for _ in 0..50 {
            assert_eq!(clients.inventory.stock(&unhurried(), asked()).await, Ok(level()), "over {wire}");
        }
        assert!(staying.count() > 0 && leaving.count() > 0, "both were called over {wire}");
        drop(dying);
        eventually("the port to be closed", PATIENCE, || async {
            tokio::net::TcpStream::connect(address).await.err()
        })
        .await;
        let begun = Instant::now();
        let failed = refused_of(&clients, 50).await;
        let most = attempts_within(begun.elapsed());
        assert!(failed <= most, "{failed} calls over {wire} met the dead instance");
    }
}

/// How long an instance that refused is set aside: one call, then nobody for this long.
const ASIDE: Duration = Duration::from_secs(3);

/// How many calls may meet a dead instance in this time.
fn attempts_within(time: Duration) -> usize {
    1 + usize::try_from(time.as_secs() / ASIDE.as_secs()).expect("a short time")
}

/// How many of `count` calls, one after the other, could not connect. None fails otherwise.
async fn refused_of(clients: &Clients, count: usize) -> usize {
    let mut refused = 0;
    for _ in 0..count {
        match clients.inventory.stock(&unhurried(), asked()).await {
            Ok(reply) => assert_eq!(reply, level()),
            Err(PortError::Remote(failure)) if failure.reason == RemoteReason::Unreachable => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    refused
}

/// A config server with the one file that it needs.
struct Settings {
    admin: AdminClient,
    choices: Live<WireChoices>,
    _configuration: Configuration,
    _stop: DropGuard,
    _following: DropGuard,
    _folders: [tempfile::TempDir; 3],
}

const TOKEN: &str = "the operator's";
const PROFILE: &str = "default";

impl Settings {
    async fn start() -> Self {
        let folders = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
        let [files, data, copy] = &folders;
        let config = Config { token: Some(TOKEN.into()), ..Config::new(files.path(), data.path()) };
        let server = ConfigServer::open(config).await.expect("the config server opens");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let http = axum::serve(listener, server.router())
                .with_graceful_shutdown(stopped.clone().cancelled_owned());
            let (served, ()) = tokio::join!(async { http.await }, server.run(stopped));
            served.expect("serves");
        });
        let environment = Arc::new(BTreeMap::<String, String>::new());
        let source = Source { environment, ..Source::new(&url, "orders-1", copy.path()) };
        let builder = Configuration::builder(CALLER).section::<WireChoices>();
        let configuration = builder.load(&source).await.expect("the configuration loads");
        let admin = AdminClient::new(&url, Some(TOKEN.into())).expect("a client");
        eventually("the config server to know the instance", PATIENCE, || async {
            admin.instances(CALLER).await.ok().filter(|instances| !instances.is_empty())
        })
        .await;
        Self {
            admin,
            choices: configuration.section(),
            _configuration: configuration,
            _stop: stop.drop_guard(),
            _following: source.shutdown.drop_guard(),
            _folders: folders,
        }
    }

    /// Sets the wire of the edge to the inventory.
    async fn switch(&self, wire: WireKind) {
        let (_, etag) = self.admin.effective(CALLER, PROFILE).await.expect("the configuration is served");
        let set = self.admin.set(CALLER, PROFILE, "wires.orders.inventory", wire.to_string().into(), &etag);
        set.await.expect("the change is accepted");
    }
}

/// The caller's edges to `address`, and through a broker, following the settings.
fn edges(settings: &Settings, address: SocketAddr, broker: Broker) -> (Edges, Clients, DropGuard) {
    let resolver = Resolver::over(Arc::new(directory(&[address]))).through(broker);
    let edges = resolver.edges(CALLER, settings.choices.clone());
    let clients = Clients::of(&edges);
    let stop = CancellationToken::new();
    tokio::spawn(edges.clone().follow(stop.clone()));
    (edges, clients, stop.drop_guard())
}

/// How many calls to the inventory took `wire`.
fn calls_over(edges: &Edges, wire: WireKind) -> u64 {
    let report = edges.report().into_iter().find(|edge| edge.callee == "inventory");
    let calls = report.expect("the edge exists").calls;
    match wire {
        WireKind::Local => calls.local,
        WireKind::Rest => calls.rest,
        WireKind::Grpc => calls.grpc,
        WireKind::Amqp => calls.amqp,
    }
}

/// The wires to change to, round and round: the edge begins on the last of them.
const CHANGING: [WireKind; 3] = [WireKind::Grpc, WireKind::Amqp, WireKind::Rest];

/// Waits until the edge to the inventory takes `wire`.
async fn taken_over(edges: &Edges, wire: WireKind) {
    eventually("the edge to take its new wire", PATIENCE, async || {
        let mut report = edges.report().into_iter();
        report.find(|edge| edge.callee == "inventory" && edge.wire == wire.to_string()).map(drop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_the_wire_changes_fifty_times() {
    for host in brokers().await {
        let settings = Settings::start().await;
        let (callee, running) = answering().await;
        let house = BrokerHouse::on(host, &callee).await;
        let (edges, clients, _stop) = edges(&settings, running.address, house.broker.clone());

        let done = CancellationToken::new();
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let (clients, done) = (clients.clone(), done.clone());
                tokio::spawn(async move {
                    let mut calls = 0;
                    while !done.is_cancelled() {
                        let reply = clients.inventory.stock(&unhurried(), asked()).await;
                        assert_eq!(reply, Ok(level()), "after {calls} calls");
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        for wire in CHANGING.into_iter().cycle().take(50) {
            settings.switch(wire).await;
            taken_over(&edges, wire).await;
            // each wire carries calls, each time
            let before = calls_over(&edges, wire);
            eventually("calls over the new wire", PATIENCE, async || {
                (calls_over(&edges, wire) >= before + 2).then_some(())
            })
            .await;
        }
        done.cancel();
        let calls: u64 =
            join_all(callers).await.into_iter().map(|caller| caller.expect("no call fails")).sum();

        let over = CHANGING.map(|wire| (wire, calls_over(&edges, wire)));
        assert_eq!(over.iter().map(|(_, calls)| calls).sum::<u64>(), calls);
        assert_eq!(callee.count() as u64, calls, "calls that arrived");
        assert!(over.iter().all(|(_, calls)| *calls >= 30), "{over:?}");
        println!("50 switches, {calls} calls, none failed: {over:?}");
    }
}

#[tokio::test]
async fn a_call_under_way_finishes_on_the_wire_on_which_it_began() {
    for host in brokers().await {
        let settings = Settings::start().await;
        let (callee, running) = answering().await;
        let house = BrokerHouse::on(host, &callee).await;
        let (edges, clients, _stop) = edges(&settings, running.address, house.broker.clone());
        let permits = Arc::new(Semaphore::new(0));
        callee.play(Script::ReplyWhen(permits.clone(), Arc::new(level())));
        for wire in CHANGING {
            let arrived = callee.count();
            let inventory = clients.inventory.clone();
            let under_way = tokio::spawn(async move { inventory.stock(&unhurried(), asked()).await });
            eventually("the call to arrive", PATIENCE, || async { (callee.count() > arrived).then_some(()) })
                .await;
            settings.switch(wire).await;
            taken_over(&edges, wire).await;
            assert!(!under_way.is_finished());
            permits.add_permits(1);
            let reply = tokio::time::timeout(PATIENCE, under_way).await.expect("ends in time");
            assert_eq!(reply.expect("does not panic"), Ok(level()), "while the edge changed to {wire}");
        }
    }
}

#[tokio::test]
async fn a_switch_to_messages_waits_until_the_callee_takes_them() {
    for host in brokers().await {
        let stop = CancellationToken::new();
        let broker = connected(&host.url, &stop).await;
        let settings = Settings::start().await;
        let (callee, running) = answering().await;
        let (edges, clients, _stop) = edges(&settings, running.address, broker);
        settings.switch(WireKind::Amqp).await;
        eventually("the settings to arrive", PATIENCE, async || {
            (settings.choices.get().of(CALLER, "inventory") == WireKind::Amqp).then_some(())
        })
        .await;
        for _ in 0..50 {
            assert_eq!(clients.inventory.stock(&unhurried(), asked()).await, Ok(level()));
        }
        assert_eq!(calls_over(&edges, WireKind::Amqp), 0);
        let _instance = Instance::at(&host.url, &callee).await;
        taken_over(&edges, WireKind::Amqp).await;
        assert_eq!(clients.inventory.stock(&unhurried(), asked()).await, Ok(level()));
        assert_eq!(calls_over(&edges, WireKind::Amqp), 1);
    }
}
