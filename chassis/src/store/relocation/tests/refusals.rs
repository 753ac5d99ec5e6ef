//! Moves that come to nothing, and change nothing.

use contracts::Code;

use super::load::has_exactly;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_does_not_end_in_time_is_waited_for_no_longer() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        let mut open = parts.store().begin().await.expect("begins");
        for statement in [
            "INSERT INTO parts_items (id, n, note) VALUES ('slow', 1, 'seen')",
            "INSERT INTO parts_lines (line, item) VALUES (1, 'slow')",
        ] {
            sqlx::query(statement).execute(&mut *open).await.expect(statement);
        }
        let refused = parts.relocate(Placement::Shared, Duration::from_millis(300)).await;
        let problem = refused.expect_err("somebody is still at it");
        assert_eq!(problem.code, Code::Unavailable);
        assert!(problem.detail.contains("300 ms") && problem.detail.contains("hold_ms"), "{problem}");
        assert_eq!(parts.progress().expect("one").phase, Phase::Failed);
        assert_eq!(parts.placements.read("parts").await.expect("reads"), Some(Placement::Own));

        commit(open).await.expect("commits where it began");
        let load = Load::on(&parts);
        let report = parts.moved(Placement::Shared).await;
        let mut written = load.end().await;
        written.push("slow".into());
        has_exactly(&parts, &written).await;
        assert!(report.rows >= 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_end_in_time_is_waited_for_no_longer() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        let reading = parts.store().read().acquire().await.expect("a connection");
        let refused = parts.relocate(Placement::Shared, Duration::from_millis(300)).await;
        assert_eq!(refused.expect_err("somebody reads").code, Code::Unavailable);
        parts.change("INSERT INTO parts_items (id, n) VALUES ('after', 1)").await;
        assert_eq!(parts.number("SELECT COUNT(*) FROM parts_items").await, 1);
        drop(reading);
        parts.moved(Placement::Shared).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_is_joined_and_another_refused_meanwhile() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        let open = parts.store().begin().await.expect("begins");
        let both = tokio::spawn({
            let parts = parts.clone();
            async move {
                let once = || parts.relocate(Placement::Shared, PATIENCE);
                tokio::join!(once(), once())
            }
        });
        testkit::eventually("the module to be held", Duration::from_secs(60), async || {
            parts.progress().filter(|seen| seen.phase == Phase::Holding)
        })
        .await;
        let other = parts.relocate(Placement::Own, PATIENCE).await.expect_err("the other way");
        assert_eq!(other.code, Code::Conflict);
        drop(open);
        let (one, two) = both.await.expect("ends");
        assert_eq!(one.expect("moves"), two.expect("moves"), "one move, on {}", shop.name);
        let again = parts.relocate(Placement::Shared, PATIENCE).await.expect("nothing to do");
        assert_eq!(again.outcome, Outcome::AlreadyThere);
    }
}

#[tokio::test]
async fn one_database_for_everybody_is_nowhere_to_move_to() {
    for shop in shops().await {
        let address = shop.url.as_str().replace("{module}", "everything");
        let url = StoreUrl::parse(&address).expect("an address");
        let parts = open_at(&url, shop.data.path(), "parts", AbortAt::default()).await;
        let report = parts.relocate(Placement::Shared, PATIENCE).await.expect("says so");
        assert_eq!((report.outcome, report.rows), (Outcome::OneDatabase, 0));
        assert_eq!(parts.number("SELECT COUNT(*) FROM parts_items").await, 0);
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_made_at_the_new_place_keeps_the_module_at_the_old_one() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        parts.change("CREATE TABLE parts_unkeyed (id BIGINT)").await;
        let problem = parts.relocate(Placement::Shared, PATIENCE).await.expect_err("it has no key");
        assert_eq!(problem.code, Code::Conflict);
        assert!(problem.detail.contains("parts_unkeyed"), "{problem}");
        parts.change("INSERT INTO parts_unkeyed (id) VALUES (1)").await;
    }
}
