//! Changes at run time: preconditions, validation, history, rollback, durability.

use chassis::config::AdminError;
use chassis::config::protocol::ChangeKind;
use contracts::{Code, Problem};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TOKEN, TestServer, orders, problem};

const KEY: &str = "/api/applications/orders/default/keys/saga.lease_ms";

fn refused<T: std::fmt::Debug>(result: Result<T, AdminError>) -> Problem {
    match result.expect_err("is refused") {
        AdminError::Problem(problem) => problem,
        other => panic!("{other}"),
    }
}

async fn try_set(server: &TestServer, application: &str, key: &str, value: Value) -> Result<u64, AdminError> {
    let admin = server.admin();
    let (_, etag) = admin.effective(application, "default").await.expect("is served");
    admin.set(application, "default", key, value, &etag).await.map(|changed| changed.version)
}

async fn lease(server: &TestServer) -> Value {
    server.json("/api/applications/orders/default/effective").await["values"]["saga.lease_ms"]["value"]
        .clone()
}

#[tokio::test]
async fn a_change_without_a_precondition_is_refused_and_so_is_a_stale_one() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    for method in [Method::PUT, Method::DELETE] {
        let request = server.request(method, KEY).bearer_auth(TOKEN).json(&json!({"value": 7}));
        let (status, body) = problem(request.send().await.expect("an answer")).await;
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::PRECONDITION_REQUIRED, &json!("precondition_required"))
        );
    }
    let admin = server.admin();
    let (_, etag) = admin.effective("orders", "default").await.expect("is served");
    admin.set("orders", "default", "saga.lease_ms", json!(7), &etag).await.expect("the first one wins");
    let second = refused(admin.set("orders", "default", "saga.lease_ms", json!(8), &etag).await);
    assert_eq!(second.code, Code::PreconditionFailed);
    assert_eq!(lease(&server).await, 7);
}

#[tokio::test]
async fn of_many_who_change_the_same_state_at_once_exactly_one_wins() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let admin = server.admin();
    let (_, etag) = admin.effective("orders", "default").await.expect("is served");
    let attempts = (0..8).map(|n| admin.set("orders", "default", "saga.lease_ms", json!(n), &etag));
    let results = futures::future::join_all(attempts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
}

#[tokio::test]
async fn what_the_schema_does_not_allow_is_refused_with_what_it_allows() {
    let server = TestServer::start(&[]).await;
    let _service = server.service(&[]).await;
    for (key, value, says) in [
        ("saga.lease_ms", json!(0), "is 0, must be a whole number from 1 to 60000"),
        ("saga.lease_ms", json!("soon"), r#"is "soon", must be a whole number"#),
        ("saga.coordination", json!("chaos"), r#"must be one of "sync", "orchestrated""#),
        ("saga.leese_ms", json!(1), "there are: coordination, hosts, lease_ms, workers"),
        ("sage.lease_ms", json!(1), "there are: log, saga"),
        ("saga", json!(1), "must be a group with the keys"),
    ] {
        let problem = refused(try_set(&server, "orders", key, value.clone()).await);
        assert_eq!(problem.code, Code::InvalidRequest);
        assert!(problem.faults[0].message.contains(says), "{key} = {value}: {problem}");
    }
    assert_eq!(lease(&server).await, 5000);
}

#[tokio::test]
async fn a_shared_change_is_checked_against_every_application() {
    let server = TestServer::start(&[]).await;
    let _service = server.service(&[]).await;
    let problem = refused(try_set(&server, "application", "saga.lease_ms", json!(0)).await);
    assert!(problem.faults[0].message.ends_with("(orders)"), "{problem}");
    let problem = refused(try_set(&server, "application", "nobody.knows", json!(0)).await);
    assert!(problem.detail.contains("no application's section; there are: log, saga"), "{problem}");
    try_set(&server, "application", "saga.lease_ms", json!(9)).await.expect("is accepted");
    assert_eq!(lease(&server).await, 9);
}

#[tokio::test]
async fn a_key_at_fault_does_not_stand_in_the_way_of_mending_another() {
    let server = TestServer::start(&[]).await;
    let _service = server.service(&[]).await;
    server.write("orders.toml", "[saga]\nlease_ms = 0\ncoordination = 'chaos'");
    testkit::eventually("the file to be served", crate::support::DEADLINE, || async {
        (lease(&server).await == 0).then_some(())
    })
    .await;
    try_set(&server, "orders", "saga.lease_ms", json!(5)).await.expect("mends one of the two");
    assert_eq!(lease(&server).await, 5);
}

#[tokio::test]
async fn secrets_and_objects_and_unknown_applications_are_refused() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let problem = refused(try_set(&server, "orders", "log.sink_password", json!("hunter2")).await);
    assert!(problem.detail.contains("secret:NAME") && !problem.detail.contains("hunter2"), "{problem}");
    try_set(&server, "orders", "log.sink_password", json!("secret:sink")).await.expect("a reference is fine");
    let problem = refused(try_set(&server, "orders", "saga", json!({"lease_ms": 1})).await);
    assert_eq!(problem.code, Code::InvalidRequest);
    let problem = refused(try_set(&server, "ordres", "saga.lease_ms", json!(1)).await);
    assert_eq!(problem.code, Code::NotFound);
    let problem = refused(server.admin().set("orders", "a,b", "saga.lease_ms", json!(1), "*").await);
    assert!(problem.detail.contains("one profile"), "{problem}");
}

#[tokio::test]
async fn a_key_that_a_live_instance_takes_from_its_environment_cannot_be_set() {
    let server = TestServer::start(&[]).await;
    let service = server.service(&[("TRADEWIND_ORDERS__SAGA__LEASE_MS", "3000")]).await;
    assert_eq!(service.saga.get().lease_ms, 3000);
    for application in ["orders", "application"] {
        let problem = refused(try_set(&server, application, "saga.lease_ms", json!(1)).await);
        assert_eq!(problem.code, Code::Conflict);
        assert!(
            problem.detail.contains("orders-1")
                && problem.detail.contains("TRADEWIND_ORDERS__SAGA__LEASE_MS"),
            "{problem}"
        );
    }
    try_set(&server, "orders", "saga.workers", json!(5)).await.expect("other keys can be set");
}

#[tokio::test]
async fn an_environment_stands_in_the_way_of_its_own_profile_only() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let data = tempfile::tempdir().expect("a folder");
    let mut source = server.source(data.path(), &[("TRADEWIND_ORDERS__SAGA__LEASE_MS", "3000")]);
    source.profile = "dev".into();
    let configuration = orders().load(&source).await.expect("loads");
    server.instance_runs(configuration.report().version).await;
    let admin = server.admin();
    let set = |profile| admin.set("orders", profile, "saga.lease_ms", json!(1), "*");
    for profile in ["dev", "default"] {
        assert_eq!(refused(set(profile).await).code, Code::Conflict, "{profile}");
    }
    set("prod").await.expect("no instance that overrides it runs under prod");
    source.shutdown.cancel();
}

#[tokio::test]
async fn a_value_that_an_environment_overrides_can_be_taken_away() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let before = server.admin().status().await.expect("an answer").version;
    server.set("saga.lease_ms", 7).await;
    let both = server.set("saga.workers", 7).await;
    let environment =
        [("TRADEWIND_ORDERS__SAGA__LEASE_MS", "3000"), ("TRADEWIND_ORDERS__SAGA__WORKERS", "3")];
    let _service = server.service(&environment).await;
    let admin = server.admin();
    admin.unset("orders", "default", "saga.lease_ms", "*").await.expect("is taken back");
    admin.rollback("orders", "default", before).await.expect("takes the other one back");
    assert_eq!(lease(&server).await, 5000);
    assert_eq!(refused(admin.rollback("orders", "default", both).await).code, Code::Conflict);
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_as_problems() {
    let server = TestServer::start(&[("orders.toml", "")]).await;
    let request = || server.request(Method::PUT, KEY).bearer_auth(TOKEN).header("if-match", "*");
    let json = "application/json";
    for (kind, body, expected) in [
        (json, "{".to_owned(), StatusCode::BAD_REQUEST),
        (json, "{}".to_owned(), StatusCode::BAD_REQUEST),
        (json, r#"{"value": 1, "vlaue": 2}"#.to_owned(), StatusCode::BAD_REQUEST),
        ("text/plain", r#"{"value": 1}"#.to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (json, format!(r#"{{"value": "{}"}}"#, "x".repeat(300_000)), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let response =
            request().header("content-type", kind).body(body.clone()).send().await.expect("an answer");
        assert_eq!(problem(response).await.0, expected, "{kind} {}", &body[..body.len().min(40)]);
    }
}

#[tokio::test]
async fn the_history_says_who_changed_what_when_and_a_rollback_restores_it() {
    let server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 1")]).await;
    let first = server.set("saga.lease_ms", 2).await;
    server.set("saga.lease_ms", 3).await;
    server.set("saga.workers", 9).await;
    let admin = server.admin();
    let rolled = admin.rollback("orders", "default", first).await.expect("rolls back").version;
    assert_eq!(lease(&server).await, 2);
    let effective = server.json("/api/applications/orders/default/effective").await;
    assert!(effective["values"].get("saga.workers").is_none(), "what was set later is gone: {effective}");

    let history = admin.history("orders", "default", 50).await.expect("is told");
    let told: Vec<_> = history
        .iter()
        .map(|e| (e.version.saturating_sub(first), e.kind, e.key.as_str(), e.old.clone(), e.new.clone()))
        .collect();
    assert_eq!(
        told[..4],
        [
            (3, ChangeKind::Rollback, "saga.lease_ms", Some(json!(3)), Some(json!(2))),
            (3, ChangeKind::Rollback, "saga.workers", Some(json!(9)), None),
            (2, ChangeKind::Set, "saga.workers", None, Some(json!(9))),
            (1, ChangeKind::Set, "saga.lease_ms", Some(json!(2)), Some(json!(3))),
        ]
    );
    assert!(history.iter().any(|entry| entry.kind == ChangeKind::File && entry.key == "orders.toml"));
    assert!(history.iter().filter(|entry| entry.kind != ChangeKind::File).all(|entry| entry.who == "ada"));
    assert_eq!(admin.history("orders", "default", 2).await.expect("is told").len(), 2);

    assert_eq!(admin.rollback("orders", "default", rolled).await.expect("nothing to do").version, rolled);
    assert_eq!(refused(admin.rollback("orders", "default", 1_000_000).await).code, Code::InvalidRequest);
}

#[tokio::test]
async fn a_runtime_change_can_be_taken_back() {
    let server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 1")]).await;
    server.set("saga.lease_ms", 2).await;
    let admin = server.admin();
    let (_, etag) = admin.effective("orders", "default").await.expect("is served");
    admin.unset("orders", "default", "saga.lease_ms", &etag).await.expect("is taken back");
    assert_eq!(lease(&server).await, 1);
    let (_, etag) = admin.effective("orders", "default").await.expect("is served");
    assert_eq!(refused(admin.unset("orders", "default", "saga.lease_ms", &etag).await).code, Code::NotFound);
}

#[tokio::test]
async fn changes_history_and_schemas_survive_a_restart_and_versions_go_on() {
    let mut server = TestServer::start(&[("orders.toml", "[saga]\nlease_ms = 1")]).await;
    let service = server.service(&[]).await;
    let before = server.set("saga.lease_ms", 2).await;
    drop(service);
    server.stop().await;
    server.resume().await;
    assert_eq!(lease(&server).await, 2);
    assert_eq!(
        server.admin().status().await.expect("an answer").version,
        before,
        "unchanged files are no change"
    );
    assert_eq!(
        refused(try_set(&server, "orders", "saga.lease_ms", json!(0)).await).code,
        Code::InvalidRequest
    );
    assert_eq!(server.set("saga.lease_ms", 3).await, before + 1);
}
