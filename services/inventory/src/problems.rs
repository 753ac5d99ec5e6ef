//! What a refusal tells the client.

use contracts::OrderId;
use contracts::error::{Code, Fault, Problem};

use crate::domain::{Refusal, Shortage};

/// The problem that stands for `refusal` of a request about `order`.
pub(crate) fn of(refusal: &Refusal, order: OrderId) -> Problem {
    match refusal {
        Refusal::UnknownSkus(missing) => {
            named(Code::UnknownSku, "sku", missing, |it| format!("{} is not stocked", it.sku))
        }
        Refusal::OutOfStock(short) => named(Code::OutOfStock, "quantity", short, |it| {
            format!("{} of {} were asked for, {} left", it.wanted, it.sku, it.left.unwrap_or(0))
        }),
        Refusal::OtherLines => {
            Problem::new(Code::Conflict, format!("order {order} has a claim already, on other goods"))
        }
        Refusal::Compensated => Problem::new(
            Code::Compensated,
            format!("order {order} was released; it can claim nothing any more"),
        ),
        Refusal::Expired => {
            Problem::new(Code::ReservationExpired, format!("the reservation of order {order} had run out"))
        }
        Refusal::NoClaim => Problem::not_found(format!("claim of order {order}")),
    }
}

/// Names every line at fault, in the detail for people and in the faults for programs.
fn named(code: Code, field: &str, shortages: &[Shortage], say: impl Fn(&Shortage) -> String) -> Problem {
    let faults: Vec<_> = shortages
        .iter()
        .map(|it| Fault { field: format!("lines[{}].{field}", it.line), message: say(it) })
        .collect();
    let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    Problem { faults: faults.clone(), ..Problem::new(code, messages.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_at_fault_is_named_with_what_is_left() {
        let shortages = vec![
            Shortage { line: 0, sku: "A-1".into(), wanted: 5, left: Some(2) },
            Shortage { line: 3, sku: "B-2".into(), wanted: 1, left: Some(0) },
        ];
        let problem = of(&Refusal::OutOfStock(shortages), OrderId(Default::default()));
        assert_eq!(problem.code, Code::OutOfStock);
        assert_eq!(problem.detail, "5 of A-1 were asked for, 2 left; 1 of B-2 were asked for, 0 left");
        let fields: Vec<_> = problem.faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["lines[0].quantity", "lines[3].quantity"]);
    }
}
