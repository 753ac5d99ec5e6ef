//! The ports of the scripted callee.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::types::{Page, PageRequest};
use contracts::{
    Context, PortResult, Streaming, catalog, inventory, notifications, orders, payments, recommendations,
    shipping,
};
use futures::StreamExt;

use super::{Script, Scripted};

/// Implements a port: its operations are the same but for their types. First those with one reply, then
/// those with many, then what is written by hand.
macro_rules! scripted {
    (
        $port:path {
            $($name:ident: $operation:path, $request:ty => $reply:ty;)*
        }
        $(many {
            $($stream:ident: $listened:path, $asked:ty => $item:ty;)*
        })?
        $(by_hand { $($by_hand:tt)* })?
    ) => {
        #[async_trait]
        impl $port for Scripted {
            $(
                async fn $name(&self, ctx: &Context, request: $request) -> PortResult<$reply> {
                    self.answer(&$operation, ctx, request).await
                }
            )*
            $($(
                async fn $stream(
                    &self,
                    ctx: &Context,
                    request: $asked,
                ) -> PortResult<Streaming<PortResult<$item>>> {
                    self.answer_many(&$listened, ctx, request).await
                }
            )*)?
            $($($by_hand)*)?
        }
    };
}

scripted! {
    catalog::Catalog {
        list: catalog::LIST, catalog::ListProducts => Page<catalog::Product>;
        search: catalog::SEARCH, catalog::SearchProducts => Page<catalog::Product>;
        product: catalog::PRODUCT, catalog::GetProduct => catalog::Product;
        products: catalog::PRODUCTS, catalog::GetProducts => catalog::Products;
        audit: catalog::AUDIT, PageRequest => Page<catalog::AuditedProduct>;
    }
}

scripted! {
    inventory::Inventory {
        stock: inventory::STOCK, inventory::GetStock => inventory::StockLevel;
        reserve: inventory::RESERVE, inventory::ReserveStock => inventory::Reservation;
        commit: inventory::COMMIT, inventory::CommitStock => inventory::Reservation;
        release: inventory::RELEASE, inventory::ReleaseStock => inventory::Reservation;
        reservation: inventory::RESERVATION, inventory::GetReservation => inventory::Reservation;
        audit: inventory::AUDIT, PageRequest => Page<inventory::InventoryRecord>;
    }

    by_hand {
        async fn watch(
            &self,
            ctx: &Context,
            changes: Streaming<inventory::WatchStock>,
        ) -> PortResult<Streaming<PortResult<inventory::StockLevel>>> {
            if let Script::Watch(play) = self.script() {
                self.note(&inventory::WATCH, ctx, Arc::new(()));
                return Ok(play(changes));
            }
            let changes: Vec<inventory::WatchStock> = changes.collect().await;
            self.answer_many(&inventory::WATCH, ctx, changes).await
        }
    }
}

scripted! {
    payments::Payments {
        authorize: payments::AUTHORIZE, payments::AuthorizePayment => payments::Payment;
        capture: payments::CAPTURE, payments::CapturePayment => payments::Payment;
        void: payments::VOID, payments::VoidPayment => payments::Payment;
        refund: payments::REFUND, payments::RefundPayment => payments::Payment;
        payment: payments::PAYMENT, payments::GetPayment => payments::Payment;
        ledger: payments::LEDGER, PageRequest => Page<payments::Posting>;
        audit: payments::AUDIT, PageRequest => Page<payments::AuditedPayment>;
    }
}

scripted! {
    shipping::Shipping {
        quote: shipping::QUOTE, shipping::QuoteShipping => shipping::Quote;
        schedule: shipping::SCHEDULE, shipping::ScheduleShipment => shipping::Shipment;
        cancel: shipping::CANCEL, shipping::CancelShipment => shipping::Shipment;
        shipment: shipping::SHIPMENT, shipping::GetShipment => shipping::Shipment;
        audit: shipping::AUDIT, PageRequest => Page<shipping::Shipment>;
    }
    many {
        track: shipping::TRACK, shipping::TrackShipment => shipping::TrackingEvent;
    }
}

scripted! {
    orders::Orders {
        place: orders::PLACE, orders::PlaceOrder => orders::Order;
        order: orders::ORDER, orders::GetOrder => orders::Order;
        cancel: orders::CANCEL, orders::CancelOrder => orders::Order;
        list: orders::LIST, orders::ListOrders => Page<orders::Order>;
        timeline: orders::TIMELINE, orders::GetTimeline => orders::Timeline;
        audit: orders::AUDIT, PageRequest => Page<orders::Order>;
    }
    many {
        follow: orders::FOLLOW, orders::FollowOrder => orders::TimelineEntry;
    }
}

scripted! {
    notifications::Notifications {
        list: notifications::LIST, notifications::ListNotifications => Page<notifications::Notification>;
        audit: notifications::AUDIT, PageRequest => Page<notifications::Notification>;
    }
    many {
        stream: notifications::STREAM, notifications::StreamNotifications => notifications::Notification;
    }
}

scripted! {
    recommendations::Recommendations {
        for_product: recommendations::FOR_PRODUCT,
            recommendations::RecommendForProduct => recommendations::Recommended;
        for_customer: recommendations::FOR_CUSTOMER,
            recommendations::RecommendForCustomer => recommendations::Recommended;
        audit: recommendations::AUDIT, PageRequest => Page<recommendations::ProjectedOrder>;
    }
}
