//! The shop's public API: the default routes. Method, service, path and time-out of each come from its
//! operation's own line in `contracts`; this file only says what is public, and where.

use contracts::{
    Operation, Shape, Verb, catalog, inventory, notifications, orders, payments, recommendations, shipping,
};

use super::{Method, Protocol, RouteConfig};

/// Public over REST. What is not named here, nobody outside can reach.
const REST: &[(&str, &Operation)] = &[
    ("/api/products", &catalog::LIST),
    ("/api/products/search", &catalog::SEARCH),
    ("/api/products/{sku}", &catalog::PRODUCT),
    ("/api/stock/{sku}", &inventory::STOCK),
    ("/api/orders", &orders::PLACE),
    ("/api/orders", &orders::LIST),
    ("/api/orders/{order_id}", &orders::ORDER),
    ("/api/orders/{order_id}/timeline", &orders::TIMELINE),
    ("/api/orders/{order_id}/events", &orders::FOLLOW),
    ("/api/orders/{order_id}/cancel", &orders::CANCEL),
    ("/api/shipments/{order_id}", &shipping::SHIPMENT),
    ("/api/shipments/{order_id}/track", &shipping::TRACK),
    ("/api/payments/ledger", &payments::LEDGER),
    ("/api/notifications", &notifications::LIST),
    ("/api/notifications/stream", &notifications::STREAM),
    ("/api/recommendations/products/{sku}", &recommendations::FOR_PRODUCT),
    ("/api/recommendations/customers/{customer_id}", &recommendations::FOR_CUSTOMER),
];

/// Public over gRPC, at the method's own path.
const GRPC: &[&Operation] = &[
    &catalog::LIST,
    &catalog::SEARCH,
    &catalog::PRODUCT,
    &inventory::STOCK,
    &inventory::WATCH,
    &orders::PLACE,
    &orders::ORDER,
    &orders::CANCEL,
    &orders::LIST,
    &orders::TIMELINE,
    &orders::FOLLOW,
    &shipping::QUOTE,
    &shipping::SHIPMENT,
    &shipping::TRACK,
    &notifications::LIST,
    &notifications::STREAM,
    &recommendations::FOR_PRODUCT,
    &recommendations::FOR_CUSTOMER,
];

/// What all the messages of one client may add up to where it sends a stream of them.
const STREAM_BYTES: u64 = 1024 * 1024 * 1024;

/// The routes of the public API.
pub fn public_api() -> Vec<RouteConfig> {
    let rest = REST.iter().map(|(path, operation)| RouteConfig {
        path: (*path).to_owned(),
        methods: vec![match operation.verb {
            Verb::Get => Method::Get,
            Verb::Post => Method::Post,
            Verb::Put => Method::Put,
        }],
        rewrite: operation.path.to_owned(),
        protocol: Protocol::Http,
        ..common(operation)
    });
    let grpc = GRPC.iter().map(|operation| RouteConfig {
        path: operation.grpc.to_owned(),
        methods: vec![Method::Post],
        rewrite: operation.grpc.to_owned(),
        protocol: Protocol::Grpc,
        ..common(operation)
    });
    rest.chain(grpc).collect()
}

fn common(operation: &Operation) -> RouteConfig {
    RouteConfig {
        path: String::new(),
        methods: Vec::new(),
        service: operation.port.to_owned(),
        rewrite: String::new(),
        timeout_ms: u64::try_from(operation.deadline.as_millis()).unwrap_or(u64::MAX),
        protocol: Protocol::Http,
        body_bytes: (operation.shape == Shape::Duplex).then_some(STREAM_BYTES),
    }
}
