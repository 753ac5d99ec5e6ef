//! Where a customer's mails go.

use contracts::types::CustomerId;

/// The mail address of a customer (RFC 5322, `addr-spec`): the id at `domain`. An id with dots at its
/// ends, or two in a row, stands in quotation marks, as the grammar asks.
pub fn of(customer_id: &CustomerId, domain: &str) -> String {
    let id = &customer_id.0;
    let is_dot_atom = id.split('.').all(|part| !part.is_empty());
    if is_dot_atom { format!("{id}@{domain}") } else { format!("\"{id}\"@{domain}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_becomes_an_address() {
        for (id, address) in [
            ("ada", "ada@shop.example"),
            ("ada.lovelace-1_x", "ada.lovelace-1_x@shop.example"),
            (".ada", "\".ada\"@shop.example"),
            ("ada.", "\"ada.\"@shop.example"),
            ("a..b", "\"a..b\"@shop.example"),
        ] {
            assert_eq!(of(&CustomerId(id.into()), "shop.example"), address);
        }
    }
}
