//! The operations of recommendations.

use contracts::CustomerId;
use contracts::recommendations::{
    AUDIT, FOR_CUSTOMER, FOR_PRODUCT, ProjectedOrder, RecommendForCustomer, RecommendForProduct,
    Recommendation, Recommended, Standing,
};
use contracts::types::Page;

use super::Case;
use super::values::{TEXT, fifty_lines, first_page, last_order_id, later_page, odd_sku, order_id};

fn recommended() -> Recommended {
    let best = Recommendation { sku: odd_sku(), together: u32::MAX };
    let last = Recommendation { sku: "A-1".into(), together: 0 };
    Recommended { items: vec![best, last], as_of: u64::MAX }
}

fn projected() -> Vec<ProjectedOrder> {
    let skus = fifty_lines().into_iter().map(|line| line.sku).collect();
    vec![
        ProjectedOrder {
            order_id: order_id(),
            customer_id: CustomerId(TEXT.into()),
            skus,
            standing: Standing::Counts,
        },
        ProjectedOrder {
            order_id: last_order_id(),
            customer_id: CustomerId(String::new()),
            skus: Vec::new(),
            standing: Standing::Withdrawn,
        },
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let nothing = Recommended { items: Vec::new(), as_of: 0 };
    for (limit, reply) in [(None, recommended()), (Some(0), nothing), (Some(u32::MAX), recommended())] {
        let request = RecommendForProduct { sku: odd_sku(), limit };
        cases.push(Case::new(&FOR_PRODUCT, request, reply.clone(), |clients, ctx, request| async move {
            clients.recommendations.for_product(&ctx, request).await
        }));
        let request = RecommendForCustomer { customer_id: CustomerId(TEXT.into()), limit };
        cases.push(Case::new(&FOR_CUSTOMER, request, reply, |clients, ctx, request| async move {
            clients.recommendations.for_customer(&ctx, request).await
        }));
    }
    for (asked, items) in [(later_page(), projected()), (first_page(), Vec::new())] {
        let reply = Page { items, next: asked.cursor.clone() };
        cases.push(Case::new(&AUDIT, asked, reply, |clients, ctx, request| async move {
            clients.recommendations.audit(&ctx, request).await
        }));
    }
    cases
}
