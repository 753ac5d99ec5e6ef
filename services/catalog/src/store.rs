//! The products, on SQLite and PostgreSQL.
//!
//! A list of SKUs or words goes to the database as one JSON array, so that one statement serves every
//! length. The engines unpack it with functions of their own: such statements come in pairs.

use async_trait::async_trait;
use chassis::store::{Dialect, Store, StoreError, commit};
use contracts::catalog::Product;
use contracts::{Currency, Money, Sku};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::domain::{Folded, Place, Rank, Words};

/// What the catalog keeps.
#[async_trait]
pub trait CatalogStore: Send + Sync + 'static {
    /// Adds those products that are not there yet, all or none; those that are stay as they are. Says
    /// how many were added.
    async fn products_seed(&self, products: &[Product]) -> Result<u64, StoreError>;

    /// The products with these SKUs, in no particular order; those that are missing are left out.
    async fn products_by_sku(&self, skus: &[Sku]) -> Result<Vec<Product>, StoreError>;

    /// Up to `most` products in the order of their SKU, from after `after` on, of `category` or of all.
    async fn products_page(
        &self,
        category: Option<&str>,
        after: &str,
        most: u32,
    ) -> Result<Vec<Product>, StoreError>;

    /// Up to `most` products that have every word, best first, from after `after` on.
    async fn products_search(&self, words: &Words, after: &Place, most: u32) -> Result<Vec<Hit>, StoreError>;
}

/// A product that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// How well it matches.
    pub rank: Rank,
    /// The product.
    pub product: Product,
}

impl Hit {
    /// Where it stands among the results.
    pub fn place(&self) -> Place {
        Place { rank: self.rank, sku: self.product.sku.0.clone() }
    }
}

/// [`CatalogStore`] in SQL.
#[derive(Debug, Clone)]
pub struct SqlStore {
    store: Store,
}

impl SqlStore {
    /// The catalog's tables in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl CatalogStore for SqlStore {
    async fn products_seed(&self, products: &[Product]) -> Result<u64, StoreError> {
        let mut tx = self.store.begin().await?;
        let mut added = 0;
        // always in the same order, so that two replicas that start together never wait for each other
        for product in products {
            let folded = Folded::of(product);
            let result = sqlx::query(INSERT)
                .bind(&product.sku.0)
                .bind(&product.name)
                .bind(&product.description)
                .bind(&product.category)
                .bind(product.price.amount)
                .bind(product.price.currency.as_str())
                .bind(i64::from(product.weight_grams))
                .bind(
                    i64::try_from(product.version)
                        .map_err(|_| StoreError::corrupt("version", product.version))?,
                )
                .bind(folded.name)
                .bind(folded.text)
                .execute(&mut *tx)
                .await?;
            added += result.rows_affected();
        }
        commit(tx).await?;
        Ok(added)
    }

    async fn products_by_sku(&self, skus: &[Sku]) -> Result<Vec<Product>, StoreError> {
        let statement = match self.store.dialect() {
            Dialect::Sqlite => BY_SKU_SQLITE,
            Dialect::Postgres => BY_SKU_POSTGRES,
        };
        let rows = sqlx::query(statement).bind(json_list(skus)).fetch_all(self.store.read()).await?;
        rows.iter().map(product).collect()
    }

    async fn products_page(
        &self,
        category: Option<&str>,
        after: &str,
        most: u32,
    ) -> Result<Vec<Product>, StoreError> {
        let query = match category {
            None => sqlx::query(PAGE).bind(after).bind(i64::from(most)),
            Some(category) => sqlx::query(PAGE_OF_CATEGORY).bind(after).bind(i64::from(most)).bind(category),
        };
        let rows = query.fetch_all(self.store.read()).await?;
        rows.iter().map(product).collect()
    }

    async fn products_search(&self, words: &Words, after: &Place, most: u32) -> Result<Vec<Hit>, StoreError> {
        let statement = match self.store.dialect() {
            Dialect::Sqlite => SEARCH_SQLITE,
            Dialect::Postgres => SEARCH_POSTGRES,
        };
        let rows = sqlx::query(statement)
            .bind(json_list(words.as_slice()))
            .bind(after.rank.number())
            .bind(&after.sku)
            .bind(i64::from(most))
            .fetch_all(self.store.read())
            .await?;
        rows.iter()
            .map(|row| {
                let number = row.try_get("place")?;
                let rank = Rank::from_number(number).ok_or_else(|| StoreError::corrupt("place", number))?;
                Ok(Hit { rank, product: product(row)? })
            })
            .collect()
    }
}

fn json_list<T: serde::Serialize>(texts: &[T]) -> String {
    serde_json::json!(texts).to_string()
}

fn product(row: &AnyRow) -> Result<Product, StoreError> {
    let currency: String = row.try_get("currency")?;
    let weight: i64 = row.try_get("weight_grams")?;
    let version: i64 = row.try_get("version")?;
    Ok(Product {
        sku: Sku(row.try_get("sku")?),
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        category: row.try_get("category")?,
        price: Money {
            amount: row.try_get("price_amount")?,
            currency: Currency::parse(&currency).ok_or_else(|| StoreError::corrupt("currency", &currency))?,
        },
        weight_grams: u32::try_from(weight).map_err(|_| StoreError::corrupt("weight_grams", weight))?,
        version: u64::try_from(version).map_err(|_| StoreError::corrupt("version", version))?,
    })
}

const INSERT: &str = "
    INSERT INTO catalog_products (sku, name, description, category, price_amount, currency, weight_grams,
                                  version, name_folded, text_folded)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (sku) DO NOTHING";

const BY_SKU_SQLITE: &str = "
    SELECT sku, name, description, category, price_amount, currency, weight_grams, version
    FROM catalog_products
    WHERE sku IN (SELECT value FROM json_each($1))";

const BY_SKU_POSTGRES: &str = "
    SELECT sku, name, description, category, price_amount, currency, weight_grams, version
    FROM catalog_products
    WHERE sku IN (SELECT json_array_elements_text($1::json))";

const PAGE: &str = "
    SELECT sku, name, description, category, price_amount, currency, weight_grams, version
    FROM catalog_products
    WHERE sku > $1
    ORDER BY sku
    LIMIT $2";

const PAGE_OF_CATEGORY: &str = "
    SELECT sku, name, description, category, price_amount, currency, weight_grams, version
    FROM catalog_products
    WHERE category = $3 AND sku > $1
    ORDER BY sku
    LIMIT $2";

// A search asks for substrings by position, not with LIKE: so no letter of a query is a wildcard.

const SEARCH_SQLITE: &str = "
    SELECT * FROM (
        SELECT sku, name, description, category, price_amount, currency, weight_grams, version,
               CAST(EXISTS (SELECT 1 FROM json_each($1) AS word WHERE instr(name_folded, word.value) = 0)
                    AS BIGINT) AS place
        FROM catalog_products
        WHERE NOT EXISTS (SELECT 1 FROM json_each($1) AS word WHERE instr(text_folded, word.value) = 0)
    ) AS hits
    WHERE place > $2 OR (place = $2 AND sku > $3)
    ORDER BY place, sku
    LIMIT $4";

const SEARCH_POSTGRES: &str = "
    SELECT * FROM (
        SELECT sku, name, description, category, price_amount, currency, weight_grams, version,
               CAST(CAST(EXISTS (SELECT 1 FROM json_array_elements_text($1::json) AS word(value)
                                 WHERE strpos(name_folded, word.value) = 0)
                         AS INTEGER) AS BIGINT) AS place
        FROM catalog_products
        WHERE NOT EXISTS (SELECT 1 FROM json_array_elements_text($1::json) AS word(value)
                          WHERE strpos(text_folded, word.value) = 0)
    ) AS hits
    WHERE place > $2 OR (place = $2 AND sku > $3)
    ORDER BY place, sku
    LIMIT $4";
