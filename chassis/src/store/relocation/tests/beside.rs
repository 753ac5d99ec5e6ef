//! Modules that share a database do not notice each other's moves.

use super::load::has_exactly;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_module_comes_and_goes_while_another_works_in_the_shared_database() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        let tools = shop.open("tools").await;
        tools.moved(Placement::Shared).await;
        let (of_parts, of_tools) = (Load::on(&parts), Load::on(&tools));
        for to in [Placement::Shared, Placement::Own].repeat(2) {
            parts.moved(to).await;
        }
        has_exactly(&parts, &of_parts.end().await).await;
        has_exactly(&tools, &of_tools.end().await).await;
        let tables = shop.tables_at("tools", Placement::Shared).await;
        assert_eq!(tables.len(), 5, "{tables:?} on {}", shop.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_modules_move_at_once() {
    for shop in shops().await {
        let modules = ["parts", "tools", "wares"];
        let mut movers = Vec::new();
        for module in modules {
            movers.push(shop.open(module).await);
        }
        let loads: Vec<Load> = movers.iter().map(Load::on).collect();
        for to in [Placement::Shared, Placement::Own] {
            futures::future::join_all(movers.iter().map(|mover| mover.moved(to))).await;
        }
        for (mover, load) in movers.iter().zip(loads) {
            has_exactly(mover, &load.end().await).await;
        }
    }
}

#[tokio::test]
async fn all_who_write_to_one_file_stand_in_one_line() {
    for shop in shops().await.into_iter().filter(|shop| shop.name == "sqlite") {
        let parts = shop.open("parts").await;
        let tools = shop.open("tools").await;
        let in_one = async || {
            let (one, other) = (parts.store().0.gate.pass().await, tools.store().0.gate.pass().await);
            Arc::ptr_eq(&one.expect("open"), &other.expect("open"))
        };
        assert!(!in_one().await, "two files");
        parts.moved(Placement::Shared).await;
        tools.moved(Placement::Shared).await;
        assert!(in_one().await, "one file");

        let open = parts.store().begin().await.expect("begins");
        let waiting = tokio::spawn({
            let tools = tools.clone();
            async move { tools.store().begin().await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(open);
        waiting.await.expect("ends").expect("begins");

        // one that leaves takes nothing from those who stay
        parts.store().close().await;
        tools.change("INSERT INTO tools_items (id, n) VALUES ('a', 1)").await;
        parts.store().begin().await.map(drop).expect_err("is closed");
    }
}
