//! Where goods go, and what an address must look like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Faults;

/// Where goods go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Who receives them: 1 to 100 characters.
    pub name: String,
    /// Street and number: 1 to 100 characters.
    pub street: String,
    /// Town: 1 to 100 characters.
    pub city: String,
    /// Postal code: 1 to 16 characters.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2, `DE`.
    pub country: String,
}

impl Address {
    /// The longest line of an address, in characters.
    pub const LONGEST_LINE: usize = 100;
    /// The longest postal code, in characters.
    pub const LONGEST_POSTAL_CODE: usize = 16;

    /// Notes every fault of the address, each under its path in the field `prefix`. Orders and shipping
    /// ask the same of it, so that an address which shipping would refuse is refused before anything is
    /// held for the order.
    pub fn check(&self, faults: &mut Faults, prefix: &str) {
        let Self { name, street, city, postal_code, country } = self;
        for (field, text, longest) in [
            ("name", name, Self::LONGEST_LINE),
            ("street", street, Self::LONGEST_LINE),
            ("city", city, Self::LONGEST_LINE),
            ("postal_code", postal_code, Self::LONGEST_POSTAL_CODE),
        ] {
            let good = !text.trim().is_empty()
                && text.chars().count() <= longest
                && !text.contains(char::is_control);
            faults.check(
                good,
                format!("{prefix}.{field}"),
                format!("must have 1 to {longest} characters, none of them a control character"),
            );
        }
        check_country(faults, &format!("{prefix}.country"), country);
    }
}

/// Notes a fault of `field` unless `country` looks like a country's code.
pub fn check_country(faults: &mut Faults, field: &str, country: &str) {
    let good = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    faults.check(good, field, "must be two capital letters (ISO 3166-1 alpha-2), like DE");
}

#[cfg(test)]
mod tests {
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

    fn fields(address: &Address) -> Vec<String> {
        let mut faults = Faults::default();
        address.check(&mut faults, "to");
        let problem = faults.into_result().err();
        problem.into_iter().flat_map(|problem| problem.faults).map(|fault| fault.field).collect()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        assert_eq!(fields(&address()), [""; 0]);
        let bad = Address {
            name: " ".into(),
            street: String::new(),
            city: "Ber\0lin".into(),
            postal_code: "1\n".into(),
            country: "Germany".into(),
        };
        assert_eq!(fields(&bad), ["to.name", "to.street", "to.city", "to.postal_code", "to.country"]);
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        type Field = fn(&mut Address) -> &mut String;
        for (field, longest) in [
            ((|to| &mut to.name) as Field, 100),
            (|to| &mut to.street, 100),
            (|to| &mut to.city, 100),
            (|to| &mut to.postal_code, 16),
        ] {
            let mut address = address();
            *field(&mut address) = "ß".repeat(longest);
            assert_eq!(fields(&address), [""; 0]);
            field(&mut address).push('x');
            assert_eq!(fields(&address).len(), 1);
        }
    }

    #[test]
    fn a_country_is_two_capital_letters() {
        for bad in ["", "D", "de", "DEU", "ß", "D1"] {
            assert_eq!(fields(&Address { country: bad.into(), ..address() }), ["to.country"], "{bad}");
        }
    }
}
