//! Whatever a column can hold arrives as it was.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::Row as _;

use super::*;

/// Texts, bytes, a number, a share: each of them may be missing.
type Odd = (Option<String>, Option<Vec<u8>>, Option<i64>, Option<f64>);

fn odd() -> impl Strategy<Value = Odd> {
    let words = prop_oneof![
        Just(String::new()),
        Just("NULL".to_owned()),
        Just("'quoted' \"twice\" \\ back\n\r\t\u{1e}\u{1f}".to_owned()),
        Just("🦀 ﷽ e\u{301} \u{feff} \u{10ffff}".to_owned()),
        any::<String>(),
    ];
    let number = prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), any::<i64>()];
    let share = prop_oneof![Just(0.1 + 0.2), Just(f64::MIN_POSITIVE), Just(f64::MAX), Just(1e-300)];
    let share = prop_oneof![share, any::<f64>().prop_filter("SQLite has no NaN", |share| !share.is_nan())];
    (option::of(words), option::of(vec(any::<u8>(), 0..40)), option::of(number), option::of(share))
}

async fn write(mover: &Mover, rows: &[Odd], nul: bool) {
    let mut tx = mover.store().begin().await.expect("begins");
    sqlx::query("DELETE FROM parts_odd").execute(&mut *tx).await.expect("empties it");
    for (id, (words, bytes, number, share)) in (0_i64..).zip(rows) {
        // PostgreSQL has no NUL in texts
        let words = words.as_ref().map(|words| if nul { words.clone() } else { words.replace('\0', "") });
        sqlx::query("INSERT INTO parts_odd (id, words, bytes, number, share) VALUES ($1, $2, $3, $4, $5)")
            // prepared each time, for a parameter that is missing the first time has no type
            .persistent(false)
            .bind(id)
            .bind(words)
            .bind(bytes.clone())
            .bind(*number)
            .bind(*share)
            .execute(&mut *tx)
            .await
            .expect("inserts");
    }
    commit(tx).await.expect("commits");
}

/// Everything, to the bit.
async fn read(mover: &Mover) -> Vec<String> {
    let rows = sqlx::query("SELECT words, bytes, number, share FROM parts_odd ORDER BY id")
        .fetch_all(mover.store().read())
        .await
        .expect("reads");
    let row = |row: &sqlx::any::AnyRow| {
        let odd: Odd = (row.get("words"), row.get("bytes"), row.get("number"), row.get("share"));
        format!("{odd:?} {:?}", odd.3.map(f64::to_bits))
    };
    rows.iter().map(row).collect()
}

#[test]
fn odd_values_arrive_as_they_were() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for shop in runtime.block_on(shops()) {
        let parts = runtime.block_on(shop.open("parts"));
        let mut runner =
            TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&vec(odd(), 0..12), |rows| {
            runtime.block_on(async {
                write(&parts, &rows, shop.name == "sqlite").await;
                let before = read(&parts).await;
                let to = Placement::ALL.into_iter().find(|to| *to != parts.placement()).expect("another");
                parts.moved(to).await;
                prop_assert_eq!(read(&parts).await, before, "on {}", shop.name);
                Ok(())
            })
        });
        outcome.unwrap_or_else(|failure| panic!("on {}: {failure}", shop.name));
    }
}
