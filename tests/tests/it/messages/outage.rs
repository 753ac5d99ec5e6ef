//! Payments stopped for 20 seconds under a steady stream of orders: what each coordination makes of it. The
//! table in the README is what this prints.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::orders::Coordination;
use contracts::{Code, OrderId};
use futures::future::join_all;
use system_tests::ground::{Need, ground};
use system_tests::reply::Reply;
use tradewind::topology::Part;

use super::carriers::carriers;
use super::order_in;

/// How long payments is away.
const OUTAGE: Duration = Duration::from_secs(20);
/// One order of each coordination so often.
const EVERY: Duration = Duration::from_millis(250);

/// What the customers of one coordination were told while payments was away, and what became of them.
#[derive(Debug, Default)]
struct Tale {
    told: BTreeMap<String, usize>,
    slowest_answer: Duration,
    orders: Vec<OrderId>,
    ended: BTreeMap<String, usize>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_is_away_for_twenty_seconds() {
    if !ground().offers(&[Need::OwnProcess(Part::Payments)]) {
        return;
    }
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        shop.supervisor().want("payments", "halt").await.expect("it stops");
        let begun = Instant::now();
        let mut sent = Vec::new();
        let mut ticks = tokio::time::interval(EVERY);
        while begun.elapsed() < OUTAGE {
            ticks.tick().await;
            for coordination in Coordination::ALL {
                let (http, url) = (shop.http.clone(), shop.url("/api/orders"));
                sent.push(tokio::spawn(async move { order(&http, &url, coordination).await }));
            }
        }
        // whoever waits for an answer has it before payments is back
        let answers = join_all(sent).await;
        shop.supervisor().want("payments", "resume").await.expect("it comes back");
        let mut tales: BTreeMap<&str, Tale> = BTreeMap::new();
        for answer in answers {
            let (coordination, reply, took) = answer.expect("a customer does not panic");
            let tale = tales.entry(coordination.as_str()).or_default();
            let word = match (reply.confirmed(), reply.accepted(), reply.refusal()) {
                (Some(_), ..) => "confirmed".to_owned(),
                (_, Some(_), _) => "accepted".to_owned(),
                (_, _, Some(refusal)) => refusal.code.to_string(),
                _ => panic!("not a proper answer: {reply:?}"),
            };
            *tale.told.entry(word).or_default() += 1;
            tale.slowest_answer = tale.slowest_answer.max(took);
            tale.orders.extend(reply.order_id());
        }
        let known: Vec<OrderId> = tales.values().flat_map(|tale| tale.orders.clone()).collect();
        for tale in tales.values_mut() {
            for id in &tale.orders {
                *tale.ended.entry(shop.rest(*id).await.step).or_default() += 1;
            }
        }
        shop.audit_clean(&known).await;
        for (coordination, tale) in &tales {
            let Tale { told, slowest_answer, ended, .. } = tale;
            println!("{coordination}: told {told:?}, slowest answer {slowest_answer:?}, ended {ended:?}");
        }
        let sync = &tales["sync"];
        assert!(!sync.told.contains_key("confirmed") && !sync.ended.contains_key("confirmed"), "{sync:?}");
        for coordination in ["orchestrated", "choreographed"] {
            let tale = &tales[coordination];
            assert_eq!(tale.told.keys().collect::<Vec<_>>(), ["accepted"], "{coordination}: {tale:?}");
            assert_eq!(tale.ended.keys().collect::<Vec<_>>(), ["confirmed"], "{coordination}: {tale:?}");
        }
        shop.stop().await;
    }
}

async fn order(
    http: &reqwest::Client,
    url: &str,
    coordination: Coordination,
) -> (Coordination, Reply, Duration) {
    let begun = Instant::now();
    let sent = http.post(url).json(&order_in(coordination, "tok_approve")).send().await;
    let reply = Reply::of(sent.expect("an answer")).await.expect("a body");
    if let Some(refusal) = reply.refusal() {
        let clear = refusal.code == Code::DependencyUnavailable && refusal.detail.contains("payments");
        assert!(clear, "{refusal:?}");
    }
    (coordination, reply, begun.elapsed())
}
