//! A small cache of products by SKU before the store.
//!
//! Every order asks for its products by SKU, and products hardly ever change: for an order of three
//! lines the cache saves a trip to the database. A change is seen after the cache's time to live; what
//! an order costs is settled by the price that the order itself records.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::clock::Clock;
use chassis::config::Live;
use chassis::store::StoreError;
use contracts::catalog::Product;
use contracts::{Sku, Timestamp};
use parking_lot::Mutex;

use crate::config::CacheConfig;
use crate::domain::{Place, Words};
use crate::store::{CatalogStore, Hit};

/// A store that remembers the products it was asked for by SKU.
pub struct Cached<S> {
    store: S,
    clock: Arc<dyn Clock>,
    config: Live<CacheConfig>,
    entries: Mutex<HashMap<Sku, Entry>>,
}

struct Entry {
    product: Product,
    read_at: Timestamp,
}

impl Entry {
    fn is_fresh(&self, now: Timestamp, ttl: Duration) -> bool {
        // a clock that was set back must not keep an entry alive
        (self.read_at..self.read_at.plus(ttl)).contains(&now)
    }
}

impl<S: CatalogStore> Cached<S> {
    /// A cache before `store`.
    pub fn new(store: S, clock: Arc<dyn Clock>, config: Live<CacheConfig>) -> Self {
        Self { store, clock, config, entries: Mutex::default() }
    }

    /// What the cache has of `skus`, and what it has not.
    fn recall(&self, skus: &[Sku], now: Timestamp, ttl: Duration) -> (Vec<Product>, Vec<Sku>) {
        let entries = self.entries.lock();
        let (mut known, mut unknown) = (Vec::with_capacity(skus.len()), Vec::new());
        for sku in skus {
            match entries.get(sku).filter(|entry| entry.is_fresh(now, ttl)) {
                Some(entry) => known.push(entry.product.clone()),
                None => unknown.push(sku.clone()),
            }
        }
        (known, unknown)
    }

    fn remember(&self, products: &[Product], read_at: Timestamp, most: usize) {
        let mut entries = self.entries.lock();
        for product in products {
            // starting over is cheaper than knowing which entry is the least useful
            if entries.len() >= most && !entries.contains_key(&product.sku) {
                entries.clear();
            }
            entries.insert(product.sku.clone(), Entry { product: product.clone(), read_at });
        }
    }
}

#[async_trait]
impl<S: CatalogStore> CatalogStore for Cached<S> {
    async fn products_seed(&self, products: &[Product]) -> Result<u64, StoreError> {
        self.store.products_seed(products).await
    }

    async fn products_by_sku(&self, skus: &[Sku]) -> Result<Vec<Product>, StoreError> {
        let config = self.config.get();
        if config.ttl_ms == 0 || config.entries == 0 {
            return self.store.products_by_sku(skus).await;
        }
        // taken before the database is asked, so that an entry is never held to be newer than it is
        let now = self.clock.now();
        let (mut products, unknown) = self.recall(skus, now, Duration::from_millis(config.ttl_ms));
        if !unknown.is_empty() {
            let read = self.store.products_by_sku(&unknown).await?;
            self.remember(&read, now, config.entries as usize);
            products.extend(read);
        }
        Ok(products)
    }

    async fn products_page(
        &self,
        category: Option<&str>,
        after: &str,
        most: u32,
    ) -> Result<Vec<Product>, StoreError> {
        self.store.products_page(category, after, most).await
    }

    async fn products_search(&self, words: &Words, after: &Place, most: u32) -> Result<Vec<Hit>, StoreError> {
        self.store.products_search(words, after, most).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use chassis::clock::ManualClock;

    use super::*;
    use crate::seed;

    /// A store in memory that counts how often it is asked.
    #[derive(Default)]
    struct Counting(AtomicU32);

    #[async_trait]
    impl CatalogStore for Arc<Counting> {
        async fn products_seed(&self, _: &[Product]) -> Result<u64, StoreError> {
            Ok(0)
        }

        async fn products_by_sku(&self, skus: &[Sku]) -> Result<Vec<Product>, StoreError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let all = seed::products().expect("the seed reads");
            Ok(all.into_iter().filter(|product| skus.contains(&product.sku)).collect())
        }

        async fn products_page(&self, _: Option<&str>, _: &str, _: u32) -> Result<Vec<Product>, StoreError> {
            Ok(Vec::new())
        }

        async fn products_search(&self, _: &Words, _: &Place, _: u32) -> Result<Vec<Hit>, StoreError> {
            Ok(Vec::new())
        }
    }

    struct Bench {
        asked: Arc<Counting>,
        clock: ManualClock,
        cache: Cached<Arc<Counting>>,
    }

    impl Bench {
        fn new(config: CacheConfig) -> Self {
            let (asked, clock) = (Arc::<Counting>::default(), ManualClock::at(Timestamp(1_000_000)));
            let cache = Cached::new(asked.clone(), Arc::new(clock.clone()), Live::fixed(config));
            Self { asked, clock, cache }
        }

        /// Asks for `skus` and says how often the store was asked up to now.
        async fn ask(&self, skus: &[&str]) -> u32 {
            let skus: Vec<_> = skus.iter().map(|sku| Sku::from(*sku)).collect();
            let mut found: Vec<_> = self
                .cache
                .products_by_sku(&skus)
                .await
                .expect("answers")
                .into_iter()
                .map(|p| p.sku)
                .collect();
            found.sort();
            assert_eq!(found, skus);
            self.asked.0.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_product_is_read_once_in_its_time_to_live() {
        let bench = Bench::new(CacheConfig { ttl_ms: 1000, entries: 10 });
        assert_eq!(bench.ask(&["KIT-0001"]).await, 1);
        assert_eq!(bench.ask(&["KIT-0001"]).await, 1);
        assert_eq!(bench.ask(&["KIT-0001", "KIT-0002"]).await, 2);
        assert_eq!(bench.ask(&["KIT-0001", "KIT-0002"]).await, 2);
        bench.clock.advance(Duration::from_millis(1000));
        assert_eq!(bench.ask(&["KIT-0001"]).await, 3);
    }

    #[tokio::test]
    async fn it_never_holds_more_than_it_may() {
        let bench = Bench::new(CacheConfig { ttl_ms: 1000, entries: 2 });
        bench.ask(&["KIT-0001", "KIT-0002", "KIT-0003"]).await;
        assert!(bench.cache.entries.lock().len() <= 2);
    }

    #[tokio::test]
    async fn without_a_time_to_live_it_is_off() {
        let bench = Bench::new(CacheConfig { ttl_ms: 0, entries: 10 });
        assert_eq!(bench.ask(&["KIT-0001"]).await, 1);
        assert_eq!(bench.ask(&["KIT-0001"]).await, 2);
    }

    #[tokio::test]
    async fn a_product_that_is_missing_is_asked_for_again() {
        let bench = Bench::new(CacheConfig::default());
        for _ in 0..2 {
            assert_eq!(bench.cache.products_by_sku(&["NO-SUCH".into()]).await.expect("answers"), []);
        }
        assert_eq!(bench.asked.0.load(Ordering::SeqCst), 2);
    }
}
