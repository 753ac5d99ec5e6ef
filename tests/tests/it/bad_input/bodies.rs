//! What can be wrong with an order.

use serde_json::json;

use super::{Expected, Refusing, at_fault, expected, good, with, with_lines, with_quantity, without};

/// Deeper than a reader that recurses survives.
const DEEP: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_spoil_an_order_is_refused_by_name_and_leaves_nothing_behind() {
    let shop = Refusing::start().await;
    for (name, body, expected) in quantities().into_iter().chain(lines()).chain(fields()).chain(texts()) {
        shop.refuses(name, shop.post(body), expected).await;
    }
    shop.ends_well().await;
}

type Cases = Vec<(&'static str, Vec<u8>, Expected)>;

fn quantities() -> Cases {
    let case = |name, quantity: &str, says| {
        (name, with_quantity(quantity).into_bytes(), at_fault("lines[0].quantity", says))
    };
    vec![
        case("quantity 0", "0", "must be 1 to 1000, not 0"),
        case("a negative quantity", "-1", "-1"),
        case("a quantity above the most", "1001", "must be 1 to 1000, not 1001"),
        case("a quantity beyond 32 bits", "4294967296", "4294967296"),
        case("a quantity beyond 64 bits", "99999999999999999999999", "expected u32"),
        case("a quantity that is no whole number", "1.5", "1.5"),
        case("a quantity in quotes", "\"2\"", "string \"2\""),
        case("no quantity", "null", "null"),
    ]
}

fn lines() -> Cases {
    let line = |sku: String| json!({ "sku": sku, "quantity": 1 });
    let many: Vec<_> = (1..=51).map(|number| line(format!("KIT-{number:04}"))).collect();
    let twice = [line("KIT-0001".into()), line("KIT-0002".into()), line("KIT-0001".into())];
    vec![
        (
            "an unknown product",
            with_lines(json!([line("NOPE-0001".into())])).into_bytes(),
            expected(404, "unknown_sku", "NOPE-0001"),
        ),
        (
            "an unknown product among known ones",
            with_lines(json!([line("KIT-0001".into()), line("NOPE-0002".into())])).into_bytes(),
            expected(404, "unknown_sku", "NOPE-0002"),
        ),
        (
            "a product's name that cannot be one",
            with_lines(json!([line("../KIT-0001".into())])).into_bytes(),
            at_fault("lines[0].sku", "letters, digits"),
        ),
        ("an empty order", with_lines(json!([])).into_bytes(), at_fault("lines", "must not be empty")),
        ("51 lines", with_lines(json!(many)).into_bytes(), at_fault("lines", "at most 50")),
        (
            "the same product twice",
            with_lines(json!(twice)).into_bytes(),
            at_fault("lines[2].sku", "earlier line"),
        ),
        (
            "lines that are no list",
            with("", "lines", json!({})).into_bytes(),
            at_fault("lines", "expected a sequence"),
        ),
    ]
}

fn fields() -> Cases {
    let unknown = "is not a field of this request";
    let case = |name, body: String, expected| (name, body.into_bytes(), expected);
    vec![
        case("an unknown field", with("", "coupon", json!(1)), at_fault("coupon", unknown)),
        case(
            "an unknown field of a line",
            with("/lines/0", "gift", json!(true)),
            at_fault("lines[0].gift", unknown),
        ),
        case(
            "an unknown field of the address",
            with("/address", "planet", json!("Earth")),
            at_fault("address.planet", unknown),
        ),
        case("no customer", without("", "customer_id"), at_fault("customer_id", "is missing")),
        case("no lines", without("", "lines"), at_fault("lines", "is missing")),
        case("no card", without("", "card"), at_fault("card", "is missing")),
        case("no address", without("", "address"), at_fault("address", "is missing")),
        case("no city", without("/address", "city"), at_fault("address.city", "is missing")),
        case("no product", without("/lines/0", "sku"), at_fault("lines[0].sku", "is missing")),
        case(
            "no quantity at all",
            without("/lines/0", "quantity"),
            at_fault("lines[0].quantity", "is missing"),
        ),
        case("a blank name", with("/address", "name", json!("  ")), at_fault("address.name", "1 to 100")),
        case(
            "a control character",
            with("/address", "street", json!("Elm\u{0}1")),
            at_fault("address.street", "1 to 100"),
        ),
        case(
            "an endless street",
            with("/address", "street", json!("x".repeat(101))),
            at_fault("address.street", "1 to 100"),
        ),
        case(
            "no country code",
            with("/address", "country", json!("Germany")),
            at_fault("address.country", "DE"),
        ),
        case(
            "a customer with a space",
            with("", "customer_id", json!("a b")),
            at_fault("customer_id", "1 to 64"),
        ),
        case("no card's name", with("", "card", json!("")), at_fault("card", "tok_approve")),
    ]
}

fn texts() -> Cases {
    let malformed = |says| expected(400, "malformed", says);
    let mut cut = good().to_string();
    cut.truncate(cut.len() - 2);
    let nested = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    let mut with_deep = good().to_string();
    with_deep.insert_str(1, &format!("\"coupon\":{nested},"));
    vec![
        (
            "malformed JSON",
            b"{\"customer_id\": \"ada\",\n \"lines\": [}".to_vec(),
            malformed("line 2 column 12"),
        ),
        ("an order cut short", cut.into_bytes(), malformed("EOF")),
        ("something after the order", format!("{} {{}}", good()).into_bytes(), malformed("trailing")),
        ("no body", Vec::new(), malformed("line 1 column 0")),
        ("invalid UTF-8", b"{\"customer_id\":\"\xff\xfe\"}".to_vec(), malformed("unicode")),
        (
            "a field twice",
            format!("{{\"card\":\"tok_decline\",{}", &good().to_string()[1..]).into_bytes(),
            at_fault("card", "is given twice"),
        ),
        (
            "an order as a list",
            json!(["ada", [["KIT-0001", 1]], "tok_approve", good()["address"]]).to_string().into_bytes(),
            expected(400, "invalid_request", "JSON object"),
        ),
        ("a number", b"17".to_vec(), expected(400, "invalid_request", "17")),
        (
            "10,000 open brackets",
            "[".repeat(DEEP).into_bytes(),
            expected(400, "invalid_request", "JSON object"),
        ),
        ("10,000 open objects", "{\"a\":".repeat(DEEP).into_bytes(), malformed("EOF")),
        (
            "10,000 brackets within an order",
            with_deep.into_bytes(),
            at_fault("coupon", "is not a field of this request"),
        ),
    ]
}
