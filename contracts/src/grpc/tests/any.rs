//! Random values of every request and reply, with the ends of each range among them.

pub(super) mod notifications;
pub(super) mod recommendations;

use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use crate::catalog::{
    AuditedProduct, GetProduct, GetProducts, ListProducts, Product, Products, SearchProducts,
};
use crate::inventory::{
    GetStock, InventoryRecord, Reservation, ReservationStatus, ReserveStock, StockAccount, StockLevel,
    WatchStock,
};
use crate::orders::{
    Coordination, Direction, FollowOrder, ListOrders, Order, OrderStatus, PlaceOrder, PricedLine, Reason,
    Timeline, TimelineEntry,
};
use crate::payments::{
    AuditedPayment, AuthorizePayment, CardToken, NetworkRecord, Payment, PaymentStatus, Posting,
};
use crate::shipping::{
    CancelShipment, Quote, QuoteShipping, Recall, ScheduleShipment, Shipment, ShipmentStatus, TrackingEvent,
};
use crate::types::{Address, Currency, CustomerId, Line, Money, OrderId, Page, PageRequest, Sku, Timestamp};

const FEW: RangeInclusive<usize> = 0..=3;

/// Any text, the empty one too.
fn text() -> impl Strategy<Value = String> {
    ".{0,12}"
}

/// Any integer, its extremes more often than chance would have it.
macro_rules! edges {
    ($($name:ident: $number:ty;)*) => {$(
        fn $name() -> impl Strategy<Value = $number> {
            prop_oneof![Just(0), Just(<$number>::MIN), Just(<$number>::MAX), any::<$number>()]
        }
    )*};
}
edges! {
    count: u32;
    version: u64;
    amount: i64;
}

fn sku() -> impl Strategy<Value = Sku> {
    text().prop_map(Sku)
}

fn customer_id() -> impl Strategy<Value = CustomerId> {
    text().prop_map(CustomerId)
}

fn card() -> impl Strategy<Value = CardToken> {
    text().prop_map(CardToken)
}

pub(super) fn order_id() -> impl Strategy<Value = OrderId> {
    any::<u128>().prop_map(|bits| OrderId(Uuid::from_u128(bits)))
}

pub(super) fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(-1), amount()].prop_map(Timestamp)
}

pub(super) fn money() -> impl Strategy<Value = Money> {
    (amount(), proptest::sample::select(vec![Currency::Eur, Currency::Usd, Currency::Gbp]))
        .prop_map(|(amount, currency)| Money { amount, currency })
}

fn line() -> impl Strategy<Value = Line> {
    (sku(), count()).prop_map(|(sku, quantity)| Line { sku, quantity })
}

fn address() -> impl Strategy<Value = Address> {
    (text(), text(), text(), text(), text()).prop_map(|(name, street, city, postal_code, country)| Address {
        name,
        street,
        city,
        postal_code,
        country,
    })
}

pub(super) fn page_request() -> impl Strategy<Value = PageRequest> {
    (option::of(text()), option::of(count())).prop_map(|(cursor, limit)| PageRequest { cursor, limit })
}

pub(super) fn page<T: std::fmt::Debug>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Page<T>> {
    (vec(item, FEW), option::of(text())).prop_map(|(items, next)| Page { items, next })
}

pub(super) fn list_products() -> impl Strategy<Value = ListProducts> {
    (option::of(text()), page_request()).prop_map(|(category, page)| ListProducts { category, page })
}

pub(super) fn search_products() -> impl Strategy<Value = SearchProducts> {
    (text(), page_request()).prop_map(|(query, page)| SearchProducts { query, page })
}

pub(super) fn get_product() -> impl Strategy<Value = GetProduct> {
    sku().prop_map(|sku| GetProduct { sku })
}

pub(super) fn get_products() -> impl Strategy<Value = GetProducts> {
    vec(sku(), FEW).prop_map(|skus| GetProducts { skus })
}

pub(super) fn product() -> impl Strategy<Value = Product> {
    (sku(), text(), text(), text(), money(), count(), version()).prop_map(
        |(sku, name, description, category, price, weight_grams, version)| Product {
            sku,
            name,
            description,
            category,
            price,
            weight_grams,
            version,
        },
    )
}

pub(super) fn products() -> impl Strategy<Value = Products> {
    vec(product(), FEW).prop_map(|products| Products { products })
}

pub(super) fn audited_product() -> impl Strategy<Value = AuditedProduct> {
    (sku(), money(), version()).prop_map(|(sku, price, version)| AuditedProduct { sku, price, version })
}

pub(super) fn get_stock() -> impl Strategy<Value = GetStock> {
    sku().prop_map(|sku| GetStock { sku })
}

pub(super) fn stock_level() -> impl Strategy<Value = StockLevel> {
    (sku(), count(), count(), version()).prop_map(|(sku, available, reserved, version)| StockLevel {
        sku,
        available,
        reserved,
        version,
    })
}

pub(super) fn reserve_stock() -> impl Strategy<Value = ReserveStock> {
    (order_id(), vec(line(), FEW)).prop_map(|(order_id, lines)| ReserveStock { order_id, lines })
}

pub(super) fn reservation() -> impl Strategy<Value = Reservation> {
    use ReservationStatus::{Committed, Expired, Released, Reserved};
    let status = proptest::sample::select(vec![Reserved, Committed, Released, Expired]);
    (order_id(), status, vec(line(), FEW), moment())
        .prop_map(|(order_id, status, lines, expires_at)| Reservation { order_id, status, lines, expires_at })
}

pub(super) fn watch_stock() -> impl Strategy<Value = WatchStock> {
    prop_oneof![sku().prop_map(WatchStock::Add), sku().prop_map(WatchStock::Drop)]
}

fn stock_account() -> impl Strategy<Value = StockAccount> {
    (sku(), amount(), amount(), amount(), amount()).prop_map(|(sku, initial, available, reserved, sold)| {
        StockAccount { sku, initial, available, reserved, sold }
    })
}

pub(super) fn inventory_record() -> impl Strategy<Value = InventoryRecord> {
    prop_oneof![
        stock_account().prop_map(InventoryRecord::Account),
        reservation().prop_map(InventoryRecord::Claim)
    ]
}

pub(super) fn authorize_payment() -> impl Strategy<Value = AuthorizePayment> {
    (order_id(), money(), card()).prop_map(|(order_id, amount, card)| AuthorizePayment {
        order_id,
        amount,
        card,
    })
}

pub(super) fn payment() -> impl Strategy<Value = Payment> {
    let status = proptest::sample::select(vec![
        PaymentStatus::Authorizing,
        PaymentStatus::Authorized,
        PaymentStatus::Declined,
        PaymentStatus::Capturing,
        PaymentStatus::Captured,
        PaymentStatus::Voiding,
        PaymentStatus::Voided,
        PaymentStatus::Refunding,
        PaymentStatus::Refunded,
    ]);
    (order_id(), status, option::of(money()), moment())
        .prop_map(|(order_id, status, amount, updated_at)| Payment { order_id, status, amount, updated_at })
}

pub(super) fn posting() -> impl Strategy<Value = Posting> {
    (text(), text(), order_id(), text(), money(), moment()).prop_map(
        |(id, transfer, order_id, account, amount, posted_at)| Posting {
            id,
            transfer,
            order_id,
            account,
            amount,
            posted_at,
        },
    )
}

fn network_record() -> impl Strategy<Value = NetworkRecord> {
    (count(), count(), amount(), amount()).prop_map(|(holds, captures, captured, refunded)| NetworkRecord {
        holds,
        captures,
        captured,
        refunded,
    })
}

pub(super) fn audited_payment() -> impl Strategy<Value = AuditedPayment> {
    (payment(), option::of(network_record()))
        .prop_map(|(payment, network)| AuditedPayment { payment, network })
}

pub(super) fn quote_shipping() -> impl Strategy<Value = QuoteShipping> {
    (text(), count()).prop_map(|(country, weight_grams)| QuoteShipping { country, weight_grams })
}

pub(super) fn quote() -> impl Strategy<Value = Quote> {
    (text(), money(), count()).prop_map(|(carrier, price, days)| Quote { carrier, price, days })
}

pub(super) fn schedule_shipment() -> impl Strategy<Value = ScheduleShipment> {
    (order_id(), address(), count()).prop_map(|(order_id, address, weight_grams)| ScheduleShipment {
        order_id,
        address,
        weight_grams,
    })
}

pub(super) fn cancel_shipment() -> impl Strategy<Value = CancelShipment> {
    (order_id(), proptest::sample::select(vec![Recall::Never, Recall::IfShipped]))
        .prop_map(|(order_id, recall)| CancelShipment { order_id, recall })
}

fn shipment_status() -> impl Strategy<Value = ShipmentStatus> {
    use ShipmentStatus::{Cancelled, Delivered, Scheduled, Shipped};
    proptest::sample::select(vec![Scheduled, Shipped, Delivered, Cancelled])
}

pub(super) fn shipment() -> impl Strategy<Value = Shipment> {
    (order_id(), shipment_status(), text(), text(), moment()).prop_map(
        |(order_id, status, carrier, tracking_number, updated_at)| Shipment {
            order_id,
            status,
            carrier,
            tracking_number,
            updated_at,
        },
    )
}

pub(super) fn tracking_event() -> impl Strategy<Value = TrackingEvent> {
    (order_id(), count(), shipment_status(), text(), moment()).prop_map(
        |(order_id, sequence, status, note, at)| TrackingEvent { order_id, sequence, status, note, at },
    )
}

fn coordination() -> impl Strategy<Value = Coordination> {
    proptest::sample::select(Coordination::ALL.to_vec())
}

pub(super) fn place_order() -> impl Strategy<Value = PlaceOrder> {
    (customer_id(), vec(line(), FEW), card(), address(), (option::of(coordination()), option::of(count())))
        .prop_map(|(customer_id, lines, card, address, (coordination, wait_ms))| PlaceOrder {
            customer_id,
            lines,
            card,
            address,
            coordination,
            wait_ms,
        })
}

pub(super) fn follow_order() -> impl Strategy<Value = FollowOrder> {
    (order_id(), option::of(version())).prop_map(|(order_id, after)| FollowOrder { order_id, after })
}

pub(super) fn list_orders() -> impl Strategy<Value = ListOrders> {
    (customer_id(), page_request()).prop_map(|(customer_id, page)| ListOrders { customer_id, page })
}

fn reason() -> impl Strategy<Value = Reason> {
    (text(), text()).prop_map(|(code, detail)| Reason { code, detail })
}

fn priced_line() -> impl Strategy<Value = PricedLine> {
    (sku(), text(), count(), money(), count()).prop_map(|(sku, name, quantity, unit_price, weight_grams)| {
        PricedLine { sku, name, quantity, unit_price, weight_grams }
    })
}

pub(super) fn order() -> impl Strategy<Value = Order> {
    use OrderStatus::{Cancelled, Confirmed, Placed, Refunded, Rejected};
    let status = proptest::sample::select(vec![Placed, Confirmed, Rejected, Cancelled, Refunded]);
    let standing = (status, text(), coordination(), option::of(reason()), version());
    let worth = (vec(priced_line(), FEW), money(), money());
    (order_id(), customer_id(), standing, worth, moment(), moment()).prop_map(
        |(id, customer_id, standing, worth, placed_at, updated_at)| {
            let (status, step, coordination, reason, version) = standing;
            let (lines, shipping, total) = worth;
            Order {
                id,
                customer_id,
                status,
                step,
                coordination,
                lines,
                shipping,
                total,
                reason,
                placed_at,
                updated_at,
                version,
            }
        },
    )
}

pub(super) fn timeline_entry() -> impl Strategy<Value = TimelineEntry> {
    let direction = proptest::sample::select(vec![Direction::Forward, Direction::Compensation]);
    (version(), moment(), option::of(text()), text(), text(), text(), direction, text()).prop_map(
        |(version, at, from, to, cause, detail, direction, trace_id)| TimelineEntry {
            version,
            at,
            from,
            to,
            cause,
            detail,
            direction,
            trace_id,
        },
    )
}

pub(super) fn timeline() -> impl Strategy<Value = Timeline> {
    (order_id(), vec(timeline_entry(), FEW)).prop_map(|(order_id, entries)| Timeline { order_id, entries })
}
