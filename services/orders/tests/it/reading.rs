//! What can be read about orders.

use contracts::orders::{GetOrder, GetTimeline, ListOrders, Order, Orders as _};
use contracts::types::PageRequest;
use contracts::{Code, CustomerId, OrderId};
use uuid::Uuid;

use crate::shop::{Shop, ctx, problem, request};

/// Orders of these customers, oldest first.
async fn place_for(shop: &Shop, customers: &[&str]) -> Vec<Order> {
    let mut orders = Vec::new();
    for customer in customers {
        let mut request = request();
        request.customer_id = CustomerId((*customer).into());
        orders.push(shop.service.place(&ctx(), request).await.expect("is confirmed"));
    }
    orders
}

fn page(cursor: Option<String>, limit: u32) -> PageRequest {
    PageRequest { cursor, limit: Some(limit) }
}

#[tokio::test]
async fn a_customer_sees_their_own_orders_newest_first() {
    let shop = Shop::open().await;
    let mut adas = place_for(&shop, &["ada", "bob", "ada", "ada"]).await;
    adas.remove(1);
    adas.reverse();
    let list = async |page| {
        let request = ListOrders { customer_id: CustomerId("ada".into()), page };
        shop.service.list(&ctx(), request).await
    };
    let first = list(page(None, 2)).await.expect("a page");
    assert_eq!(first.items, adas[..2]);
    let second = list(page(first.next, 2)).await.expect("a page");
    assert_eq!((&second.items[..], second.next), (&adas[2..], None));
    assert_eq!(list(page(None, 3)).await.expect("a page").next, None, "there is no more than that");
    for limit in [0, 201] {
        assert_eq!(problem(list(page(None, limit)).await).code, Code::InvalidRequest);
    }
    assert_eq!(problem(list(page(Some("c1-beef".into()), 2)).await).code, Code::InvalidCursor);
    let nobody = ListOrders { customer_id: CustomerId(String::new()), page: PageRequest::default() };
    assert_eq!(problem(shop.service.list(&ctx(), nobody).await).code, Code::InvalidRequest);
}

#[tokio::test]
async fn the_audit_sees_every_order_oldest_first() {
    let shop = Shop::open().await;
    let orders = place_for(&shop, &["ada", "bob", "carol"]).await;
    let first = shop.service.audit(&ctx(), page(None, 2)).await.expect("a page");
    assert_eq!(first.items, orders[..2]);
    let second = shop.service.audit(&ctx(), page(first.next, 2)).await.expect("a page");
    assert_eq!((&second.items[..], second.next), (&orders[2..], None));
}

#[tokio::test]
async fn an_order_that_is_not_there_is_not_found() {
    let shop = Shop::open().await;
    let order_id = OrderId(Uuid::now_v7());
    let order = problem(shop.service.order(&ctx(), GetOrder { order_id }).await);
    let timeline = problem(shop.service.timeline(&ctx(), GetTimeline { order_id }).await);
    assert_eq!((order.code, timeline.code), (Code::NotFound, Code::NotFound));
    assert!(order.detail.contains(&order_id.to_string()), "{order}");
}
