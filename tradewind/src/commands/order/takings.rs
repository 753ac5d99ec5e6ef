//! How the orders of an endless shopper ended.

use std::collections::BTreeMap;

use contracts::Code;
use contracts::orders::{Order, OrderStatus};
use serde::Serialize;

use super::Outcome;

/// How many orders ended how. Kinds are codes of problems, or `no_answer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Takings {
    confirmed: u64,
    /// The shop decided against them: the card was declined, say.
    refused: BTreeMap<String, u64>,
    /// The shop could not decide, or did not answer.
    failed: BTreeMap<String, u64>,
    /// They were sent, and had not come to their end when nobody waited any longer.
    under_way: u64,
    /// Looks at the catalogue that failed, so that nothing was ordered.
    unseen: BTreeMap<String, u64>,
}

impl Takings {
    /// Counts an order.
    pub fn note(&mut self, outcome: &Outcome, order: Option<&Order>) {
        if outcome.confirmed {
            self.confirmed += 1;
            return;
        }
        if order.is_some_and(|order| order.status == OrderStatus::Placed) {
            self.note_under_way();
            return;
        }
        let reason = order.and_then(|order| order.reason.as_ref()).map(|reason| reason.code.as_str());
        let kind = reason.unwrap_or(&outcome.result);
        *self.of_kind(kind).entry(kind.to_owned()).or_insert(0) += 1;
    }

    /// Counts an order that nobody waits for any longer.
    pub fn note_under_way(&mut self) {
        self.under_way += 1;
    }

    /// Counts a look at the catalogue that failed.
    pub fn note_unseen(&mut self, outcome: &Outcome) {
        *self.unseen.entry(outcome.result.clone()).or_insert(0) += 1;
    }

    fn of_kind(&mut self, kind: &str) -> &mut BTreeMap<String, u64> {
        match Code::from_text(kind) {
            Some(code) if !code.is_servers_fault() => &mut self.refused,
            _ => &mut self.failed,
        }
    }

    /// Adds those of another time.
    pub fn add(&mut self, other: &Self) {
        self.confirmed += other.confirmed;
        self.under_way += other.under_way;
        for (all, more) in [
            (&mut self.refused, &other.refused),
            (&mut self.failed, &other.failed),
            (&mut self.unseen, &other.unseen),
        ] {
            for (kind, count) in more {
                *all.entry(kind.clone()).or_insert(0) += count;
            }
        }
    }

    /// All orders.
    pub fn orders(&self) -> u64 {
        self.confirmed + sum(&self.refused) + sum(&self.failed) + self.under_way
    }

    /// For people: `18 confirmed, 2 refused (card_declined 2), 0 failed`.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} confirmed, {}, {}",
            self.confirmed,
            named("refused", &self.refused),
            named("failed", &self.failed)
        );
        if self.under_way > 0 {
            text.push_str(&format!(", {} still under way", self.under_way));
        }
        if !self.unseen.is_empty() {
            text.push_str(&format!("; {}", named("looks at the catalogue failed", &self.unseen)));
        }
        text
    }
}

fn sum(kinds: &BTreeMap<String, u64>) -> u64 {
    kinds.values().sum()
}

fn named(what: &str, kinds: &BTreeMap<String, u64>) -> String {
    let each: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let each = if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) };
    format!("{} {what}{each}", sum(kinds))
}

#[cfg(test)]
mod tests {
    use contracts::orders::Coordination;
    use contracts::types::Reason;
    use contracts::{CustomerId, Money, OrderId, Timestamp};

    use super::*;

    fn outcome(result: &str) -> Outcome {
        let confirmed = result == "confirmed";
        Outcome { confirmed, result: result.into(), detail: None, order_id: None, took_ms: 1.0 }
    }

    fn order(status: OrderStatus, reason: Option<&str>) -> Order {
        Order {
            id: OrderId(Default::default()),
            customer_id: CustomerId("ada".into()),
            status,
            step: "cancelled".into(),
            coordination: Coordination::Sync,
            lines: Vec::new(),
            shipping: Money::eur(0),
            total: Money::eur(0),
            reason: reason.map(|code| Reason { code: code.into(), detail: String::new() }),
            placed_at: Timestamp(0),
            updated_at: Timestamp(0),
            version: 1,
        }
    }

    #[test]
    fn what_the_shop_decides_is_told_apart_from_what_it_cannot() {
        let mut takings = Takings::default();
        takings.note(&outcome("confirmed"), Some(&order(OrderStatus::Confirmed, None)));
        takings.note(&outcome("card_declined"), None);
        takings.note(&outcome("cancelled"), Some(&order(OrderStatus::Cancelled, Some("card_declined"))));
        takings.note(
            &outcome("cancelled"),
            Some(&order(OrderStatus::Cancelled, Some("dependency_unavailable"))),
        );
        takings.note(&outcome("rejected"), Some(&order(OrderStatus::Rejected, Some("out_of_stock"))));
        takings.note(&outcome("no_answer"), None);
        takings.note(&outcome("placed"), Some(&order(OrderStatus::Placed, None)));
        assert_eq!(
            takings.text(),
            "1 confirmed, 3 refused (card_declined 2, out_of_stock 1), \
             2 failed (dependency_unavailable 1, no_answer 1), 1 still under way"
        );
        assert_eq!(takings.orders(), 7);
    }

    #[test]
    fn a_look_at_the_catalogue_is_no_order() {
        let (mut takings, mut all) = (Takings::default(), Takings::default());
        takings.note_unseen(&outcome("no_answer"));
        takings.note_unseen(&outcome("no_answer"));
        all.add(&takings);
        assert_eq!(all.orders(), 0);
        let told = "0 confirmed, 0 refused, 0 failed; 2 looks at the catalogue failed (no_answer 2)";
        assert_eq!(all.text(), told);
    }

    #[test]
    fn times_add_up() {
        let mut all = Takings::default();
        let mut lately = Takings::default();
        lately.note(&outcome("confirmed"), None);
        lately.note(&outcome("no_answer"), None);
        all.add(&lately);
        all.add(&lately);
        assert_eq!(all.text(), "2 confirmed, 0 refused, 2 failed (no_answer 2)");
        assert_eq!(Takings::default().text(), "0 confirmed, 0 refused, 0 failed");
    }
}
