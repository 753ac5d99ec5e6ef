//! What the port answers.

use contracts::recommendations::{
    ProjectedOrder, RecommendForCustomer, RecommendForProduct, Recommendations as _, Recommended, Standing,
};
use contracts::types::{Cursor, PageRequest};
use contracts::{Code, CustomerId, PortError, PortResult};

use crate::stories::{confirmed, refunded};
use crate::{Bench, benches};

impl Bench {
    async fn for_product(&self, sku: &str, limit: Option<u32>) -> PortResult<Recommended> {
        self.service.for_product(&self.ctx, RecommendForProduct { sku: sku.into(), limit }).await
    }

    async fn for_customer(&self, customer: &str, limit: Option<u32>) -> PortResult<Recommended> {
        let customer_id = CustomerId(customer.to_owned());
        self.service.for_customer(&self.ctx, RecommendForCustomer { customer_id, limit }).await
    }
}

fn ranked(answer: PortResult<Recommended>) -> Vec<(String, u32)> {
    let items = answer.expect("answers").items;
    items.into_iter().map(|item| (item.sku.0, item.together)).collect()
}

fn expected(items: &[(&str, u32)]) -> Vec<(String, u32)> {
    items.iter().map(|(sku, together)| ((*sku).to_owned(), *together)).collect()
}

#[tokio::test]
async fn what_is_bought_together_most_often_comes_first_and_equals_by_sku() {
    for bench in benches().await {
        let _instance = bench.instance();
        bench.log.append([
            confirmed(1, "ada", &["M", "Z", "A"]),
            confirmed(2, "bob", &["M", "Z"]),
            confirmed(3, "cyd", &["M", "B", "B"]),
            confirmed(4, "dan", &["M"]),
            confirmed(5, "dan", &["M", "A"]),
            confirmed(6, "eve", &["B", "Q"]),
            refunded(7, "eve", &["M", "Z"]),
        ]);
        bench.caught_up().await;
        let all = [("A", 2), ("Z", 2), ("B", 1)];
        assert_eq!(ranked(bench.for_product("M", None).await), expected(&all));
        assert_eq!(ranked(bench.for_product("M", Some(1)).await), expected(&all[..1]));
        assert_eq!(bench.for_product("M", None).await.expect("answers").as_of, 7);

        // withdrawn: as if it had never been
        bench.log.append([refunded(5, "dan", &["M", "A"])]);
        bench.caught_up().await;
        assert_eq!(ranked(bench.for_product("M", None).await), expected(&[("Z", 2), ("A", 1), ("B", 1)]));
        assert_eq!(bench.for_product("M", None).await.expect("answers").as_of, 8);
    }
}

#[tokio::test]
async fn a_customer_is_recommended_what_goes_with_all_they_have_and_nothing_they_have() {
    for bench in benches().await {
        let _instance = bench.instance();
        bench.log.append([
            confirmed(1, "ada", &["A"]),
            confirmed(2, "ada", &["B", "C"]),
            confirmed(3, "bob", &["A", "X", "C"]),
            confirmed(4, "bob", &["B", "Y"]),
            confirmed(5, "cyd", &["A", "Y", "X"]),
            confirmed(6, "cyd", &["A", "B"]),
            refunded(8, "ada", &["X"]),
        ]);
        bench.caught_up().await;
        assert_eq!(ranked(bench.for_customer("ada", None).await), expected(&[("X", 3), ("Y", 2)]));
        assert_eq!(ranked(bench.for_customer("ada", Some(1)).await), expected(&[("X", 3)]));
    }
}

#[tokio::test]
async fn unknown_ones_get_an_empty_list_and_nonsense_is_refused_by_field() {
    for bench in benches().await {
        assert_eq!(bench.for_product("NONE", None).await, Ok(Recommended { items: vec![], as_of: 0 }));
        assert_eq!(bench.for_customer("nobody", None).await, Ok(Recommended { items: vec![], as_of: 0 }));
        let refused = [
            (bench.for_product("no sku", None).await, "sku"),
            (bench.for_product("", None).await, "sku"),
            (bench.for_product("A", Some(0)).await, "limit"),
            (bench.for_product("A", Some(51)).await, "limit"),
            (bench.for_customer("\0", None).await, "customer_id"),
            (bench.for_customer(&"a".repeat(65), None).await, "customer_id"),
            (bench.for_customer("ada", Some(51)).await, "limit"),
        ];
        for (answer, field) in refused {
            let Err(PortError::Problem(problem)) = answer else { panic!("{field} was accepted") };
            assert_eq!((problem.code, problem.faults[0].field.as_str()), (Code::InvalidRequest, field));
        }
    }
}

#[tokio::test]
async fn the_audit_shows_every_order_page_by_page() {
    for bench in benches().await {
        let _instance = bench.instance();
        bench.log.append((1..8).map(|id| confirmed(id, "ada", &["B", "A"])));
        bench.log.append([refunded(3, "ada", &["B", "A"])]);
        bench.caught_up().await;
        let mut orders: Vec<ProjectedOrder> = Vec::new();
        let mut cursor = None;
        loop {
            let request = PageRequest { cursor, limit: Some(3) };
            let page = bench.service.audit(&bench.ctx, request).await.expect("a page");
            orders.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(orders.len(), 7);
        assert!(orders.is_sorted_by_key(|order| order.order_id));
        let withdrawn: Vec<_> = orders.iter().map(|order| order.standing == Standing::Withdrawn).collect();
        assert_eq!(withdrawn, [false, false, true, false, false, false, false]);
        assert_eq!(orders[0].skus, ["A".into(), "B".into()]);

        let foreign = PageRequest { cursor: Some(Cursor("KIT-0001".into()).encode()), limit: None };
        let refused = bench.service.audit(&bench.ctx, foreign).await.expect_err("not its own");
        assert_eq!(refused.code(), Some(Code::InvalidCursor));
    }
}
