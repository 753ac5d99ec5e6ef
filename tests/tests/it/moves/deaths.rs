//! Whoever moves the shop dies, at every stage of a move: the command that asked for it, and the supervisor that
//! does it. The shop serves, and the move is finished, or taken back.
//!
//! Both of them together meet every stage on either way, and each stage with either wish; with
//! `TRADEWIND_EVERY_CELL=1` each of them meets all.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use rustix::process::Signal;
use system_tests::shop::Shop;
use tradewind::up::moving::status::{MoveState, Stage};

use super::{
    PROGRAM, a_replay_agrees, arrives, begins_to_move, customers, nobody_noticed, nothing_lost, serves,
};

/// One process on one database, and many on one each: the moves between them have every stage.
const TOGETHER: &str = "monolith";
const APART: &str = "microservices";
/// What happens on the way.
const STAGES: [Stage; 8] = [
    Stage::DatabasesBefore,
    Stage::Starting,
    Stage::Holding,
    Stage::HandingOver,
    Stage::Flipping,
    Stage::Opening,
    Stage::Draining,
    Stage::Stopping,
];

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Command,
    Supervisor,
}

/// What is done about a move that was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Finish,
    TakeBack,
}

/// A death at a stage, and what is done then.
type Death = (Stage, Wish);

/// The deaths that are still to be died, by where the move goes.
struct Plan(BTreeMap<&'static str, VecDeque<Death>>);

impl Plan {
    /// The deaths of `killed`. What the one of both does not meet, the other does.
    fn of(killed: Killed) -> Self {
        let every = std::env::var("TRADEWIND_EVERY_CELL").is_ok_and(|said| said == "1");
        let mut deaths = BTreeMap::from([(APART, VecDeque::new()), (TOGETHER, VecDeque::new())]);
        for (number, stage) in STAGES.into_iter().enumerate() {
            for (way, to) in [APART, TOGETHER].into_iter().enumerate() {
                for (choice, wish) in [Wish::Finish, Wish::TakeBack].into_iter().enumerate() {
                    // pairwise: each stage with each way, and each stage with each wish
                    let is_ours = (number + way) % 2 == killed as usize && (number / 2 + choice) % 2 == way;
                    // nothing is stopped on the way apart
                    let happens = stage != Stage::Stopping || to == TOGETHER;
                    if happens && (is_ours || every) {
                        deaths.entry(to).or_default().push_back((stage, wish));
                    }
                }
            }
        }
        Self(deaths)
    }

    /// Where to, and what happens on the way, for a shop that is `at` one of the two ends; nothing when all is done.
    fn next(&mut self, at: &str) -> Option<(&'static str, Option<Death>)> {
        let to = if at == APART { TOGETHER } else { APART };
        let death = self.0.get_mut(to).and_then(VecDeque::pop_front);
        (death.is_some() || self.0.values().any(|left| !left.is_empty())).then_some((to, death))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_is_killed_at_every_stage_and_nobody_notices() {
    let mut shop = Shop::start(PROGRAM, &["--topology", TOGETHER]).await;
    let (load, mut plan) = (customers(&shop), Plan::of(Killed::Command));
    while let Some((to, death)) = plan.next(&shop.topology().await) {
        let Some((stage, wish)) = death else {
            arrives(&mut shop, to).await;
            continue;
        };
        let answered = load.answered();
        let (mut command, at) = begins_to_move(&shop, to, stage).await;
        command.kill().await.expect("it can be killed");
        println!("the command that moves to {to} was killed at {at:?} (wanted {stage:?}), now {wish:?}");
        serves(&shop).await;
        settle(&mut shop, to, wish).await;
        load.confirms(5).await;
        nobody_noticed(&shop, &load.since(answered)).await;
    }
    let told = load.stop().await;
    nobody_noticed(&shop, &told.answers).await;
    nothing_lost(&shop, &told).await;
    a_replay_agrees(&shop).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_supervisor_is_killed_at_every_stage_and_the_next_one_goes_on_or_back() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let mut shop = Shop::start_on(PROGRAM, &data, &["--topology", TOGETHER]).await;
    let mut plan = Plan::of(Killed::Supervisor);
    while let Some((to, death)) = plan.next(&shop.topology().await) {
        match death {
            Some(death) => shop = supervisor_dies(shop, &data, to, death).await,
            None => arrives(&mut shop, to).await,
        }
    }
    a_replay_agrees(&shop).await;
    shop.stop().await;
}

async fn supervisor_dies(mut shop: Shop, data: &Path, to: &str, (stage, wish): Death) -> Shop {
    let load = customers(&shop);
    load.confirms(5).await;
    let (mut command, at) = begins_to_move(&shop, to, stage).await;
    shop.signal(Signal::KILL);
    assert!(!shop.ended().await.success());
    let asked = command.wait().await.expect("its status");
    println!("the supervisor that moves to {to} was killed at {at:?} (wanted {stage:?}), now {wish:?}");
    assert!(at.is_none() || !asked.success(), "whoever waited was told that it is over");
    let told = load.stop().await;

    let mut shop = Shop::start_as_left(PROGRAM, data, &[]).await;
    serves(&shop).await;
    settle(&mut shop, to, wish).await;
    serves(&shop).await;
    nothing_lost(&shop, &told).await;
    shop
}

/// Finishes the move, or takes it back; where it is over there is nothing to take back, and the command says so.
async fn settle(shop: &mut Shop, to: &str, wish: Wish) {
    match wish {
        Wish::Finish => arrives(shop, to).await,
        Wish::TakeBack => {
            let (code, told, complaint) = shop.run(&["move", "--undo", "--json"]).await;
            let nothing_to_do = code == 64 && complaint.contains("nothing to take back");
            assert!(code == 0 || nothing_to_do, "{code}: {told}{complaint}");
            shop.look_again();
            let status = shop.supervisor().how_it_moves().await.expect("an answer");
            println!("taken back: {:?}, the shop is {}", status.state, shop.topology().await);
            assert!(!matches!(status.state, MoveState::Moving | MoveState::Failed), "{status:?}");
            assert!(shop.status().await.ready, "every process is ready: {status:?}");
        }
    }
}
