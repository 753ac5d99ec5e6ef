//! Each test card, at the real card network over HTTP.

use std::sync::Arc;
use std::time::Duration;

use card_network::Config;
use chassis::config::Live;
use chassis::process::run_standalone;
use chassis::store::StoreUrl;
use contracts::payments::{PaymentStatus, Payments};
use contracts::types::PageRequest;
use contracts::{Code, OrderId};
use payments::config::CardNetworkConfig;
use payments::network::{CardNetwork, HttpCardNetwork, NetworkError};
use payments::service::Service;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{PRICE, Shop, Till, code, ctx, new_order, service, shops};

/// The real network on a port of its own, and payments that call it. The network stops with this value.
struct Street {
    service: Arc<Service>,
    shop: Shop,
    _folder: tempfile::TempDir,
    _stop: DropGuard,
}

async fn streets() -> Vec<Street> {
    let mut streets = Vec::new();
    for shop in shops().await {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            slow: Duration::from_millis(300),
            hang: Duration::from_secs(60),
            ..Config::new(StoreUrl::sqlite_in(folder.path()))
        };
        let network = card_network::CardNetwork::open(config).await.expect("opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let stop = CancellationToken::new();
        tokio::spawn(run_standalone(network.router(), listener, stop.clone(), std::future::ready(())));
        let client = HttpCardNetwork::new(Live::fixed(CardNetworkConfig { url, timeout_ms: 1000 }));
        let service = service(Arc::new(shop.store.clone()), Arc::new(client), &shop.clock);
        streets.push(Street { service, shop, _folder: folder, _stop: stop.drop_guard() });
    }
    streets
}

async fn books(service: &Service, order: OrderId) -> contracts::payments::NetworkRecord {
    let page = service.audit(&ctx(), PageRequest::default()).await.expect("audited");
    let audited = page.items.into_iter().find(|audited| audited.payment.order_id == order).expect("listed");
    audited.network.expect("a record")
}

#[tokio::test]
async fn cards_that_approve_sooner_or_later_are_charged_once_and_refunded() {
    for street in streets().await {
        for card in ["tok_approve", "tok_slow", "tok_flaky", "tok_charge_then_time_out"] {
            let (till, order) = (Till(&*street.service), new_order());
            let authorized = till.authorize_with(order, card, PRICE).await.expect(card);
            assert_eq!(authorized.status, PaymentStatus::Authorized, "{card} on {}", street.shop.engine);
            assert_eq!(till.capture(order).await.expect(card).status, PaymentStatus::Captured, "{card}");
            assert_eq!(till.refund(order).await.expect(card).status, PaymentStatus::Refunded, "{card}");
            assert_eq!(till.transfers(order).await, ["authorize", "capture", "refund"], "{card}");
            let books = books(&street.service, order).await;
            assert_eq!(
                (books.holds, books.captures, books.captured, books.refunded),
                (1, 1, 1999, 1999),
                "{card}"
            );

            let order = new_order();
            till.authorize_with(order, card, PRICE).await.expect(card);
            assert_eq!(till.void(order).await.expect(card).status, PaymentStatus::Voided, "{card}");
        }
    }
}

#[tokio::test]
async fn cards_that_the_bank_refuses_say_why() {
    for street in streets().await {
        let cases = [
            ("tok_decline", Code::CardDeclined),
            ("tok_insufficient_funds", Code::InsufficientFunds),
            ("tok_nobody_knows", Code::CardDeclined),
        ];
        for (card, expected) in cases {
            let (till, order) = (Till(&*street.service), new_order());
            for _ in 0..2 {
                assert_eq!(code(till.authorize_with(order, card, PRICE).await), expected, "{card}");
            }
            let books = books(&street.service, order).await;
            assert_eq!((books.holds, books.captures), (0, 0), "{card}");
        }
    }
}

#[tokio::test]
async fn a_caller_with_little_time_learns_that_the_outcome_is_open() {
    for street in streets().await {
        let order = new_order();
        let hurried = ctx().within(Duration::from_millis(150));
        let request = contracts::payments::AuthorizePayment {
            order_id: order,
            amount: PRICE,
            card: contracts::payments::CardToken("tok_slow".into()),
        };
        let refused = street.service.authorize(&hurried, request).await.expect_err("too little time");
        assert_eq!(refused.code(), Some(Code::OutcomeUnknown));
        let till = Till(&*street.service);
        let settled = till.authorize_with(order, "tok_slow", PRICE).await.expect("settled by asking again");
        assert_eq!(settled.status, PaymentStatus::Authorized);
    }
}

#[tokio::test]
async fn an_answer_that_goes_on_and_on_is_given_up() {
    use axum::{Router, body::Body, routing::any};

    let endless = any(|| async {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1024]));
        Body::from_stream(chunks)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let stop = CancellationToken::new();
    let router = Router::new().route("/holds/{key}", endless);
    tokio::spawn(run_standalone(router, listener, stop.clone(), std::future::ready(())));
    let _stop = stop.drop_guard();
    let client = HttpCardNetwork::new(Live::fixed(CardNetworkConfig { url, timeout_ms: 20_000 }));
    let error = client.look_up(&ctx(), new_order()).await.expect_err("no answer");
    assert!(matches!(&error, NetworkError::Unknown(why) if why.contains("more than")), "{error}");
}

#[tokio::test]
async fn a_network_that_cannot_be_reached_leaves_the_outcome_open() {
    for shop in shops().await {
        let url = format!("http://127.0.0.1:{}", testkit::free_port());
        let client = HttpCardNetwork::new(Live::fixed(CardNetworkConfig { url, timeout_ms: 500 }));
        let service = service(Arc::new(shop.store.clone()), Arc::new(client), &shop.clock);
        let till = Till(&*service);
        let order = new_order();
        assert_eq!(code(till.authorize(order).await), Code::OutcomeUnknown);
        let refused = service.audit(&ctx(), PageRequest::default()).await.expect_err("nobody to ask");
        assert_eq!(refused.code(), Some(Code::DependencyUnavailable));
        // another replica can reach it
        assert_eq!(shop.till().authorize(order).await.expect("authorized").status, PaymentStatus::Authorized);
    }
}
