//! The port: checks what is asked, and asks the model.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::recommendations::{
    ProjectedOrder, RecommendForCustomer, RecommendForProduct, Recommendations, Recommended,
};
use contracts::types::{Cursor, Page, PageRequest};
use contracts::{Code, Context, OrderId, PortResult, Problem};

use crate::domain;
use crate::store::ModelStore;

/// [`Recommendations`] on a store.
pub struct Service {
    store: Arc<dyn ModelStore>,
}

impl Service {
    /// The port on `store`.
    pub fn new(store: Arc<dyn ModelStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Recommendations for Service {
    async fn for_product(&self, _: &Context, request: RecommendForProduct) -> PortResult<Recommended> {
        domain::check_sku(&request.sku)?;
        let most = domain::limit(request.limit)?;
        Ok(self.store.together_with(&request.sku, most).await?)
    }

    async fn for_customer(&self, _: &Context, request: RecommendForCustomer) -> PortResult<Recommended> {
        domain::check_customer(&request.customer_id)?;
        let most = domain::limit(request.limit)?;
        Ok(self.store.together_with_all_of(&request.customer_id, most).await?)
    }

    async fn audit(&self, _: &Context, request: PageRequest) -> PortResult<Page<ProjectedOrder>> {
        let (after, limit) = request.resolve()?;
        if !after.is_empty() && OrderId::parse("cursor", &after).is_err() {
            let detail = format!("cursor {:?} belongs to another listing", Cursor(after).encode());
            return Err(Problem::new(Code::InvalidCursor, detail).into());
        }
        let orders = self.store.orders_page(&after, limit + 1).await?;
        Ok(Page::from_overfull(orders, limit, |order| order.order_id.to_string()))
    }
}
