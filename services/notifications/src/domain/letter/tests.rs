//! The letters, by example.

use contracts::Money;
use contracts::orders::{Coordination, OrderStatus};
use contracts::shipping::ShipmentStatus;
use uuid::Uuid;

use super::*;

const ID: OrderId = OrderId(Uuid::from_u128(0x0192_e4c1_7c00_7000_8000_0000_0000_0007));
/// 22 November 2026, 18:05:42 UTC.
const THEN: Timestamp = Timestamp(1_795_370_742_000_000);

fn order() -> Order {
    let line = |sku: &str, name: &str, quantity, cents| PricedLine {
        sku: sku.into(),
        name: name.into(),
        quantity,
        unit_price: Money::eur(cents),
        weight_grams: 300,
    };
    Order {
        id: ID,
        customer_id: ada(),
        status: OrderStatus::Confirmed,
        step: "confirmed".into(),
        coordination: Coordination::Sync,
        lines: vec![line("TEA-1", "Teekanne „Größe 2“", 2, 1999), line("CUP-1", "Cup", 1, 450)],
        shipping: Money::eur(490),
        total: Money::eur(4938),
        reason: None,
        placed_at: THEN,
        updated_at: THEN,
        version: 7,
    }
}

fn refused(code: &str, detail: &str) -> Order {
    Order { reason: Some(Reason { code: code.into(), detail: detail.into() }), ..order() }
}

fn shipment() -> Shipment {
    Shipment {
        order_id: ID,
        status: ShipmentStatus::Shipped,
        carrier: "Tailwind Parcel".into(),
        tracking_number: "TW123".into(),
        updated_at: THEN,
    }
}

fn ada() -> CustomerId {
    CustomerId("ada".into())
}

fn letter(occasion: &Occasion) -> Letter {
    compose(occasion, &ada())
}

#[test]
fn a_confirmation_has_lines_total_id_and_date() {
    let letter = letter(&Occasion::Confirmed(order()));
    assert_eq!(letter.subject, "Your order is confirmed: Teekanne „Größe 2“ and 1 more");
    assert_eq!(
        letter.body,
        "Hello ada,\n\
         \n\
         thank you for your order. It is paid for, and we are packing it.\n\
         \n\
         \x20 2 x Teekanne „Größe 2“ (TEA-1): 39.98 EUR (19.99 EUR each)\n\
         \x20 1 x Cup (CUP-1): 4.50 EUR\n\
         \x20 Shipping: 4.90 EUR\n\
         \x20 Total: 49.38 EUR\n\
         \n\
         Order: 0192e4c1-7c00-7000-8000-000000000007\n\
         Placed: 22 November 2026, 18:05 UTC\n\
         \n\
         We will write again when it leaves.\n\
         \n\
         Yours,\n\
         Tradewind\n"
    );
}

#[test]
fn a_refusal_says_why_in_words() {
    for (code, detail, words) in [
        (
            "out_of_stock",
            "3 of TEA-1 were asked for, 2 left",
            "not have enough of what you ordered (3 of TEA-1",
        ),
        ("card_declined", "", "because your bank declined the card. Nothing"),
        ("insufficient_funds", "", "not enough money on the card"),
        ("shipment_refused", "no carrier goes to AQ", "no carrier takes it to you (no carrier goes to AQ)"),
        ("reservation_expired", "", "it took too long"),
        ("internal", "panicked at src/main.rs", "because of a fault on our side. Nothing"),
        ("a_code_of_tomorrow", "x", "because of a fault on our side. Nothing"),
    ] {
        for occasion in
            [Occasion::Rejected(refused(code, detail)), Occasion::Cancelled(refused(code, detail))]
        {
            let letter = letter(&occasion);
            assert!(letter.body.contains(words), "{code}: {}", letter.body);
            assert!(letter.body.contains("Total: 49.38 EUR") && letter.body.contains(&ID.to_string()));
            assert!(!letter.body.contains("main.rs"), "{}", letter.body);
        }
    }
}

#[test]
fn a_refund_says_how_much() {
    let letter = letter(&Occasion::Refunded(order()));
    assert!(letter.subject.starts_with("Your money is on its way back: Teekanne"), "{}", letter.subject);
    assert!(letter.body.contains("given back the 49.38 EUR that you paid"), "{}", letter.body);
}

#[test]
fn a_shipment_has_carrier_number_and_date() {
    let left = letter(&Occasion::Shipped(shipment()));
    assert_eq!(left.subject, "Your order is on its way with Tailwind Parcel");
    let there = letter(&Occasion::Delivered(shipment()));
    assert_eq!(there.subject, "Your order has arrived");
    for (letter, verb) in [(left, "left us"), (there, "was delivered")] {
        for part in [verb, "on 22 November 2026, 18:05 UTC", "Carrier: Tailwind Parcel", "TW123"] {
            assert!(letter.body.contains(part), "{part}: {}", letter.body);
        }
        assert!(letter.body.contains(&ID.to_string()));
    }
}

#[test]
fn a_hostile_name_stays_on_its_line() {
    let mut order = order();
    order.lines[0].name = "Tea\r\nBcc: everybody@example.com\u{2028}\0pot".into();
    let carrier = "X\r\nBcc: everybody@example.com".to_owned();
    for occasion in [Occasion::Confirmed(order), Occasion::Shipped(Shipment { carrier, ..shipment() })] {
        let letter = letter(&occasion);
        assert!(!letter.subject.contains(breaks), "{:?}", letter.subject);
        assert!(letter.body.lines().all(|line| !line.starts_with("Bcc")), "{}", letter.body);
        assert!(!letter.body.contains(['\0', '\r', '\u{2028}']));
    }
}

#[test]
fn long_names_many_lines_and_sums_beyond_counting_are_bounded() {
    let mut order = order();
    order.lines[0].name = "ä".repeat(1000);
    order.lines[0].unit_price = Money::eur(i64::MAX);
    order.lines = vec![order.lines[0].clone(); 1000];
    let letter = letter(&Occasion::Confirmed(order));
    assert!(letter.subject.chars().count() < 100, "{}", letter.subject);
    assert!(letter.body.len() < 20_000, "{}", letter.body.len());
    assert!(letter.body.contains("and 950 more"));
}
