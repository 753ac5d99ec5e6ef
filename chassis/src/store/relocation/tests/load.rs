//! A module at work: writers who remember what was acknowledged, and readers who see it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::*;

/// Writers at once.
const WRITERS: usize = 4;

/// What a writer leaves to others between two items.
const REST: Duration = Duration::from_millis(2);

/// A module that is being used until it is told to stop.
pub(super) struct Load {
    over: Arc<AtomicBool>,
    writers: JoinSet<Vec<String>>,
}

impl Load {
    pub fn on(mover: &Arc<Mover>) -> Self {
        Self::heard(mover, |_| {})
    }

    /// The same, telling `hear` each id as soon as it is acknowledged.
    pub fn heard(mover: &Arc<Mover>, hear: impl Fn(&str) + Clone + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (mover, over, hear) = (mover.clone(), over.clone(), hear.clone());
            // ids of several processes must not meet
            let name = format!("{}-{writer}", uuid::Uuid::new_v4());
            writers.spawn(async move {
                let mut written = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let id = format!("{name}-{}", written.len());
                    write(&mover, &id).await;
                    hear(&id);
                    read(&mover, &id, written.last()).await;
                    written.push(id);
                    tokio::time::sleep(REST).await;
                }
                written
            });
        }
        Self { over, writers }
    }

    /// Ends it; the ids of all items that were acknowledged.
    pub async fn end(mut self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(written) = self.writers.join_next().await {
            all.extend(written.expect("no call fails"));
        }
        all
    }
}

/// An item with a line, and a change of the item before, in one transaction.
async fn write(mover: &Mover, id: &str) {
    let module = &mover.module;
    let mut tx = mover.store().begin().await.expect("begins");
    for statement in [
        format!("INSERT INTO {module}_items (id, n) VALUES ($1, 0)"),
        format!("INSERT INTO {module}_lines (line, item) VALUES (1, $1)"),
        format!("UPDATE {module}_items SET n = n + 1, note = 'seen' WHERE id = $1"),
    ] {
        sqlx::query(sql(statement)).bind(id).execute(&mut *tx).await.expect("runs");
    }
    commit(tx).await.expect("commits");
}

/// What was acknowledged is there, now and later.
async fn read(mover: &Mover, id: &str, before: Option<&String>) {
    let statement = sql(format!("SELECT n FROM {}_items WHERE id = $1", mover.module));
    for id in [Some(id), before.map(String::as_str)].into_iter().flatten() {
        let n: Option<i64> = sqlx::query_scalar(statement.clone())
            .bind(id)
            .fetch_optional(mover.store().read())
            .await
            .expect("reads");
        assert_eq!(n, Some(1), "{id} was acknowledged");
    }
}

/// Checks that these items are there, each once, and nothing else.
pub(super) async fn has_exactly(mover: &Mover, ids: &[String]) {
    let module = &mover.module;
    let mut found: Vec<String> =
        sqlx::query_scalar(sql(format!("SELECT id FROM {module}_items WHERE n = 1 AND note = 'seen'")))
            .fetch_all(mover.store().read())
            .await
            .expect("reads");
    let mut expected = ids.to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found.len(), expected.len());
    assert!(found == expected, "other items than those that were acknowledged");
    let lines = mover.number(&format!("SELECT COUNT(*) FROM {module}_lines")).await;
    assert_eq!(lines, ids.len() as i64, "a line each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_at_work_moves_to_and_fro_and_no_call_fails_or_is_lost() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        let load = Load::on(&parts);
        for to in [Placement::Shared, Placement::Own].repeat(4) {
            let report = parts.moved(to).await;
            let from = report.from;
            assert_ne!(from, to);
            assert_eq!(parts.placements.read("parts").await.expect("reads"), Some(to), "on {}", shop.name);
            assert_eq!(shop.tables_at("parts", from).await, [""; 0], "nothing stays behind");
            assert_eq!(shop.tables_at("parts", to).await.len() as u64, report.tables);
        }
        let written = load.end().await;
        assert!(written.len() > WRITERS, "they were at work");
        has_exactly(&parts, &written).await;
    }
}

/// The moment between the gate and the line is too short for a test under load to hit it reliably.
#[tokio::test]
async fn who_passed_the_gate_before_a_move_and_comes_to_the_line_after_it_is_sent_back() {
    for shop in shops().await {
        let parts = shop.open("parts").await;
        for to in [Placement::Shared, Placement::Own] {
            let line = parts.store().0.gate.pass().await.expect("open");
            assert!(parts.store().begin_at(&line).await.expect("begins").is_some());
            parts.moved(to).await;
            let late = parts.store().begin_at(&line).await.expect("no failure");
            assert!(late.is_none(), "before the move to {to} on {}", shop.name);
            parts.change("INSERT INTO parts_items (id, n) VALUES ('a', 1) ON CONFLICT (id) DO NOTHING").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_table_is_copied_before_anybody_is_held() {
    const ROWS: u64 = 100_000;
    for shop in shops().await {
        let parts = shop.open("parts").await;
        parts
            .change(&format!(
                "INSERT INTO parts_items (id, n, note) WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL \
                 SELECT i + 1 FROM c WHERE i < {ROWS}) SELECT 'old-' || CAST(i AS TEXT), i, 'ä note' FROM c"
            ))
            .await;
        let load = Load::on(&parts);
        // without a bound of its own: an unoptimized build on a busy machine may take what it takes
        let moving = parts.relocate(Placement::Shared, Duration::from_secs(60));
        let mut copied = false;
        let watching = async {
            loop {
                let progress = parts.progress();
                copied |= progress.is_some_and(|seen| seen.phase == Phase::Copying && seen.total >= ROWS);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let report = tokio::select! {
            report = moving => report.expect("moves"),
            () = watching => unreachable!("it watches for ever"),
        };
        let written = load.end().await;
        assert!(copied, "the bulk is seen being copied, on {}", shop.name);
        assert!(report.rows >= ROWS, "{report:?}");
        let all = parts.number("SELECT COUNT(*) FROM parts_items").await;
        assert_eq!(all, ROWS as i64 + written.len() as i64);
        assert_eq!(
            parts.number("SELECT CAST(SUM(n) AS BIGINT) FROM parts_items WHERE note = 'ä note'").await,
            5_000_050_000
        );
    }
}
