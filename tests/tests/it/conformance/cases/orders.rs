//! The operations of orders.

use contracts::CustomerId;
use contracts::orders::{
    AUDIT, CANCEL, CancelOrder, Coordination, Direction, FOLLOW, FollowOrder, GetOrder, GetTimeline, LIST,
    ListOrders, ORDER, Order, OrderStatus, PLACE, PlaceOrder, PricedLine, Reason, TIMELINE, Timeline,
    TimelineEntry,
};
use contracts::payments::CardToken;
use contracts::types::{Line, Page};
use futures::TryStreamExt;

use super::Case;
use super::values::{
    EARLY, LAST, NOW, POOREST, RICHEST, TEXT, address, blank_page, fifty_lines, first_page, last_order_id,
    later_page, order_id,
};

/// An order in each state.
fn orders() -> Vec<Order> {
    let states = [
        OrderStatus::Placed,
        OrderStatus::Confirmed,
        OrderStatus::Rejected,
        OrderStatus::Cancelled,
        OrderStatus::Refunded,
    ];
    let reason = Reason { code: "out_of_stock".into(), detail: TEXT.into() };
    let reasons = [None, Some(reason)].into_iter().cycle();
    let coordinations = Coordination::ALL.into_iter().cycle();
    let order = |((status, reason), coordination)| Order {
        id: order_id(),
        customer_id: CustomerId(TEXT.into()),
        status,
        step: "awaiting_stock".into(),
        coordination,
        lines: fifty_lines().into_iter().map(priced).collect(),
        shipping: POOREST,
        total: RICHEST,
        reason,
        placed_at: EARLY,
        updated_at: LAST,
        version: u64::MAX,
    };
    states.into_iter().zip(reasons).zip(coordinations).map(order).collect()
}

fn priced(line: Line) -> PricedLine {
    PricedLine {
        sku: line.sku,
        name: TEXT.into(),
        quantity: line.quantity,
        unit_price: RICHEST,
        weight_grams: u32::MAX,
    }
}

fn timeline() -> Timeline {
    let entry = |version, from: Option<&str>, direction| TimelineEntry {
        version,
        at: NOW,
        from: from.map(str::to_owned),
        to: "reserving".into(),
        cause: "stock_reserved".into(),
        detail: TEXT.into(),
        direction,
        trace_id: String::new(),
    };
    let entries = vec![
        entry(0, None, Direction::Forward),
        entry(1, Some(""), Direction::Compensation),
        entry(u64::MAX, Some(TEXT), Direction::Forward),
    ];
    Timeline { order_id: last_order_id(), entries }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // each coordination and none, each wait and none
    let coordinations = [None].into_iter().chain(Coordination::ALL.map(Some)).cycle();
    let waits = [Some(u32::MAX), None, Some(0)].into_iter().cycle();
    let lines = [fifty_lines(), Vec::new()].into_iter().cycle();
    for (((order, lines), coordination), wait_ms) in
        orders().into_iter().zip(lines).zip(coordinations).zip(waits)
    {
        let request = PlaceOrder {
            customer_id: CustomerId(TEXT.into()),
            lines,
            card: CardToken("tok_approve".into()),
            address: address(),
            coordination,
            wait_ms,
        };
        cases.push(Case::new(&PLACE, request, order.clone(), |clients, ctx, request| async move {
            clients.orders.place(&ctx, request).await
        }));
        let request = GetOrder { order_id: order_id() };
        cases.push(Case::new(&ORDER, request, order.clone(), |clients, ctx, request| async move {
            clients.orders.order(&ctx, request).await
        }));
        let request = CancelOrder { order_id: last_order_id() };
        cases.push(Case::new(&CANCEL, request, order, |clients, ctx, request| async move {
            clients.orders.cancel(&ctx, request).await
        }));
    }
    for (page, items) in [(later_page(), orders()), (first_page(), Vec::new()), (blank_page(), orders())] {
        let reply = Page { items, next: page.cursor.clone() };
        let request = ListOrders { customer_id: CustomerId(TEXT.into()), page: page.clone() };
        cases.push(Case::new(&LIST, request, reply.clone(), |clients, ctx, request| async move {
            clients.orders.list(&ctx, request).await
        }));
        cases.push(Case::new(&AUDIT, page, reply, |clients, ctx, request| async move {
            clients.orders.audit(&ctx, request).await
        }));
    }
    for reply in [timeline(), Timeline { order_id: order_id(), entries: Vec::new() }] {
        let request = GetTimeline { order_id: reply.order_id };
        cases.push(Case::new(&TIMELINE, request, reply, |clients, ctx, request| async move {
            clients.orders.timeline(&ctx, request).await
        }));
    }
    for (after, steps) in
        [(None, timeline().entries), (Some(0), Vec::new()), (Some(u64::MAX), timeline().entries)]
    {
        let request = FollowOrder { order_id: order_id(), after };
        cases.push(Case::new(&FOLLOW, request, steps, |clients, ctx, request| async move {
            clients.orders.follow(&ctx, request).await?.try_collect().await
        }));
    }
    cases
}
