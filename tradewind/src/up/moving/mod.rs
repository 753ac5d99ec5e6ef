//! Changes the running shop from one topology to another: no order is lost, no request fails.
//!
//! - `journey`: the steps, in their order, and the way back
//! - `databases`: which modules change their database, and when
//! - `asking`: what processes are asked over their control endpoints
//! - [`status`]: what `tradewind move` shows
//!
//! The supervisor moves, and the command only watches: a command that is killed leaves the move going on. A
//! supervisor that is killed takes every process along. What the next one starts with stands in the arrangement,
//! whose `Flipped` is the one moment at which the messages, and with them the shop, belong to the new processes.
//! Before it everything can be taken back; after it, only finished. All steps may be done twice.

mod asking;
mod databases;
mod journey;
pub mod status;

use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use self::databases::place as place_databases;

use self::asking::Processes;
use self::journey::{Ended, Journey};
use self::status::{MoveState, MoveStatus};
use super::shop::Shop;
use crate::topology::Topology;

/// Moves the shop, one move at a time.
pub(super) struct Mover {
    shop: Arc<Shop>,
    processes: Processes,
    status: watch::Sender<MoveStatus>,
    /// Takes back the move that is under way.
    take_back: Mutex<CancellationToken>,
    /// Fires when the whole shop ends.
    shutdown: CancellationToken,
    under_way: TaskTracker,
}

impl Mover {
    /// One that rests.
    pub fn new(shop: Arc<Shop>) -> anyhow::Result<Arc<Self>> {
        let processes = Processes::new(shop.folder.operator_token()?)?;
        let status = watch::Sender::new(MoveStatus::at_rest(&shop.arrangement()));
        let (shutdown, under_way) = (CancellationToken::new(), TaskTracker::new());
        Ok(Arc::new(Self { shop, processes, status, take_back: Mutex::default(), shutdown, under_way }))
    }

    /// Lets go of a move that is under way, wherever it is, because the whole shop ends: its next start goes on
    /// from what the arrangement says.
    pub async fn give_up(&self) {
        self.shutdown.cancel();
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// How the move stands, or the last one ended.
    pub fn status(&self) -> MoveStatus {
        self.status.borrow().clone()
    }

    /// Begins to move. Where a move to the same topology is under way already, it is that one; while another is,
    /// says so.
    pub fn begin(self: &Arc<Self>, to: Topology) -> Result<MoveStatus, String> {
        let begun = self.status.send_if_modified(|status| {
            let free = status.state != MoveState::Moving;
            if free {
                *status = MoveStatus::begun(self.shop.arrangement().running(), &to);
            }
            free
        });
        let status = self.status();
        if begun {
            let take_back = CancellationToken::new();
            *self.take_back.lock() = take_back.clone();
            self.under_way.spawn(self.clone().run(to, take_back));
            return Ok(status);
        }
        if status.to == to.name {
            return Ok(status);
        }
        Err(format!(
            "the shop is on its way to {}; take that back first with `tradewind move --undo`",
            status.to
        ))
    }

    /// Takes back the move that is under way, or that was interrupted.
    pub fn undo(self: &Arc<Self>) -> Result<MoveStatus, String> {
        if self.status().state == MoveState::Moving {
            self.take_back.lock().cancel();
            return Ok(self.status());
        }
        let arrangement = self.shop.arrangement();
        if arrangement.moving.is_none() {
            return Err(format!(
                "there is nothing to take back: the shop is at rest as {}",
                arrangement.topology.name
            ));
        }
        self.begin(arrangement.topology)
    }

    /// Begins to move, and waits for the end.
    pub async fn finish(self: &Arc<Self>, to: Topology) -> anyhow::Result<()> {
        let mut status = self.status.subscribe();
        self.begin(to).map_err(anyhow::Error::msg)?;
        let ended = status.wait_for(|status| status.state != MoveState::Moving).await.context("the move")?;
        match &ended.trouble {
            Some(trouble) => Err(anyhow::anyhow!("{trouble}")),
            None => Ok(()),
        }
    }

    async fn run(self: Arc<Self>, to: Topology, take_back: CancellationToken) {
        let journey = Journey {
            shop: &self.shop,
            processes: &self.processes,
            status: &self.status,
            take_back,
            from: self.shop.arrangement().running().clone(),
            to: &to,
        };
        let Some(ended) = self.shutdown.run_until_cancelled(journey.run()).await else { return };
        self.status.send_modify(|status| match ended {
            Ended::Arrived => status.end(MoveState::Done, None),
            Ended::TakenBack => status.end(MoveState::TakenBack, None),
            Ended::Failed(trouble) => status.end(MoveState::Failed, Some(format!("{trouble:#}"))),
        });
    }
}
