//! How a service starts: layers, faults, and the last known good copy.

use chassis::config::protocol::{Layer, Supplier};
use chassis::config::{ConfigError, Configuration};

use crate::support::{Coordination, Log, Saga, TestServer, orders};

fn faults(result: Result<Configuration, ConfigError>) -> Vec<String> {
    match result.err().expect("is refused") {
        ConfigError::Invalid { faults, .. } => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_layer_lies_over_the_one_before_and_the_report_says_which_won() {
    let server = TestServer::start(&[
        ("application.toml", "[log]\nlevel = 'warn'\n[gateway]\nport = 1"),
        ("orders.toml", "[saga]\nlease_ms = 1\ncoordination = 'orchestrated'"),
    ])
    .await;
    server.set("saga.lease_ms", 2).await;
    let service = server
        .service(&[("TRADEWIND_ORDERS__SAGA__HOSTS", "x, y"), ("TRADEWIND_CATALOG__SAGA__LEASE_MS", "9")])
        .await;
    let expected = Saga {
        lease_ms: 2,
        coordination: Coordination::Orchestrated,
        workers: 4,
        hosts: vec!["x".into(), "y".into()],
    };
    assert_eq!(*service.saga.get(), expected);
    assert_eq!(service.configuration.section::<Log>().get().level, "warn");
    let report = service.configuration.report();
    assert_eq!(report.supplier, Supplier::Server);
    let layers: Vec<_> = report.keys.iter().map(|key| (key.key.as_str(), key.origin.layer)).collect();
    assert_eq!(
        layers,
        [
            ("log.level", Layer::File),
            ("log.sink_password", Layer::Default),
            ("saga.coordination", Layer::File),
            ("saga.hosts", Layer::Environment),
            ("saga.lease_ms", Layer::Runtime),
            ("saga.workers", Layer::Default),
        ]
    );
}

#[tokio::test]
async fn every_fault_is_told_at_once_with_key_value_source_and_what_is_allowed() {
    let server = TestServer::start(&[
        ("application.toml", "[log]\nlevel = 5"),
        ("orders.toml", "[saga]\nlease_ms = 0\nleese = 1\n[sage]\nx = 1"),
        ("orders-dev.toml", "[saga]\nworkers = -1"),
    ])
    .await;
    let data = tempfile::tempdir().expect("a folder");
    let mut source = server.source(
        data.path(),
        &[
            ("TRADEWIND_ORDERS__SAGA__COORDINATION", "chaos"),
            ("TRADEWIND_ORDERS__LOG__SINK_PASSWORD", "hunter2"),
        ],
    );
    source.profile = "dev".into();
    let mut told = faults(orders().load(&source).await);
    told.sort();
    assert_eq!(
        told,
        [
            r#"log.level = 5 (set by file application.toml): must be a text"#,
            r#"log.sink_password = "(hidden)" (set by environment variable TRADEWIND_ORDERS__LOG__SINK_PASSWORD): must be a reference such as "secret:NAME": secrets are never written into configuration"#,
            r#"saga.coordination = "chaos" (set by environment variable TRADEWIND_ORDERS__SAGA__COORDINATION): must be one of "sync", "orchestrated""#,
            r#"saga.lease_ms = 0 (set by file orders.toml): must be a whole number from 1 to 60000"#,
            r#"saga.leese = 1 (set by file orders.toml): must be a key of saga, which are coordination, hosts, lease_ms, workers"#,
            r#"saga.workers = -1 (set by file orders-dev.toml): must be a whole number of at least 0"#,
            r#"sage.x = 1 (set by file orders.toml): must be in a section of orders: saga, log"#,
        ]
    );
}

#[tokio::test]
async fn a_service_starts_from_its_last_known_good_copy_while_the_server_is_away() {
    let mut server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 7")]).await;
    let data = tempfile::tempdir().expect("a folder");
    let first = server.source(data.path(), &[]);
    orders().load(&first).await.expect("loads");
    first.shutdown.cancel();
    server.stop().await;

    let second = server.source(data.path(), &[("TRADEWIND_ORDERS__SAGA__WORKERS", "2")]);
    let configuration = orders().load(&second).await.expect("starts from the copy");
    let saga = configuration.section::<Saga>();
    assert_eq!((saga.get().lease_ms, saga.get().workers), (7, 2), "the environment is today's");
    assert_eq!(configuration.report().supplier, Supplier::LastKnownGood);

    server.write("orders.toml", "[saga]\nlease_ms = 88");
    server.resume().await;
    testkit::eventually("the server's configuration", crate::support::DEADLINE, || async {
        (saga.get().lease_ms == 88).then_some(())
    })
    .await;
    assert_eq!(configuration.report().supplier, Supplier::Server);
    second.shutdown.cancel();
}

#[tokio::test]
async fn a_first_start_without_server_and_copy_gives_up_and_says_what_it_tried() {
    let mut server = TestServer::start(&[]).await;
    server.stop().await;
    let data = tempfile::tempdir().expect("a folder");
    let source = server.source(data.path(), &[]);
    let error = orders().load(&source).await.err().expect("gives up").to_string();
    for part in [server.url(""), data.path().display().to_string(), "orders".into()] {
        assert!(error.contains(&part), "{error}");
    }
}

#[tokio::test]
async fn a_first_start_waits_for_a_server_that_comes_late() {
    let mut server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 7")]).await;
    server.stop().await;
    let data = tempfile::tempdir().expect("a folder");
    let mut source = server.source(data.path(), &[]);
    source.patience = crate::support::DEADLINE;
    let (configuration, ()) = tokio::join!(orders().load(&source), server.resume());
    assert_eq!(configuration.expect("loads").section::<Saga>().get().lease_ms, 7);
    source.shutdown.cancel();
}

#[tokio::test]
async fn a_broken_copy_is_no_copy() {
    let mut server = TestServer::start(&[]).await;
    server.stop().await;
    let data = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(data.path().join("config")).expect("a folder");
    std::fs::write(data.path().join("config/orders.json"), "{\"version\":").expect("written");
    let result = orders().load(&server.source(data.path(), &[])).await;
    assert!(matches!(result.err(), Some(ConfigError::Unavailable { .. })));
}

#[tokio::test]
async fn a_copy_that_was_made_under_another_profile_is_no_copy() {
    let mut server = TestServer::start(&[]).await;
    let data = tempfile::tempdir().expect("a folder");
    let first = server.source(data.path(), &[]);
    orders().load(&first).await.expect("loads");
    first.shutdown.cancel();
    server.stop().await;
    let mut other = server.source(data.path(), &[]);
    other.profile = "dev".into();
    assert!(matches!(orders().load(&other).await.err(), Some(ConfigError::Unavailable { .. })));
}
