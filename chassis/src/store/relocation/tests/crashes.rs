//! A process that dies in the midst of a move, at each of its stages, and what its successor finds.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;

/// The move that a child shall die in: address, data folder, whereto, stage.
const CHILD: &str = "TRADEWIND_TEST_MOVE";
/// What a line begins with that tells of an acknowledged item.
const ACKNOWLEDGED: &str = "acknowledged ";

/// The other process: run by the test below as a process of its own, and nothing otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let mut task = task.split('\n');
    let mut next = || task.next().expect("four lines").to_owned();
    let (url, data, to, stage) = (next(), PathBuf::from(next()), next(), next());
    let to = Placement::ALL.into_iter().find(|known| known.as_str() == to).expect("a placement");
    sqlx::any::install_default_drivers();
    let url = StoreUrl::parse(&url).expect("an address");
    let parts = open_at(&url, &data, "parts", AbortAt::named(Some(stage))).await;
    // one write a line, so that none is torn
    let load = Load::heard(&parts, |id| {
        let line = format!("{ACKNOWLEDGED}{id}\n");
        std::io::stdout().lock().write_all(line.as_bytes()).expect("writes");
    });
    while parts.number("SELECT COUNT(*) FROM parts_items").await < 20 {
        tokio::task::yield_now().await;
    }
    let report = parts.relocate(to, PATIENCE).await;
    drop(load);
    panic!("it outlived its move: {report:?}");
}

/// Has another process die at `stage` of a move; the items that it had acknowledged.
fn die(shop: &Shop, to: Placement, stage: Stage) -> Vec<String> {
    let task = [shop.url.as_str(), &shop.data.path().display().to_string(), to.as_str(), stage.as_str()];
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args(["--exact", "store::relocation::tests::crashes::child", "--nocapture"])
        .env(CHILD, task.join("\n"))
        .stderr(Stdio::piped())
        .output()
        .expect("runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.signal(), Some(6), "at {}: {out}{err}", stage.as_str());
    let acknowledged = out.lines().filter_map(|line| line.split_once(ACKNOWLEDGED));
    acknowledged.map(|(_, id)| id.trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_moment_of_death_both_places_are_told_apart_and_nothing_is_lost() {
    for shop in shops().await {
        let mut acknowledged = BTreeSet::new();
        let mut at = Placement::Own;
        for stage in Stage::ALL {
            let to = Placement::ALL.into_iter().find(|to| *to != at).expect("another");
            acknowledged.extend(die(&shop, to, stage));
            let flipped = [Stage::Flipped, Stage::Switched, Stage::Tidied].contains(&stage);
            let story = format!("at {} on {}", stage.as_str(), shop.name);

            let parts = shop.open("parts").await;
            assert_eq!(parts.placement() == to, flipped, "{story}");
            holds(&parts, &acknowledged, &story).await;
            // and the move can be made, or made back, with what was left behind in the way
            let next = if flipped { at } else { to };
            parts.moved(next).await;
            holds(&parts, &acknowledged, &story).await;
            assert_eq!(parts.placement(), next);
            at = next;
            parts.store().close().await;
        }
    }
}

/// What was acknowledged is there. More may be: what was committed when its writer died.
async fn holds(parts: &Mover, acknowledged: &BTreeSet<String>, story: &str) {
    let found: Vec<String> = sqlx::query_scalar("SELECT id FROM parts_items WHERE n = 1 AND note = 'seen'")
        .fetch_all(parts.store().read())
        .await
        .expect("reads");
    let found: BTreeSet<String> = found.into_iter().collect();
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "{story}: {lost:?} are lost");
    let items = parts.number("SELECT COUNT(*) FROM parts_items").await;
    let lines = parts.number("SELECT COUNT(*) FROM parts_lines").await;
    assert_eq!((items, lines), (found.len() as i64, found.len() as i64), "{story}: whole transactions only");
}
