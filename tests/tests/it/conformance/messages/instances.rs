//! Several instances of a callee, and their coming and going.

use std::sync::Arc;
use std::time::Duration;

use contracts::orders::PLACE;
use contracts::{Effect, RemoteReason};
use futures::future::join_all;
use testkit::{brokers, eventually};
use tokio::sync::Semaphore;
use wires::WireKind;

use super::super::broker_house::Instance;
use super::super::cases;
use super::super::house::{PATIENCE, assert_remote, unhurried};
use super::super::scripted::{Script, Scripted};
use super::{answers, asked, house, level};

#[tokio::test]
async fn the_broker_shares_the_calls_out_among_instances() {
    for host in brokers().await {
        let (first, house) = house(host, answers()).await;
        let second = Scripted::new();
        second.play(answers());
        let _other = Instance::at(&house.host.url, &second).await;
        let clients = house.clients();
        eventually("both instances to be called", PATIENCE, || async {
            let calls = (0..20).map(|_| async { clients.inventory.stock(&unhurried(), asked()).await });
            assert!(join_all(calls).await.into_iter().all(|reply| reply == Ok(level())));
            (first.count() > 0 && second.count() > 0).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_instance_that_drains_answers_what_it_has_taken_and_takes_no_more() {
    for host in brokers().await {
        let permits = Arc::new(Semaphore::new(0));
        // the operation that has the most time
        let place = cases::one_each().into_iter().find(|case| *case.operation == PLACE).expect("a case");
        let (leaving, house) = house(host, Script::ReplyWhen(permits.clone(), place.reply.clone())).await;
        let clients = house.clients();
        let under_way: Vec<_> = (0..10).map(|_| tokio::spawn(place.call(&clients, unhurried()))).collect();
        eventually("the calls to arrive", PATIENCE, || async { (leaving.count() == 10).then_some(()) }).await;
        let staying = Scripted::new();
        staying.play(Script::Reply(place.reply.clone()));
        let _other = Instance::at(&house.host.url, &staying).await;
        let draining = tokio::spawn(house.callee.drain());
        eventually("all calls to go to the other instance", PATIENCE, || async {
            // the one that leaves would not answer
            let patience = || unhurried().within(Duration::from_millis(200));
            let calls = join_all((0..10).map(|_| place.call(&clients, patience()))).await;
            calls.iter().all(Result::is_ok).then_some(())
        })
        .await;
        assert!(!draining.is_finished(), "calls are under way");
        permits.add_permits(leaving.count());
        for call in under_way {
            let reply = call.await.expect("does not panic").expect("is answered");
            place.assert_reply(&reply, WireKind::Amqp);
        }
        tokio::time::timeout(PATIENCE, draining).await.expect("drains in time").expect("drains");
    }
}

#[tokio::test]
async fn the_last_instance_takes_its_queue_with_it() {
    for host in brokers().await {
        let (_callee, house) = house(host, answers()).await;
        let clients = house.clients();
        assert_eq!(clients.inventory.stock(&unhurried(), asked()).await, Ok(level()));
        house.callee.drain().await;
        let refused = clients.inventory.stock(&unhurried(), asked()).await;
        let operation = &contracts::inventory::STOCK;
        assert_remote(refused, operation, WireKind::Amqp, RemoteReason::NoInstance, Effect::None);
    }
}
