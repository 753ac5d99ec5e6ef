//! The broker dies and comes back, and a service is cut off from it: nothing that was acknowledged is lost,
//! and nothing is done twice.

use std::net::SocketAddr;

use chassis::messaging::mailbox::MessagesStatus;
use contracts::orders::Coordination;
use system_tests::ground::{Need, ground};
use system_tests::load::{Answer, Load, Told, tally};
use system_tests::shop::{PATIENCE, Shop};
use testkit::{Proxy, brokers, eventually};
use tradewind::topology::Part;

use super::carriers::mortals;
use super::shop_on;

const CARDS: [&str; 4] = ["tok_approve", "tok_approve", "tok_decline", "tok_flaky"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_is_killed_twice_in_mid_stream() {
    for broker in mortals().await {
        let shop = broker.shop().await;
        let load = Load::coordinated(&shop, &CARDS, &Coordination::ALL);
        for _ in 0..2 {
            load.confirms(20).await;
            // orders are taken all the same: what they say waits in the outbox
            broker.die(&shop, async || load.confirms(20).await).await;
            load.confirms(20).await;
        }
        nothing_lost(&shop, load.stop().await).await;
        shop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_between_the_whole_shop_and_its_broker_heals() {
    if !ground().offers(&[Need::Broker]) {
        return;
    }
    for host in brokers().await {
        let (proxy, url) = proxied(&host.url).await;
        let shop = shop_on(&url).await;
        let load = Load::coordinated(&shop, &CARDS, &Coordination::ALL);
        load.confirms(20).await;
        // nothing is closed, and nothing gets through
        proxy.stall().await;
        load.confirms(20).await;
        for module in ["orders", "inventory", "payments", "shipping"] {
            in_trouble(&shop, module).await;
        }
        proxy.pass().await;
        load.confirms(20).await;
        proxy.cut().await;
        load.confirms(20).await;
        proxy.pass().await;
        load.confirms(20).await;
        nothing_lost(&shop, load.stop().await).await;
        shop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_between_one_service_and_the_broker_heals() {
    if !ground().offers(&[Need::Broker, Need::OwnProcess(Part::Payments)]) {
        return;
    }
    for host in brokers().await {
        let shop = shop_on(&host.url).await;
        let (proxy, url) = proxied(&host.url).await;
        shop.supervisor().want("payments", "halt").await.expect("it stops");
        let apart = shop.start_apart("payments", &url).await;
        let load = Load::coordinated(&shop, &CARDS, &Coordination::ALL);
        load.confirms(20).await;
        // payments is called as before, and neither hears nor says anything by message
        proxy.stall().await;
        load.confirms(20).await;
        in_trouble(&shop, "payments").await;
        load.confirms(20).await;
        proxy.pass().await;
        load.confirms(20).await;
        nothing_lost(&shop, load.stop().await).await;
        drop(apart);
        shop.stop().await;
    }
}

/// Waits until the relay of `module`, in whichever instance it is, has noticed that nothing gets through.
async fn in_trouble(shop: &Shop, module: &str) {
    let path = format!("/control/{module}/messages");
    eventually(&format!("{module} to notice the silence"), PATIENCE, async || {
        let mut troubles = Vec::new();
        for instance in shop.client.instances(module).await.ok()? {
            let status: MessagesStatus =
                shop.client.read(shop.client.at(&instance.address, &path)).await.ok()?;
            troubles.extend(status.trouble);
        }
        troubles.pop()
    })
    .await;
}

/// A proxy before the broker at `url`, and the address through it.
async fn proxied(url: &str) -> (Proxy, String) {
    let authority = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("an authority");
    let server: SocketAddr = authority.parse().expect("an address");
    let proxy = Proxy::to(server).await;
    let through = url.replace(authority, &proxy.address().to_string());
    (proxy, through)
}

/// Every order that a customer knows of ends, each once, and the books agree.
async fn nothing_lost(shop: &Shop, told: Told) {
    println!("told: {:?}", tally(&told.answers));
    let improper = told.answers.iter().find(|answer| matches!(answer, Answer::Improper(_)));
    assert_eq!(improper, None);
    let known = told.orders();
    for id in &known {
        shop.rest(*id).await;
    }
    let report = shop.audit_clean(&known).await;
    assert!(report.orders.confirmed > 0, "{report:?}");
    for id in told.confirmed() {
        assert_eq!(shop.order(id).await.step, "confirmed", "as the customer was told");
    }
}
