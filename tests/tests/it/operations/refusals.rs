//! What the command refuses, with which exit code, and what it tells people to do instead.

use std::net::TcpListener;

use system_tests::ground::{Need, ground};
use system_tests::shop::{self, Shop, order_of};

use super::PROGRAM;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_named_with_its_holder_and_the_flag_that_helps() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("its address").port().to_string();
    let home = tempfile::tempdir().expect("a folder");
    for (role, flag) in [
        ("gateway", "--gateway-port"),
        ("registry", "--registry-port"),
        ("config server", "--config-server-port"),
        ("card network", "--card-network-port"),
        ("broker", "--broker-port"),
        ("broker's HTTP API", "--broker-http-port"),
        ("observatory's pages", "--observatory-port"),
        ("observatory's OTLP by gRPC", "--otlp-port"),
        ("observatory's OTLP by HTTP", "--otlp-http-port"),
    ] {
        let data = home.path().join("shop");
        let arguments = ["up", "--ports", "auto", flag, &port, "--data", data.to_str().expect("UTF-8")];
        let (code, out, err) = shop::run(PROGRAM, &arguments).await;
        assert_eq!(code, 65, "{out}\n{err}");
        for part in [port.as_str(), role, flag, "--ports auto"] {
            assert!(err.contains(part), "{err:?} does not say {part:?}");
        }
        if cfg!(target_os = "linux") {
            assert!(err.contains(&format!("process {}", std::process::id())), "it is this test's: {err:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_in_use_is_left_alone_and_one_that_is_not_is_emptied() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let path = data.to_str().expect("UTF-8");
    let shop = Shop::start_on(PROGRAM, &data, &[]).await;
    let order = shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    for arguments in
        [["up", "--ports", "auto", "--data", path].as_slice(), &["reset", "--yes", "--data", path]]
    {
        let (code, out, err) = shop::run(PROGRAM, arguments).await;
        assert_eq!(code, 66, "{out}\n{err}");
        for part in [path, &format!("process {}", shop.pid()), "tradewind down", "--data"] {
            assert!(err.contains(part), "{err:?} does not say {part:?}");
        }
    }
    assert_eq!(shop.order(order.id).await, order, "the shop goes on");
    shop.stop().await;

    let (code, _, err) = shop::run(PROGRAM, &["reset", "--data", path]).await;
    assert!(code == 64 && err.contains("--yes"), "nobody could answer: {err}");
    let (code, _, err) = shop::run(PROGRAM, &["reset", "--yes", "--data", path]).await;
    assert_eq!(code, 0, "{err}");
    let left: Vec<_> =
        std::fs::read_dir(&data).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| name == "up.lock" || name == "fleet.lock"), "{left:?}");
    if !ground().offers(&[Need::Files]) {
        return;
    }
    let shop = Shop::start_on(PROGRAM, &data, &[]).await;
    let gone = shop.http.get(shop.url(&format!("/api/orders/{}", order.id))).send().await.expect("an answer");
    assert_eq!(gone.status(), 404);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_shop_every_command_says_how_to_start_one() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().to_str().expect("UTF-8");
    for command in [
        ["status"].as_slice(),
        &["order"],
        &["wires"],
        &["config", "get", "orders"],
        &["audit"],
        &["stock", "KIT-0001"],
        &["trace", "01890a5d-ac96-774b-bcce-b302099a8057"],
    ] {
        let (code, _, err) = shop::run(PROGRAM, &[command, &["--data", path]].concat()).await;
        assert_eq!(code, 69, "{command:?}: {err}");
        assert!(err.contains("tradewind up") && err.contains(path), "{command:?}: {err}");
    }
    let (code, out, _) = shop::run(PROGRAM, &["down", "--data", path]).await;
    assert!(code == 0 && out.contains("no shop is running"), "that none runs is no failure: {out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_ends_the_start_with_the_reason_and_leaves_nothing_running() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let path = data.to_str().expect("UTF-8");
    // nothing listens on port 1
    let store = "postgres://shop:hush@127.0.0.1:1/shop";
    let (code, out, err) =
        shop::run(PROGRAM, &["up", "--ports", "auto", "--data", path, "--store", store]).await;
    assert_eq!(code, 1, "{out}\n{err}");
    let log = data.join("logs").join("card-network.log");
    for part in ["the shop did not start", "card-network", "refused", log.to_str().expect("UTF-8")] {
        assert!(err.contains(part), "{err:?} does not say {part:?}");
    }
    let logged = std::fs::read_to_string(&log).expect("its log");
    assert!(!err.contains("hush") && !logged.contains("hush"), "the password is nobody's business");
    let (code, _, _) = shop::run(PROGRAM, &["status", "--data", path]).await;
    assert_eq!(code, 69, "nothing runs on it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_that_make_no_sense_end_with_64() {
    let home = tempfile::tempdir().expect("a folder");
    let nowhere = home.path().join("nowhere");
    let nowhere = nowhere.to_str().expect("UTF-8");
    let up = ["up", "--ports", "auto", "--data", home.path().to_str().expect("UTF-8")];
    for (arguments, says) in [
        (["--config", nowhere], nowhere),
        // nothing listens on port 1
        (["--registry", "http://127.0.0.1:1"], "--registry"),
        (["--registry", "dns://{module}.shop:9000"], "--registry"),
        (["--registry", "http://me:hush@127.0.0.1:8500"], "TRADEWIND_REGISTRY_TOKEN"),
        (["--broker", "amqp://guest:guest@127.0.0.1:1"], "--broker"),
        (["--otlp", "127.0.0.1:4317"], "--otlp none"),
        (["--store", "mysql://root@localhost/shop"], "postgres://"),
        (["--ports", "some"], "--ports"),
    ] {
        let (code, out, err) = shop::run(PROGRAM, &[up.as_slice(), &arguments].concat()).await;
        assert_eq!(code, 64, "{arguments:?}: {out}\n{err}");
        assert!(err.contains(says) && !err.contains("hush"), "{arguments:?}: {err}");
    }
    let run = ["run", "orders", "--data", nowhere];
    let addresses = ["--registry", "consul", "--broker", "me:hush@rabbitmq", "--otlp", "https://collector"];
    let (code, out, err) = shop::run(PROGRAM, &[run.as_slice(), &addresses].concat()).await;
    let told = format!("{out}{err}");
    assert_eq!(code, 64, "{told}");
    for part in ["the registry's address", "the broker's address", "--otlp"] {
        assert!(told.contains(part), "every fault at once: {told}");
    }
    assert!(!told.contains("hush"), "{told}");
}
