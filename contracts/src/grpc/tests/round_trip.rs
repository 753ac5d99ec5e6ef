//! Nothing changes on the way to bytes and back.

use std::fmt::Debug;

use proptest::prelude::*;
use prost::Message;

use super::any;
use crate::grpc::Proto;
use crate::inventory::{CommitStock, GetReservation, ReleaseStock};
use crate::orders::{CancelOrder, GetOrder, GetTimeline};
use crate::payments::{CapturePayment, GetPayment, RefundPayment, VoidPayment};
use crate::shipping::{GetShipment, TrackShipment};

fn survives<T: Proto + Clone + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let bytes = value.clone().into_message().encode_to_vec();
    let message = T::Message::decode(bytes.as_slice()).expect("what we encoded");
    prop_assert_eq!(T::from_message(message), Ok(value.clone()));
    Ok(())
}

macro_rules! survive {
    ($($name:ident: $values:expr;)*) => {$(
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]
            #[test]
            fn $name(value in $values) {
                survives(&value)?;
            }
        }
    )*};
}

survive! {
    moments: any::moment();
    money: any::money();
    page_requests: any::page_request();

    list_products: any::list_products();
    search_products: any::search_products();
    get_product: any::get_product();
    get_products: any::get_products();
    products: any::products();
    product_pages: any::page(any::product());
    audited_product_pages: any::page(any::audited_product());

    get_stock: any::get_stock();
    stock_levels: any::stock_level();
    reserve_stock: any::reserve_stock();
    reservations: any::reservation();
    watch_stock: any::watch_stock();
    inventory_pages: any::page(any::inventory_record());

    authorize_payment: any::authorize_payment();
    payments: any::payment();
    posting_pages: any::page(any::posting());
    audited_payment_pages: any::page(any::audited_payment());

    quote_shipping: any::quote_shipping();
    quotes: any::quote();
    schedule_shipment: any::schedule_shipment();
    cancel_shipment: any::cancel_shipment();
    shipment_pages: any::page(any::shipment());
    tracking_events: any::tracking_event();

    place_order: any::place_order();
    list_orders: any::list_orders();
    order_pages: any::page(any::order());
    timelines: any::timeline();
    follow_order: any::follow_order();
    timeline_entries: any::timeline_entry();

    list_notifications: any::notifications::list_notifications();
    stream_notifications: any::notifications::stream_notifications();
    notification_pages: any::page(any::notifications::notification());

    recommend_for_product: any::recommendations::recommend_for_product();
    recommend_for_customer: any::recommendations::recommend_for_customer();
    recommended: any::recommendations::recommended();
    projected_order_pages: any::page(any::recommendations::projected_order());
}

proptest! {
    #[test]
    fn requests_that_only_name_an_order(order_id in any::order_id()) {
        survives(&CommitStock { order_id })?;
        survives(&ReleaseStock { order_id })?;
        survives(&GetReservation { order_id })?;
        survives(&CapturePayment { order_id })?;
        survives(&VoidPayment { order_id })?;
        survives(&RefundPayment { order_id })?;
        survives(&GetPayment { order_id })?;
        survives(&GetShipment { order_id })?;
        survives(&TrackShipment { order_id })?;
        survives(&GetOrder { order_id })?;
        survives(&CancelOrder { order_id })?;
        survives(&GetTimeline { order_id })?;
    }
}
