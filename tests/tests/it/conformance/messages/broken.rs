//! The connection to the broker is lost, on the caller's side and on the callee's; or there is none.

use std::net::SocketAddr;
use std::sync::Arc;

use contracts::inventory::WatchStock;
use contracts::{Effect, RemoteReason, Shape};
use futures::StreamExt;
use futures::future::join_all;
use parking_lot::Mutex;
use testkit::{Proxy, brokers, eventually};
use tokio_util::sync::CancellationToken;
use wires::WireKind;

use super::super::broker_house::{clients, connected};
use super::super::cases;
use super::super::house::{PATIENCE, assert_remote, effect_when_sent, unhurried};
use super::super::scripted::Script;
use super::{answers, asked, house, level};

const AMQP: WireKind = WireKind::Amqp;

/// The URL of the broker, by way of `proxy`.
fn through(proxy: &Proxy, url: &str) -> String {
    let (head, _, virtual_host) = parts(url);
    format!("{head}@{}/{virtual_host}", proxy.address())
}

fn address(url: &str) -> SocketAddr {
    parts(url).1
}

fn parts(url: &str) -> (&str, SocketAddr, &str) {
    let (head, rest) = url.split_once('@').expect("a user");
    let (address, virtual_host) = rest.split_once('/').expect("a virtual host");
    (head, address.parse().expect("an address"), virtual_host)
}

#[tokio::test]
async fn calls_under_way_may_have_happened_when_the_callers_connection_is_cut() {
    for host in brokers().await {
        let (callee, house) = house(host, Script::Hang).await;
        let proxy = Proxy::to(address(&house.host.url)).await;
        let stop = CancellationToken::new();
        let clients = clients(connected(&through(&proxy, &house.host.url), &stop).await);
        let cases = cases::one_each();
        let calls = join_all(cases.iter().map(|case| case.call(&clients, unhurried())));
        let cut = async {
            eventually("every call to arrive", PATIENCE, || async {
                (callee.count() == cases.len()).then_some(())
            })
            .await;
            proxy.cut().await;
        };
        let (results, ()) = tokio::join!(calls, cut);
        for (case, result) in cases.iter().zip(results) {
            assert_remote(
                result,
                case.operation,
                AMQP,
                RemoteReason::Broken,
                effect_when_sent(case.operation),
            );
        }
        // while it is cut nothing is sent
        let refused = clients.inventory.stock(&unhurried(), asked()).await;
        assert_remote(refused, &contracts::inventory::STOCK, AMQP, RemoteReason::Unreachable, Effect::None);
        proxy.pass().await;
        callee.play(answers());
        eventually("calls to succeed again", PATIENCE, || async {
            clients.inventory.stock(&unhurried(), asked()).await.ok().map(|reply| assert_eq!(reply, level()))
        })
        .await;
    }
}

#[tokio::test]
async fn both_sides_come_back_when_the_broker_closes_their_connections() {
    for host in brokers().await {
        let (_callee, house) = house(host, answers()).await;
        let clients = house.clients();
        assert_eq!(clients.inventory.stock(&unhurried(), asked()).await, Ok(level()));
        eventually("the connections to be listed and closed", PATIENCE, || async {
            (house.host.close_connections().await >= 2).then_some(())
        })
        .await;
        eventually("calls to succeed again", PATIENCE, || async {
            clients.inventory.stock(&unhurried(), asked()).await.ok().map(|reply| assert_eq!(reply, level()))
        })
        .await;
    }
}

#[tokio::test]
async fn a_stream_breaks_when_the_callers_connection_is_cut_and_the_callee_ends_it() {
    for host in brokers().await {
        let (callee, house) = house(host, Script::Hang).await;
        let dropped = CancellationToken::new();
        let guard = Arc::new(Mutex::new(Some(dropped.clone().drop_guard())));
        callee.play(Script::Watch(Arc::new(move |changes| {
            let guard = guard.lock().take();
            let levels = changes.map(move |_| {
                let _held = &guard;
                Ok(level())
            });
            levels.boxed()
        })));
        let proxy = Proxy::to(address(&house.host.url)).await;
        let stop = CancellationToken::new();
        let clients = clients(connected(&through(&proxy, &house.host.url), &stop).await);
        let changes =
            futures::stream::iter([WatchStock::Add("A-1".into())]).chain(futures::stream::pending());
        let mut levels = clients.inventory.watch(&unhurried(), changes.boxed()).await.expect("opens");
        assert_eq!(levels.next().await, Some(Ok(level())));
        proxy.cut().await;
        let broken = levels.next().await.expect("an error");
        assert_remote(broken, &contracts::inventory::WATCH, AMQP, RemoteReason::Broken, Effect::None);
        assert_eq!(levels.next().await, None);
        // the caller is not heard any more
        let noticed = tokio::time::timeout(PATIENCE * 3, dropped.cancelled()).await;
        noticed.expect("the callee's stream ends");
    }
}

#[tokio::test]
async fn a_stream_breaks_when_its_callee_is_gone() {
    for host in brokers().await {
        let (callee, house) = house(host, Script::Hang).await;
        callee.play(Script::Watch(Arc::new(|_| {
            futures::stream::iter([Ok(level())]).chain(futures::stream::pending()).boxed()
        })));
        let clients = house.clients();
        let mut levels =
            clients.inventory.watch(&unhurried(), futures::stream::pending().boxed()).await.expect("opens");
        assert_eq!(levels.next().await, Some(Ok(level())));
        drop(house.callee);
        let broken =
            tokio::time::timeout(PATIENCE * 3, levels.next()).await.expect("notices").expect("an error");
        assert_remote(broken, &contracts::inventory::WATCH, AMQP, RemoteReason::Broken, Effect::None);
    }
}

#[tokio::test]
async fn a_callee_that_nobody_knows_of_is_noticed_at_once_and_did_nothing() {
    for host in brokers().await {
        let stop = CancellationToken::new();
        let clients = clients(connected(&host.url, &stop).await);
        for case in cases::one_each() {
            let result = case.call(&clients, unhurried()).await;
            assert_remote(result, case.operation, AMQP, RemoteReason::NoInstance, Effect::None);
        }
    }
}

#[tokio::test]
async fn a_broker_that_is_away_is_unreachable_and_nothing_happened() {
    let stop = CancellationToken::new();
    let nowhere = format!("amqp://guest:guest@127.0.0.1:{}", testkit::free_port());
    let broker = chassis::messaging::Broker::connect(&nowhere, "a test", stop.clone()).expect("an address");
    let clients = clients(broker);
    for case in cases::one_each().into_iter().filter(|case| case.operation.shape == Shape::Unary).take(3) {
        let result = case.call(&clients, unhurried()).await;
        assert_remote(result, case.operation, AMQP, RemoteReason::Unreachable, Effect::None);
    }
}
