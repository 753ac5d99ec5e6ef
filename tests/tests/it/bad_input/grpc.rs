//! Bad input over gRPC, through the gateway.

use contracts::Code as ProblemCode;
use contracts::grpc::Proto;
use contracts::grpc::pb::common as common_pb;
use contracts::grpc::pb::orders as pb;
use contracts::grpc::pb::orders::orders_client::OrdersClient;
use contracts::grpc::status::from_status;
use contracts::orders::PlaceOrder;
use reqwest::header::CONTENT_TYPE;
use tonic::{Code, Status};

use super::{Refusing, expected, good};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_messages_are_refused_with_the_same_problems_and_leave_nothing_behind() {
    let shop = Refusing::start().await;
    let mut orders =
        OrdersClient::connect(shop.0.client.addresses().gateway.clone()).await.expect("a channel");

    let empty = orders.place(message(|order| order.lines.clear())).await;
    problem(empty.map(drop), Code::InvalidArgument, ProblemCode::InvalidRequest, "lines");
    let nothing = orders.place(message(|order| order.lines[0].quantity = 0)).await;
    problem(nothing.map(drop), Code::InvalidArgument, ProblemCode::InvalidRequest, "lines[0].quantity");
    let nowhere = orders.place(message(|order| order.address = None)).await;
    problem(nowhere.map(drop), Code::InvalidArgument, ProblemCode::InvalidRequest, "address");
    let unknown = orders.place(message(|order| order.lines[0].sku = "NOPE-0001".into())).await;
    problem(unknown.map(drop), Code::NotFound, ProblemCode::UnknownSku, "NOPE-0001");
    let no_id = orders.order(pb::OrderRequest { order_id: "abc".into() }).await;
    problem(no_id.map(drop), Code::InvalidArgument, ProblemCode::InvalidRequest, "order_id");
    shop.holds_no_order("a bad message").await;

    // an operation that is not public, over the same connection
    let audit = orders.audit(common_pb::PageRequest::default()).await;
    problem(audit.map(drop), Code::NotFound, ProblemCode::NotFound, "nothing public");

    garbage(&shop).await;
    let json = shop
        .request(reqwest::Method::POST, "/tradewind.orders.v1.Orders/Place")
        .header(CONTENT_TYPE, "application/json")
        .body("{}");
    let refused = expected(415, "unsupported_media_type", "speaks gRPC only");
    shop.refuses("JSON at a gRPC method", json, refused).await;

    drop(orders);
    shop.ends_well().await;
}

/// Bytes that are no message get a status, and the connection goes on.
async fn garbage(shop: &Refusing) {
    let h2c = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    // a frame of three bytes, which are no field of any message
    let frame = vec![0, 0, 0, 0, 3, 0xff, 0xff, 0xff];
    for (name, body) in [("bytes that are no message", frame), ("bytes that are no frame", vec![9; 64])] {
        let request = h2c.post(shop.0.url("/tradewind.orders.v1.Orders/Place")).body(body);
        let answer = request.header(CONTENT_TYPE, "application/grpc").header("te", "trailers").send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let status = answer.headers().get("grpc-status").and_then(|value| value.to_str().ok()?.parse().ok());
        assert!(status.is_some_and(|code: i32| code != 0), "{name}: {answer:?}");
        shop.holds_no_order(name).await;
    }
}

fn message(spoil: impl FnOnce(&mut pb::PlaceRequest)) -> pb::PlaceRequest {
    let order: PlaceOrder = serde_json::from_value(good()).expect("a good order");
    let mut message = order.into_message();
    spoil(&mut message);
    message
}

#[track_caller]
fn problem(answer: Result<(), Status>, status: Code, code: ProblemCode, says: &str) {
    let refused = answer.expect_err("it must be refused");
    assert_eq!(refused.code(), status, "{refused:?}");
    let problem = from_status(&refused).unwrap_or_else(|| panic!("no problem of ours: {refused:?}"));
    assert_eq!(problem.code, code, "{problem}");
    assert!(problem.detail.contains(says), "it does not say {says:?}: {problem}");
}
