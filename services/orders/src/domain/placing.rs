//! From a request to an order with its prices.

use std::collections::BTreeSet;

use contracts::catalog::Product;
use contracts::error::Faults;
use contracts::orders::{PlaceOrder, PricedLine};
use contracts::shipping::Quote;
use contracts::{Money, Problem};

/// The most lines of an order.
pub const MOST_LINES: usize = 50;
/// The most of one product.
pub const MOST_OF_ONE: u32 = 1000;

/// What an order will cost, before it is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The lines at the prices of this moment.
    pub lines: Vec<PricedLine>,
    /// What shipping costs.
    pub shipping: Money,
    /// What is to be paid in all.
    pub total: Money,
}

/// Finds everything that is wrong with a request, at once.
pub fn validate(request: &PlaceOrder) -> Result<(), Problem> {
    let mut faults = Faults::default();
    faults.check(
        request.customer_id.is_valid(),
        "customer_id",
        "must be 1 to 64 letters, digits or any of . _ -",
    );
    faults.check(request.card.is_valid(), "card", "must be a card token, like tok_approve");
    faults.check(!request.lines.is_empty(), "lines", "must not be empty");
    faults.check(request.lines.len() <= MOST_LINES, "lines", format!("must be at most {MOST_LINES}"));
    let mut seen = BTreeSet::new();
    // the number of lines was checked above; more than that are not worth an answer each
    for (at, line) in request.lines.iter().take(MOST_LINES).enumerate() {
        let field = |name: &str| format!("lines[{at}].{name}");
        faults.check(line.sku.is_valid(), field("sku"), "must be 1 to 32 letters, digits or any of . _ -");
        faults.check(seen.insert(&line.sku), field("sku"), "stands in an earlier line already");
        faults.check(
            (1..=MOST_OF_ONE).contains(&line.quantity),
            field("quantity"),
            format!("must be 1 to {MOST_OF_ONE}, not {}", line.quantity),
        );
    }
    request.address.check(&mut faults, "address");
    faults.into_result()
}

/// The order's lines with the catalog's names, prices and weights; and their weight in all, in grams.
/// `products` are in the order of the request's lines.
pub fn priced(request: &PlaceOrder, products: Vec<Product>) -> (Vec<PricedLine>, u32) {
    let lines: Vec<PricedLine> = request
        .lines
        .iter()
        .zip(products)
        .map(|(line, product)| PricedLine {
            sku: product.sku,
            name: product.name,
            quantity: line.quantity,
            unit_price: product.price,
            weight_grams: product.weight_grams,
        })
        .collect();
    let weight = weight_grams(&lines);
    (lines, weight)
}

/// What the goods weigh in all, in grams.
pub fn weight_grams(lines: &[PricedLine]) -> u32 {
    lines.iter().fold(0u32, |sum, line| sum.saturating_add(line.weight_grams.saturating_mul(line.quantity)))
}

impl Draft {
    /// What is to be paid for `lines` and their carrier; a problem where that is beyond counting, or
    /// the currencies differ.
    pub fn new(lines: Vec<PricedLine>, quote: &Quote) -> Result<Self, Problem> {
        let shipping = quote.price;
        let total = lines.iter().try_fold(shipping, |sum, line| {
            line.unit_price.times(line.quantity).and_then(|amount| sum.plus(amount))
        });
        match total {
            Some(total) => Ok(Self { lines, shipping, total }),
            None => Err(Problem::invalid_field(
                "lines",
                "cost more than can be counted, or in several currencies",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::orders::PlaceOrder;
    use contracts::payments::CardToken;
    use contracts::types::{Address, Line};
    use contracts::{CustomerId, Sku};
    use proptest::prelude::*;

    use super::*;

    fn request(lines: Vec<Line>) -> PlaceOrder {
        PlaceOrder {
            customer_id: CustomerId("ada".into()),
            lines,
            card: CardToken("tok_approve".into()),
            address: Address {
                name: "Ada".into(),
                street: "Elm 1".into(),
                city: "Bonn".into(),
                postal_code: "53111".into(),
                country: "DE".into(),
            },
            coordination: None,
            wait_ms: None,
        }
    }

    fn line(sku: &str, quantity: u32) -> Line {
        Line { sku: Sku::from(sku), quantity }
    }

    fn faults(request: &PlaceOrder) -> Vec<String> {
        validate(request)
            .expect_err("something is wrong")
            .faults
            .into_iter()
            .map(|fault| fault.field)
            .collect()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut bad = request(vec![line("A-1", 0), line("A-1", 2_000_000), line("no good", 1)]);
        bad.customer_id = CustomerId(String::new());
        bad.address.country = "Germany".into();
        assert_eq!(
            faults(&bad),
            [
                "customer_id",
                "lines[0].quantity",
                "lines[1].sku",
                "lines[1].quantity",
                "lines[2].sku",
                "address.country"
            ]
        );
    }

    /// Shipping refused these only when the goods and the money were held already.
    #[test]
    fn an_address_that_shipping_would_refuse_is_refused_at_once() {
        let mut bad = request(vec![line("A-1", 1)]);
        bad.address.street = "x".repeat(101);
        bad.address.postal_code = "5".repeat(17);
        assert_eq!(faults(&bad), ["address.street", "address.postal_code"]);
    }

    #[test]
    fn an_order_of_nothing_is_refused() {
        assert_eq!(faults(&request(vec![])), ["lines"]);
    }

    #[test]
    fn an_order_of_everything_is_refused() {
        let all = (0..51).map(|n| line(&format!("A-{n}"), 1)).collect();
        assert_eq!(faults(&request(all)), ["lines"]);
    }

    proptest! {
        #[test]
        fn the_total_is_the_sum_of_its_parts(items in prop::collection::vec((0i64..1_000_000, 1u32..1000), 1..50), shipping in 0i64..10_000) {
            let lines: Vec<PricedLine> = items.iter().map(|(price, quantity)| PricedLine {
                sku: Sku::from("A-1"), name: String::new(), quantity: *quantity, unit_price: Money::eur(*price), weight_grams: 1,
            }).collect();
            let quote = Quote { carrier: String::new(), price: Money::eur(shipping), days: 1 };
            let expected: i64 = shipping + items.iter().map(|(price, quantity)| price * i64::from(*quantity)).sum::<i64>();
            prop_assert_eq!(Draft::new(lines, &quote).expect("countable").total, Money::eur(expected));
        }

        #[test]
        fn a_total_beyond_counting_is_refused_and_never_wraps(price in (i64::MAX / 3)..i64::MAX) {
            let line = PricedLine { sku: Sku::from("A-1"), name: String::new(), quantity: 4, unit_price: Money::eur(price), weight_grams: 1 };
            let quote = Quote { carrier: String::new(), price: Money::eur(0), days: 1 };
            prop_assert!(Draft::new(vec![line], &quote).is_err());
        }
    }
}
