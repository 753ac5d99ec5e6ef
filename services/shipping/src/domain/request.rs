//! What may be asked: every fault of a request at once, each under its field's path.

use contracts::Problem;
use contracts::error::Faults;
use contracts::shipping::{QuoteShipping, ScheduleShipment};
use contracts::types::Address;

/// The longest line of an address, in characters.
const LONGEST_LINE: usize = 100;
/// The longest postal code, in characters.
const LONGEST_POSTAL_CODE: usize = 16;

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
    let Address { name, street, city, postal_code, country } = &request.address;
    check_line(&mut faults, "address.name", name, LONGEST_LINE);
    check_line(&mut faults, "address.street", street, LONGEST_LINE);
    check_line(&mut faults, "address.city", city, LONGEST_LINE);
    check_line(&mut faults, "address.postal_code", postal_code, LONGEST_POSTAL_CODE);
    check_country(&mut faults, "address.country", country);
    check_weight(&mut faults, request.weight_grams);
    faults.into_result()
}

fn check_country(faults: &mut Faults, field: &str, country: &str) {
    let good = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    faults.check(good, field, "must be two capital letters (ISO 3166-1 alpha-2)");
}

fn check_weight(faults: &mut Faults, weight_grams: u32) {
    faults.check(weight_grams > 0, "weight_grams", "must be at least 1");
}

fn check_line(faults: &mut Faults, field: &str, line: &str, longest: usize) {
    let good =
        !line.trim().is_empty() && line.chars().count() <= longest && !line.chars().any(char::is_control);
    faults.check(
        good,
        field,
        format!("must have 1 to {longest} characters, none of them a control character"),
    );
}

#[cfg(test)]
mod tests {
    use contracts::OrderId;

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
    fn characters_are_counted_and_not_bytes() {
        let mut request =
            ScheduleShipment { order_id: OrderId(Default::default()), address: address(), weight_grams: 1 };
        request.address.city = "ß".repeat(100);
        assert_eq!(check_schedule(&request), Ok(()));
        request.address.city.push('x');
        assert!(check_schedule(&request).is_err());
    }

    #[test]
    fn a_country_is_two_capital_letters() {
        for bad in ["", "D", "de", "DEU", "ß", "D1"] {
            let quote = QuoteShipping { country: bad.into(), weight_grams: 1 };
            assert_eq!(check_quote(&quote).expect_err(bad).faults[0].field, "country");
        }
    }
}
