//! Where the carriers go, and what it costs: by zone of the country and by bracket of the weight.

use contracts::shipping::Quote;
use contracts::{Money, OrderId};

use super::Refusal;

/// The most that a carrier takes, in grams.
pub const HEAVIEST_GRAMS: u32 = 30_000;

/// The upper ends of the weight brackets, in grams.
const BRACKETS: [u32; 5] = [1_000, 2_000, 5_000, 10_000, HEAVIEST_GRAMS];

/// Countries (ISO 3166-1 alpha-2) that one carrier serves at the same price.
struct Zone {
    carrier: &'static str,
    countries: &'static [&'static str],
    days: u32,
    /// Euro cents, one price a bracket.
    prices: [i64; BRACKETS.len()],
}

const ZONES: &[Zone] = &[
    Zone { carrier: "Tailwind Parcel", countries: &["DE"], days: 2, prices: [390, 490, 690, 990, 1_790] },
    Zone {
        carrier: "Continental Express",
        countries: &["AT", "BE", "CZ", "DK", "FR", "LU", "NL", "PL"],
        days: 3,
        prices: [890, 1_090, 1_490, 1_990, 3_490],
    },
    Zone {
        carrier: "Continental Express",
        countries: &[
            "BG", "CY", "EE", "ES", "FI", "GR", "HR", "HU", "IE", "IT", "LT", "LV", "MT", "PT", "RO", "SE",
            "SI", "SK",
        ],
        days: 5,
        prices: [1_290, 1_590, 2_190, 2_990, 4_990],
    },
    Zone {
        carrier: "North Sea Lines",
        countries: &["CH", "GB", "IS", "LI", "NO"],
        days: 6,
        prices: [1_590, 1_990, 2_790, 3_990, 6_490],
    },
    Zone {
        carrier: "Meridian Air",
        countries: &["AU", "CA", "JP", "KR", "NZ", "SG", "US"],
        days: 9,
        prices: [2_490, 3_490, 5_990, 9_990, 19_900],
    },
];

/// What it costs to send `weight_grams` to `country`.
pub fn quote(country: &str, weight_grams: u32) -> Result<Quote, Refusal> {
    let zone = ZONES
        .iter()
        .find(|zone| zone.countries.contains(&country))
        .ok_or_else(|| Refusal::NotServed { country: country.to_owned() })?;
    let price = BRACKETS
        .iter()
        .zip(zone.prices)
        .find(|(most, _)| weight_grams <= **most)
        .map(|(_, price)| price)
        .ok_or(Refusal::TooHeavy { weight_grams })?;
    Ok(Quote { carrier: zone.carrier.to_owned(), price: Money::eur(price), days: zone.days })
}

/// The carrier's number for the shipment of an order: the carrier's initials and 16 hexadecimal digits
/// of the order's id. It depends on nothing else, so that whoever books twice gets it twice.
pub fn tracking_number(carrier: &str, order_id: OrderId) -> String {
    let initials: String = carrier.split_whitespace().filter_map(|word| word.chars().next()).collect();
    // both halves: the first of a UUIDv7 is the time, the second is random
    let (first, second) = order_id.0.as_u64_pair();
    format!("{initials}{:016X}", first.rotate_left(16) ^ second)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn cents(country: &str, weight_grams: u32) -> Result<i64, Refusal> {
        quote(country, weight_grams).map(|quote| quote.price.amount)
    }

    #[test]
    fn a_bracket_ends_with_its_last_gram() {
        assert_eq!(cents("DE", 1), Ok(390));
        assert_eq!(cents("DE", 1_000), Ok(390));
        assert_eq!(cents("DE", 1_001), Ok(490));
        assert_eq!(cents("US", 30_000), Ok(19_900));
        assert_eq!(cents("DE", 30_001), Err(Refusal::TooHeavy { weight_grams: 30_001 }));
    }

    #[test]
    fn a_country_without_a_carrier_is_refused() {
        assert_eq!(quote("AQ", 1), Err(Refusal::NotServed { country: "AQ".into() }));
    }

    #[test]
    fn no_country_is_in_two_zones_and_farther_zones_cost_more() {
        let countries: Vec<_> = ZONES.iter().flat_map(|zone| zone.countries).collect();
        assert_eq!(countries.iter().collect::<HashSet<_>>().len(), countries.len());
        assert!(ZONES.windows(2).all(|pair| pair[0].prices < pair[1].prices && pair[0].days < pair[1].days));
    }

    #[test]
    fn a_tracking_number_names_carrier_and_order() {
        let order = OrderId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(tracking_number("Tailwind Parcel", order), "TP8000000070000199");
        let next = OrderId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0002));
        assert_ne!(tracking_number("Tailwind Parcel", order), tracking_number("Tailwind Parcel", next));
    }

    proptest! {
        #[test]
        fn more_weight_never_costs_less(
            zone in 0..ZONES.len(), one in 1..=HEAVIEST_GRAMS, more in 0..=HEAVIEST_GRAMS,
        ) {
            let country = ZONES[zone].countries[0];
            let other = (one + more).min(HEAVIEST_GRAMS);
            prop_assert!(cents(country, one).expect("served") <= cents(country, other).expect("served"));
        }
    }
}
