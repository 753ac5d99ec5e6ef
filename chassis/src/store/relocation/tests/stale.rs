//! What earlier moves left behind, numbers that go on, and tables that the migrations do not make.

use sqlx::Executor;

use super::*;

#[tokio::test]
async fn rows_that_an_earlier_move_left_behind_are_taken_for_nothing() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        for statement in [
            "INSERT INTO parts_items (id, n) VALUES ('kept', 1), ('changed', 1), ('new', 1)",
            "INSERT INTO parts_lines (line, item) VALUES (1, 'kept'), (2, 'changed')",
            "INSERT INTO parts_roles (id, role) VALUES (1, 'retired'), (2, 'serving')",
        ] {
            parts.change(statement).await;
        }
        // as a process leaves it that dies before it tidies, and while others have gone on elsewhere since
        let migrations = Migrator::with_migrations(parts.migrations.clone());
        let target = shop.target("parts", Placement::Shared);
        Store::at(&target, "parts", migrations, Duration::ZERO).await.expect("opens").close().await;
        let mut stale = shop.look("parts", Placement::Shared).await;
        for statement in [
            "INSERT INTO parts_items (id, n) VALUES ('kept', 1), ('changed', 0), ('gone', 1)",
            "INSERT INTO parts_lines (line, item) VALUES (1, 'kept'), (1, 'gone'), (9, 'kept')",
            "INSERT INTO parts_roles (id, role) VALUES (1, 'serving'), (2, 'building'), (3, 'other')",
        ] {
            stale.execute(statement).await.expect(statement);
        }
        stale.close().await.expect("closes");

        parts.moved(Placement::Shared).await;
        let found: Vec<(String, i64)> = sqlx::query_as("SELECT id, n FROM parts_items ORDER BY id")
            .fetch_all(parts.store().read())
            .await
            .expect("reads");
        let expected = [("changed", 1), ("kept", 1), ("new", 1)].map(|(id, n)| (id.to_owned(), n));
        assert_eq!(found, expected, "on {}", shop.name);
        assert_eq!(parts.number("SELECT COUNT(*) FROM parts_lines").await, 2);
        assert_eq!(parts.number("SELECT line FROM parts_lines WHERE item = 'changed'").await, 2);
        assert_eq!(parts.number("SELECT id FROM parts_roles WHERE role = 'serving'").await, 2);
        assert_eq!(parts.number("SELECT COUNT(*) FROM parts_roles").await, 2);
    }
}

#[tokio::test]
async fn tables_that_a_move_died_removing_are_made_again() {
    // PostgreSQL removes them all at once
    for shop in shops().await.into_iter().filter(|shop| shop.name == "sqlite") {
        let parts = shop.open("parts").await;
        parts.change("INSERT INTO parts_items (id, n) VALUES ('kept', 1)").await;
        for gone in 0..=5 {
            let there = shop.target("parts", Placement::Shared);
            let migrations = Migrator::with_migrations(parts.migrations.clone());
            Store::at(&there, "parts", migrations, Duration::ZERO).await.expect("opens").close().await;
            let mut left = shop.look("parts", Placement::Shared).await;
            let tables =
                of_module(&mut left, parts.store().dialect(), MAIN, "parts").await.expect("describes them");
            assert_eq!(tables.len(), 5);
            left.execute("PRAGMA foreign_keys = OFF").await.expect("sets");
            for table in sqlite::in_order_of_removal("parts", &tables).take(gone) {
                left.execute(sql(format!("DROP TABLE {}", table.quoted()))).await.expect("removes it");
            }
            left.close().await.expect("closes");

            parts.moved(Placement::Shared).await;
            assert_eq!(parts.number("SELECT COUNT(*) FROM parts_items").await, 1, "{gone} were gone");
            parts.moved(Placement::Own).await;
        }
    }
}

#[tokio::test]
async fn numbers_go_on_where_they_were_and_none_is_given_twice() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        bring_along(parts.store(), "parts", |name| name.contains("mailbox")).await.expect("makes the tables");
        let mut last = 0;
        for to in [Placement::Shared, Placement::Own, Placement::Shared] {
            for round in 0..3 {
                let id = format!("{to}-{last}-{round}");
                parts
                    .change(&format!(
                        "INSERT INTO parts_inbox (queue, id, received_at) VALUES ('q', '{id}', 0)"
                    ))
                    .await;
                let statement = format!("SELECT position FROM parts_inbox WHERE id = '{id}'");
                let position = parts.number(&statement).await;
                assert!(position > last, "{position} after {last}, on {}", shop.name);
                last = position;
            }
            // a number stays given when its row is gone
            parts.change(&format!("DELETE FROM parts_inbox WHERE position = {last}")).await;
            parts.moved(to).await;
        }
        assert_eq!(parts.number("SELECT COUNT(*) FROM parts_inbox").await, 6);
        assert_eq!(
            parts.number("SELECT COUNT(*) FROM parts_outbox").await,
            0,
            "is there, though it is empty"
        );
    }
}

#[tokio::test]
async fn a_table_that_no_migration_makes_moves_too_where_the_engine_says_how_it_was_made() {
    for shop in shops().await.into_iter().filter(|shop| shop.name == "sqlite") {
        let parts = shop.open("parts").await;
        parts.change("CREATE TABLE parts_extra (id INTEGER PRIMARY KEY, word TEXT)").await;
        parts.change("CREATE UNIQUE INDEX parts_extra_once ON parts_extra (word)").await;
        parts.change("INSERT INTO parts_extra (word) VALUES ('a'), ('b')").await;
        parts.moved(Placement::Shared).await;
        assert_eq!(parts.number("SELECT COUNT(*) FROM parts_extra").await, 2);
        let index = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'parts_extra_once'";
        assert_eq!(parts.number(index).await, 1);
    }
}

#[tokio::test]
async fn the_placement_that_was_written_down_wins_over_the_default() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        parts.change("INSERT INTO parts_items (id, n) VALUES ('a', 1)").await;
        parts.moved(Placement::Shared).await;
        parts.store().close().await;
        let again = shop.open("parts").await;
        assert_eq!(again.placement(), Placement::Shared);
        assert_eq!(again.number("SELECT COUNT(*) FROM parts_items").await, 1);
        again.moved(Placement::Own).await;
        assert_eq!(again.number("SELECT COUNT(*) FROM parts_items").await, 1);
    }
}
