//! What may be asked: every fault of a request at once, each under its field's path.

use contracts::Problem;
use contracts::error::Faults;
use contracts::shipping::{QuoteShipping, ScheduleShipment};
use contracts::types::check_country;

/// Refuses a quote for nothing, or for what is no country.
pub fn check_quote(request: &QuoteShipping) -> Result<(), Problem> {
    let mut faults = Faults::default();
    check_country(&mut faults, "country", &request.country);
    check_weight(&mut faults, request.weight_grams);
    faults.into_result()
}

/// Refuses a shipment of nothing, or to no proper address.
pub fn check_schedule(request: &ScheduleShipment) -> Result<(), Problem> {
    let mut faults = Faults::default();
    request.address.check(&mut faults, "address");
    check_weight(&mut faults, request.weight_grams);
    faults.into_result()
}

fn check_weight(faults: &mut Faults, weight_grams: u32) {
    faults.check(weight_grams > 0, "weight_grams", "must be at least 1");
}

#[cfg(test)]
mod tests {
    use contracts::OrderId;
    use contracts::types::Address;

    use super::*;

    fn address() -> Address {
        Address {
            name: "Ada Lovelace".into(),
            street: "Invalidenstr. 117".into(),
            city: "Berlin".into(),
            postal_code: "10115".into(),
            country: "DE".into(),
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let address =
            Address { name: " ".into(), city: "Ber\0lin".into(), country: "Germany".into(), ..address() };
        let request = ScheduleShipment { order_id: OrderId(Default::default()), address, weight_grams: 0 };
        let problem = check_schedule(&request).expect_err("four faults");
        let fields: Vec<_> = problem.faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["address.name", "address.city", "address.country", "weight_grams"]);
    }

    #[test]
    fn a_country_is_two_capital_letters() {
        for bad in ["", "D", "de", "DEU", "ß", "D1"] {
            let quote = QuoteShipping { country: bad.into(), weight_grams: 1 };
            assert_eq!(check_quote(&quote).expect_err(bad).faults[0].field, "country");
        }
    }
}
