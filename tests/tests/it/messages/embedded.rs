//! `up` and nothing else: the shop brings its broker along, which is a process like the others. It is killed,
//! stopped and started again, and keeps what it was given.

use contracts::messages::queues::{EVENT_LOG, QUEUES};
use contracts::orders::Coordination;
use rustix::process::Signal;
use serde_json::{Value, json};
use system_tests::ground::{Need, ground};
use system_tests::load::{Answer, Load, tally};
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop};
use testkit::{AmqpClient, BrokerKind, eventually};
use tradewind::topology::Part;

use super::{PROGRAM, dead_letters, order_in, settled};

/// Whether the embedded broker is among those that tests shall run on, and the shop has all that a test needs.
fn is_wanted(needs: &[Need]) -> bool {
    BrokerKind::wanted().contains(&BrokerKind::Embedded) && ground().offers(needs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn up_and_nothing_else_is_a_shop_with_all_its_messages() {
    if !is_wanted(&[Need::Broker]) {
        return;
    }
    let shop = Shop::start(PROGRAM, &[]).await;
    let mut ids = Vec::new();
    for coordination in Coordination::ALL {
        let order = settled(&shop, &order_in(coordination, "tok_approve")).await;
        assert_eq!((order.coordination, order.step.as_str()), (coordination, "confirmed"));
        ids.push(order.id);
    }
    every_queue_is_shown(&shop).await;

    AmqpClient::at(&shop.client.addresses().broker).publish("payments.commands", "no message of ours").await;
    let letters = dead_letters(&shop, 1).await;
    assert_eq!(letters[0]["queue"], "payments.commands", "{letters:?}");
    let (_, status, _) = shop.run(&["status"]).await;
    assert!(status.contains("payments.commands.dead-letters"), "it is not empty: {status}");
    let (code, said, complaint) = shop.run(&["dead-letters", "redrive", "--all"]).await;
    assert_eq!((code, said.trim()), (0, "1 message sent again"), "{complaint}");
    let letter = dead_letters(&shop, 1).await.remove(0);
    let id = letter["id"].as_str().expect("an id");
    let (code, said, complaint) = shop.run(&["dead-letters", "drop", id]).await;
    assert_eq!((code, said.trim()), (0, "1 message dropped"), "{complaint}");

    let (code, told, complaint) = shop.run(&["replay", "recommendations", "--json"]).await;
    assert_eq!(code, 0, "{told}{complaint}");
    let replayed: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&replayed["state"], &replayed["verdict"]["kind"]), (&json!("done"), &json!("same")));
    shop.audit_clean(&ids).await;
    shop.stop().await;
}

/// `status` knows every queue, and who takes messages out of it.
async fn every_queue_is_shown(shop: &Shop) {
    let broker = broker_status(shop).await;
    for queue in QUEUES {
        let shown = shown(&broker, queue.name);
        let consumers = consumers_of(queue.name);
        assert_eq!((&shown["kind"], &shown["consumers"]), (&json!("quorum"), &json!(consumers)), "{shown}");
        assert_eq!(self::shown(&broker, &queue.dead_letters())["ready"], 0);
    }
    let log = shown(&broker, EVENT_LOG);
    assert!(log["kind"] == "stream" && log["ready"].as_u64() > Some(10), "{log}");
    assert!(broker["totals"]["confirmed"].as_u64() > Some(10), "{broker}");
    let (code, text, _) = shop.run(&["status"]).await;
    let sums = text.lines().find(|line| line.contains(" queues ")).unwrap_or_else(|| panic!("{text}"));
    assert!(code == 0 && text.contains(EVENT_LOG), "{text}");
    assert!(sums.starts_with(&broker["queues"].as_array().expect("queues").len().to_string()), "{text}");
}

/// As many as the module has instances after which its queues are called.
fn consumers_of(queue: &str) -> usize {
    let module = queue.split('.').next().and_then(Part::named).expect("a module's queue");
    ground().instances(module).len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_taken_while_the_broker_is_stopped_and_confirmed_once_it_is_back() {
    if !is_wanted(&[Need::Broker]) {
        return;
    }
    let shop = Shop::start(PROGRAM, &[]).await;
    let (code, said, complaint) = shop.run(&["stop", "broker"]).await;
    assert_eq!((code, said.contains("broker is stopped")), (0, true), "{complaint}");
    let mut ids = Vec::new();
    for coordination in [Coordination::Orchestrated, Coordination::Choreographed] {
        let sent = shop.place(&order_in(coordination, "tok_approve"), None).await.expect("an answer");
        let reply = Reply::of(sent).await.expect("a body");
        let order = reply.accepted().unwrap_or_else(|| panic!("not accepted: {reply:?}"));
        ids.push(order.id);
    }
    let direct = settled(&shop, &order_in(Coordination::Sync, "tok_approve")).await;
    assert_eq!(direct.step, "confirmed", "calls need no broker");
    ids.push(direct.id);
    // those whose door promises that somebody comes are not stopped
    let door = shop.host("gateway").await.name;
    let (code, _, complaint) = shop.run(&["stop", &door]).await;
    assert!(code == 64 && complaint.contains("broker"), "{complaint}");
    let alone = ground().topology.processes.iter().filter(|process| !process.has(Part::Gateway));
    for process in alone.filter(|_| ground().topology.has_registry()) {
        assert!(complaint.contains(&process.name), "{} can be stopped: {complaint}", process.name);
    }

    let (code, _, complaint) = shop.run(&["start", "broker"]).await;
    assert_eq!(code, 0, "{complaint}");
    for id in &ids {
        assert_eq!(shop.rest(*id).await.step, "confirmed");
    }
    shop.audit_clean(&ids).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_dies_again_and_again_in_mid_stream_and_nothing_is_lost() {
    if !is_wanted(&[Need::Broker]) {
        return;
    }
    let shop = Shop::start(PROGRAM, &[]).await;
    let load = Load::coordinated(&shop, &["tok_approve", "tok_decline"], &Coordination::ALL);
    for _ in 0..4 {
        load.confirms(15).await;
        let killed = shop.kill("broker").await;
        shop.back(&killed).await;
    }
    load.confirms(15).await;
    let told = load.stop().await;
    println!("told: {:?}", tally(&told.answers));
    assert!(!told.answers.iter().any(|answer| matches!(answer, Answer::Improper(_))), "{:?}", told.answers);
    let known = told.orders();
    for id in &known {
        shop.rest(*id).await;
    }
    shop.audit_clean(&known).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_holds_is_there_at_the_next_up_however_the_shop_ended() {
    if !is_wanted(&[Need::Broker, Need::OwnProcess(Part::Payments)]) {
        return;
    }
    for ending in [Signal::TERM, Signal::KILL] {
        let home = tempfile::tempdir().expect("a folder");
        let data = home.path().join("shop");
        let mut shop = Shop::start_on(PROGRAM, &data, &[]).await;
        let bought = settled(&shop, &order_in(Coordination::Choreographed, "tok_approve")).await;
        AmqpClient::at(&shop.client.addresses().broker).publish("orders.events", "no message of ours").await;
        let letters = dead_letters(&shop, 1).await;
        // a command waits for somebody who does not come
        shop.supervisor().want("payments", "halt").await.expect("it stops");
        let sent = shop.place(&order_in(Coordination::Orchestrated, "tok_approve"), None).await;
        let waiting = Reply::of(sent.expect("an answer")).await.expect("a body");
        let waiting = waiting.accepted().unwrap_or_else(|| panic!("not accepted: {waiting:?}")).id;
        eventually("the command to be in its queue", PATIENCE, async || {
            (shown(&broker_status(&shop).await, "payments.commands")["ready"] == 1).then_some(())
        })
        .await;
        let kept = shown(&broker_status(&shop).await, EVENT_LOG)["ready"].as_u64();
        shop.signal(ending);
        shop.ended().await;

        let shop = Shop::start_on(PROGRAM, &data, &[]).await;
        assert_eq!(dead_letters(&shop, 1).await[0]["body"], letters[0]["body"]);
        assert!(shown(&broker_status(&shop).await, EVENT_LOG)["ready"].as_u64() >= kept, "{ending:?}");
        assert_eq!(shop.rest(waiting).await.step, "confirmed", "after {ending:?}");
        shop.audit_clean(&[bought.id, waiting]).await;
        shop.stop().await;
    }
}

/// What `status --json` tells of the broker.
async fn broker_status(shop: &Shop) -> Value {
    let (code, told, complaint) = shop.run(&["status", "--json"]).await;
    assert_eq!(code, 0, "{complaint}");
    let mut status: Value = serde_json::from_str(&told).expect("JSON");
    status["broker"].take()
}

/// What it tells of a queue.
fn shown(broker: &Value, queue: &str) -> Value {
    let mut queues = broker["queues"].as_array().into_iter().flatten();
    let found = queues.find(|shown| shown["name"] == queue);
    found.cloned().unwrap_or_else(|| panic!("no queue {queue}: {broker:#}"))
}
