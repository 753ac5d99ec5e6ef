//! Random values of recommendations.

use super::*;
use crate::recommendations::{
    ProjectedOrder, RecommendForCustomer, RecommendForProduct, Recommendation, Recommended, Standing,
};

pub(in crate::grpc::tests) fn recommend_for_product() -> impl Strategy<Value = RecommendForProduct> {
    (sku(), option::of(count())).prop_map(|(sku, limit)| RecommendForProduct { sku, limit })
}

pub(in crate::grpc::tests) fn recommend_for_customer() -> impl Strategy<Value = RecommendForCustomer> {
    (customer_id(), option::of(count()))
        .prop_map(|(customer_id, limit)| RecommendForCustomer { customer_id, limit })
}

pub(in crate::grpc::tests) fn recommended() -> impl Strategy<Value = Recommended> {
    let item = (sku(), count()).prop_map(|(sku, together)| Recommendation { sku, together });
    (vec(item, FEW), version()).prop_map(|(items, as_of)| Recommended { items, as_of })
}

pub(in crate::grpc::tests) fn projected_order() -> impl Strategy<Value = ProjectedOrder> {
    let standing = proptest::sample::select(vec![Standing::Counts, Standing::Withdrawn]);
    (order_id(), customer_id(), vec(sku(), FEW), standing).prop_map(
        |(order_id, customer_id, skus, standing)| ProjectedOrder { order_id, customer_id, skus, standing },
    )
}
