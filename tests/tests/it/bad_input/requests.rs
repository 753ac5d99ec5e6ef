//! What can be wrong with a request, whatever it carries.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Expected, Refusing, at_fault, expected, good, judge, with};

/// An order that nobody has placed.
const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// What the gateway reads at the most.
const BODY_LIMIT: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_make_no_sense_are_refused_and_leave_nothing_behind() {
    let shop = Refusing::start().await;
    bodies_and_their_types(&shop).await;
    sizes(&shop).await;
    paths_and_methods(&shop).await;
    listings(&shop).await;
    ids(&shop).await;
    idempotency_keys(&shop).await;
    what_is_not_public(&shop).await;
    shop.ends_well().await;
}

async fn bodies_and_their_types(shop: &Refusing) {
    let untyped = || shop.request(Method::POST, "/api/orders");
    let text = untyped().header(CONTENT_TYPE, "text/plain").body(good().to_string());
    let refused = expected(415, "unsupported_media_type", "application/json, not text/plain");
    shop.refuses("JSON that calls itself text", text, refused).await;
    let refused = expected(415, "unsupported_media_type", "application/json, not none");
    shop.refuses("JSON without a type", untyped().body(good().to_string()), refused).await;
    shop.refuses("neither body nor type", untyped(), expected(400, "malformed", "not JSON")).await;
    let form = untyped().header(CONTENT_TYPE, "application/x-www-form-urlencoded").body("customer_id=ada");
    shop.refuses("a form", form, expected(415, "unsupported_media_type", "x-www-form-urlencoded")).await;
}

/// Bodies and headers beyond the limits go over a plain socket: a client library may stop listening
/// once it can no longer write.
async fn sizes(shop: &Refusing) {
    let too_large = || expected(413, "too_large", "larger than 1048576 bytes");
    let announced = format!("content-length: {}\r\n", BODY_LIMIT + 1);
    raw(shop, "a body that is announced too large", &announced, vec![b' '; BODY_LIMIT + 1], too_large())
        .await;
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    let chunks = [chunk.repeat(BODY_LIMIT / 0x10000 + 1), b"0\r\n\r\n".to_vec()].concat();
    raw(shop, "a body that turns out too large", "transfer-encoding: chunked\r\n", chunks, too_large()).await;

    for (name, headers) in [
        ("a header of 70 KiB", format!("x: {}\r\n", "y".repeat(70 * 1024))),
        ("200 headers", (0..200).map(|number| format!("x-{number}: y\r\n")).collect()),
    ] {
        // the server's library answers these by itself, before there is a request to answer
        let (status, _) = answer(shop, &format!("{headers}content-length: 0\r\n"), Vec::new()).await;
        assert_eq!(status, 431, "{name}");
        shop.holds_no_order(name).await;
    }
}

async fn raw(shop: &Refusing, name: &str, headers: &str, body: Vec<u8>, expected: Expected) {
    let (status, text) = answer(shop, headers, body).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{name}: {text:?}"));
    let head = head.to_ascii_lowercase();
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: "));
    judge(name, status, kind, body, &expected);
    shop.holds_no_order(name).await;
}

/// Sends an order's request as it stands; its status and the whole answer.
async fn answer(shop: &Refusing, headers: &str, body: Vec<u8>) -> (u16, String) {
    let host = shop.0.client.addresses().gateway.trim_start_matches("http://").to_owned();
    let socket = TcpStream::connect(&host).await.expect("the gateway listens");
    let (mut from, mut to) = socket.into_split();
    let head = format!(
        "POST /api/orders HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\r\n"
    );
    // the answer may come, and the connection end, before all of it is written. This half is handed on:
    // were it dropped, the server would see a client that has gone
    let writing = tokio::spawn(async move {
        let _ = to.write_all(&[head.as_bytes(), &body].concat()).await;
        to
    });
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), from.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "no end of the answer: {}", String::from_utf8_lossy(&bytes));
    writing.abort();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text:?}")), text)
}

async fn paths_and_methods(shop: &Refusing) {
    for path in ["/api/nothing", "/nothing", "/api/orders/x/y/z", "/api/orders/", "//api/orders"] {
        let refused = expected(404, "not_found", "nothing public at GET");
        shop.refuses(path, shop.get(path), refused).await;
    }
    let hidden = shop.get("/api/products/..%2forders");
    shop.refuses("a hidden slash", hidden, expected(400, "invalid_request", "encoded slash")).await;
    for (method, path, allowed) in [
        (Method::DELETE, "/api/orders", ["GET", "POST"].as_slice()),
        (Method::PUT, "/api/products", &["GET"]),
        (Method::POST, "/api/stock/KIT-0001", &["GET"]),
        (Method::GET, "/api/orders/01890a5d-ac96-774b-bcce-b302099a8057/cancel", &["POST"]),
    ] {
        let name = format!("{method} {path}");
        let refused = expected(405, "method_not_allowed", "takes");
        let allow = shop.refuses(&name, shop.request(method, path), refused).await.unwrap_or_default();
        for method in allowed {
            assert!(allow.split(", ").any(|word| word == *method), "{name}: Allow is {allow:?}");
        }
    }
}

async fn listings(shop: &Refusing) {
    for list in ["/api/products?", "/api/products/search?query=steel&", "/api/orders?customer_id=ada&"] {
        for cursor in ["nonsense", "c1-00", "c1-zz", "%00"] {
            let path = format!("{list}cursor={cursor}");
            shop.refuses(&path, shop.get(&path), expected(400, "invalid_cursor", "cursor")).await;
        }
        for limit in ["0", "201"] {
            let path = format!("{list}limit={limit}");
            shop.refuses(&path, shop.get(&path), at_fault("limit", "must be 1 to 200")).await;
        }
        for limit in ["x", "-1", "1.5", "99999999999"] {
            let path = format!("{list}limit={limit}");
            let refused = expected(400, "invalid_request", "limit is not a number");
            shop.refuses(&path, shop.get(&path), refused).await;
        }
    }
    for (path, field) in [
        ("/api/products?colour=red", "colour"),
        ("/api/products/search?query=steel&limt=5", "limt"),
        ("/api/orders?customer_id=ada&limt=5", "limt"),
        ("/api/stock/KIT-0001?warehouse=2", "warehouse"),
    ] {
        shop.refuses(path, shop.get(path), at_fault(field, "is not a field of this request")).await;
    }
    let many: String = (0..40).map(|number| format!("&p{number}=1")).collect();
    let refused = expected(400, "invalid_request", "more than 32 parameters");
    shop.refuses("40 parameters", shop.get(&format!("/api/products?limit=1{many}")), refused).await;
    let twice = shop.get("/api/products?limit=1&limit=2");
    shop.refuses("a parameter twice", twice, at_fault("limit", "is given twice")).await;
    shop.refuses("nobody's orders", shop.get("/api/orders"), at_fault("customer_id", "is missing")).await;
    let spaced = shop.get("/api/orders?customer_id=a%20b");
    shop.refuses("a customer with a space", spaced, at_fault("customer_id", "1 to 64")).await;
}

async fn ids(shop: &Refusing) {
    for (method, suffix, base) in [
        (Method::GET, "", "/api/orders"),
        (Method::GET, "/timeline", "/api/orders"),
        (Method::POST, "/cancel", "/api/orders"),
        (Method::GET, "", "/api/shipments"),
        (Method::GET, "/track", "/api/shipments"),
    ] {
        for bad in ["abc", "01890a5d-ac96-774b-bcce-b302099a805", "%27%20or%201=1"] {
            let path = format!("{base}/{bad}{suffix}");
            let refused = at_fault("order_id", "UUID");
            shop.refuses(&path, shop.request(method.clone(), &path), refused).await;
        }
        let path = format!("{base}/{NOBODYS}{suffix}");
        let refused = expected(404, "not_found", NOBODYS);
        shop.refuses(&path, shop.request(method, &path), refused).await;
    }
    for path in ["/api/products/NOPE-0001", "/api/stock/NOPE-0001"] {
        shop.refuses(path, shop.get(path), expected(404, "unknown_sku", "NOPE-0001")).await;
    }
}

async fn idempotency_keys(shop: &Refusing) {
    let long = "x".repeat(129);
    for (key, says) in [
        (long.as_str(), "1 to 128 characters"),
        ("", "1 to 128 characters"),
        ("two words", "visible ASCII"),
        ("\"in quotes\"", "visible ASCII"),
    ] {
        let request = shop.post(good().to_string()).header("idempotency-key", key);
        shop.refuses(&format!("key {key:?}"), request, at_fault("Idempotency-Key", says)).await;
    }
    let wish = shop.post(good().to_string()).header("tradewind-timeout-ms", "soon");
    shop.refuses("a time-out in words", wish, at_fault("tradewind-timeout-ms", "whole number")).await;
}

/// What services ask of each other is not for the outside, under whatever name.
async fn what_is_not_public(shop: &Refusing) {
    for (method, path) in [
        (Method::PUT, format!("/api/reservations/{NOBODYS}")),
        (Method::PUT, format!("/reservations/{NOBODYS}")),
        (Method::POST, "/orders".into()),
        (Method::GET, "/orders?customer_id=ada".into()),
        (Method::GET, "/audit/orders".into()),
        (Method::GET, "/api/audit/orders".into()),
        (Method::GET, "/products".into()),
        (Method::GET, "/api/products/batch?skus=KIT-0001".into()),
        (Method::GET, "/control/orders/config".into()),
        (Method::POST, "/down".into()),
    ] {
        let request = shop.request(method.clone(), &path).header(CONTENT_TYPE, "application/json").body("{}");
        let name = format!("{method} {path} from outside");
        shop.refuses(&name, request, expected(404, "not_found", "nothing public")).await;
    }
    // a client that says it is a service is a client all the same: unknown fields are refused to it
    let pretender = shop
        .post(with("", "coupon", serde_json::json!(1)))
        .header("tradewind-audience", "internal")
        .header("tradewind-caller", "orders");
    let refused = at_fault("coupon", "is not a field");
    shop.refuses("a client that pretends to be a service", pretender, refused).await;
}
