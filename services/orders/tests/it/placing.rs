//! Requests that create no order.

use contracts::orders::{Orders as _, PlaceOrder};
use contracts::types::Line;
use contracts::{Code, Problem};

use crate::others::Answer::{self, NotBegun, Refused};
use crate::others::Call::{self, Products, Quote, Reserve};
use crate::others::ports::PRICELESS;
use crate::shop::{Shop, ctx, problem, request};

/// Why a request is refused; fails where an order came of it.
async fn refused(shop: &Shop, request: PlaceOrder) -> Problem {
    let refused = problem(shop.service.place(&ctx(), request).await);
    assert_eq!(shop.orders().await, [], "{refused}");
    assert_eq!(shop.others.count(Reserve), 0, "{refused}");
    assert_eq!(refused.resource, None);
    refused
}

#[tokio::test]
async fn a_faulty_request_is_refused_with_every_fault_before_anybody_is_asked() {
    let shop = Shop::open().await;
    let line = |sku: &str, quantity| Line { sku: sku.into(), quantity };
    let faulty = |change: &dyn Fn(&mut PlaceOrder)| {
        let mut request = request();
        change(&mut request);
        request
    };
    for (request, fields) in [
        (faulty(&|it| it.lines.clear()), &["lines"][..]),
        (faulty(&|it| it.lines[0].quantity = 0), &["lines[0].quantity"]),
        (faulty(&|it| it.lines[1].quantity = u32::MAX), &["lines[1].quantity"]),
        (faulty(&|it| it.lines.push(line("A-1", 1))), &["lines[2].sku"]),
        (faulty(&|it| it.lines = (0..1000).map(|n| line(&format!("A-{n}"), 1)).collect()), &["lines"]),
        (faulty(&|it| it.customer_id.0 = "'; --".into()), &["customer_id"]),
        (faulty(&|it| it.card.0 = "4242424242424242".into()), &["card"]),
        (
            faulty(&|it| {
                it.address.city = " ".into();
                it.address.street = "x\u{0}".into();
                it.address.country = "de".into();
            }),
            &["address.street", "address.city", "address.country"],
        ),
    ] {
        let problem = refused(&shop, request).await;
        assert_eq!(problem.code, Code::InvalidRequest);
        assert_eq!(problem.faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), fields);
    }
    assert_eq!(shop.others.count(Products), 0);
}

#[tokio::test]
async fn what_catalog_and_shipping_refuse_creates_no_order() {
    let cases: [(Call, Answer, Code); 5] = [
        (Products, Refused(Code::UnknownSku), Code::UnknownSku),
        (Products, NotBegun, Code::DependencyUnavailable),
        (Quote, Refused(Code::ShipmentRefused), Code::ShipmentRefused),
        (Quote, Refused(Code::Unavailable), Code::Unavailable),
        (Quote, NotBegun, Code::DependencyUnavailable),
    ];
    for (call, answer, told) in cases {
        let shop = Shop::open().await;
        shop.others.script(call, [answer]);
        assert_eq!(refused(&shop, request()).await.code, told, "{call:?}");
    }
}

#[tokio::test]
async fn an_order_that_costs_more_than_can_be_counted_is_refused() {
    let shop = Shop::open().await;
    let mut dear = request();
    dear.lines[0].sku = PRICELESS.into();
    assert_eq!(refused(&shop, dear).await.code, Code::InvalidRequest);
}
