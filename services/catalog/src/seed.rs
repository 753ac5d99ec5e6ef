//! The shop's first range: `seed/products.tsv`, part of the executable.

use contracts::catalog::Product;
use contracts::{Money, Sku};

const TABLE: &str = include_str!("../seed/products.tsv");
const COLUMNS: &str = "sku\tcategory\tname\tprice_cents\tweight_grams\tdescription";

/// The table cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed/products.tsv, line {line}: {reason}")]
pub struct SeedError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// The products that a new shop begins with, each at version 1.
pub fn products() -> Result<Vec<Product>, SeedError> {
    parse(TABLE)
}

fn parse(table: &str) -> Result<Vec<Product>, SeedError> {
    let mut lines = table.lines();
    if lines.next() != Some(COLUMNS) {
        return Err(SeedError { line: 1, reason: format!("must be {COLUMNS:?}") });
    }
    let read = |(at, text)| product(text).map_err(|reason| SeedError { line: at + 2, reason });
    lines.enumerate().map(read).collect()
}

fn product(line: &str) -> Result<Product, String> {
    let cells: Vec<_> = line.split('\t').collect();
    let &[sku, category, name, price, weight, description] = cells.as_slice() else {
        return Err(format!("has {} columns instead of 6", cells.len()));
    };
    let sku = Sku::from(sku);
    if !sku.is_valid() {
        return Err(format!("{sku:?} is not a SKU"));
    }
    Ok(Product {
        sku,
        name: name.to_owned(),
        description: description.to_owned(),
        category: category.to_owned(),
        price: Money::eur(price.parse().map_err(|_| format!("{price:?} is not a price in cents"))?),
        weight_grams: weight.parse().map_err(|_| format!("{weight:?} is not a weight in grams"))?,
        version: 1,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
        texts.collect::<HashSet<_>>().len()
    }

    #[test]
    fn the_range_is_broad_sane_and_free_of_copies() {
        let products = products().expect("reads");
        assert!(products.len() >= 200, "{} products", products.len());
        assert_eq!(products[0].sku, Sku::from("KIT-0001"));
        assert_eq!(distinct(products.iter().map(|p| p.sku.0.as_str())), products.len());
        assert_eq!(distinct(products.iter().map(|p| p.name.as_str())), products.len());
        assert_eq!(distinct(products.iter().map(|p| p.description.as_str())), products.len());
        for product in &products {
            assert!((100..=50_000).contains(&product.price.amount), "{product:?}");
            assert!((20..=20_000).contains(&product.weight_grams), "{product:?}");
            assert!((5..=60).contains(&product.name.len()), "{product:?}");
            assert!((30..=200).contains(&product.description.len()), "{product:?}");
        }
    }

    #[test]
    fn skus_are_three_letters_of_the_category_and_count_from_one() {
        let mut shelves = BTreeMap::new();
        for product in products().expect("reads") {
            let (letters, _) = product.sku.0.split_once('-').expect("letters and digits");
            assert_eq!(letters, product.category[..3].to_uppercase());
            let count = shelves.entry(product.category.clone()).or_insert(0);
            *count += 1;
            assert_eq!(product.sku.0, format!("{letters}-{count:04}"));
        }
        assert!((8..=12).contains(&shelves.len()), "{shelves:?}");
    }

    #[test]
    fn a_bad_line_is_named() {
        let good = "KIT-0001\tkitchen\tPan\t100\t200\tA pan.";
        for (bad, reason) in [
            ("KIT-0002\tkitchen\tPan", "columns"),
            ("KIT 0002\tkitchen\tPan\t100\t200\tA pan.", "SKU"),
            ("KIT-0002\tkitchen\tPan\t1.00\t200\tA pan.", "price"),
            ("KIT-0002\tkitchen\tPan\t100\t-1\tA pan.", "weight"),
        ] {
            let error = parse(&format!("{COLUMNS}\n{good}\n{bad}\n")).expect_err(bad);
            assert_eq!(error.line, 3);
            assert!(error.reason.contains(reason), "{error}");
        }
        assert_eq!(parse(good).expect_err("no heading").line, 1);
    }
}
