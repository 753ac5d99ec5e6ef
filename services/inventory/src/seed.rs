//! What there is at the very first start: an opening stock for every product of the shop's own range.

use anyhow::Context as _;
use contracts::Sku;
use contracts::types::Line;

/// Two columns, product and quantity, under one heading.
const STOCK: &str = include_str!("../seed/stock.csv");

/// The opening stock.
pub fn stock() -> anyhow::Result<Vec<Line>> {
    STOCK.lines().skip(1).map(|row| line(row).with_context(|| format!("seed/stock.csv: {row:?}"))).collect()
}

fn line(row: &str) -> anyhow::Result<Line> {
    let (sku, quantity) = row.split_once(',').context("there must be two columns")?;
    let sku = Sku(sku.to_owned());
    anyhow::ensure!(sku.is_valid(), "{sku} cannot name a product");
    Ok(Line { sku, quantity: quantity.parse().context("the quantity must be a whole number")? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_opening_stock_has_each_product_once_and_in_believable_numbers() {
        let stock = stock().expect("the seed is well-formed");
        let products: BTreeSet<_> = stock.iter().map(|line| &line.sku).collect();
        assert!(products.len() >= 200);
        assert_eq!(products.len(), stock.len());
        assert!(stock.iter().all(|line| (500..=5000).contains(&line.quantity)));
    }

    #[test]
    fn a_broken_row_is_named() {
        for broken in ["KIT-0001", "KIT 1,5", "KIT-0001,-5", "KIT-0001,many"] {
            assert!(line(broken).is_err(), "{broken}");
        }
    }
}
