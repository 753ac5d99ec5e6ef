//! `tradewind move`: from one topology to another, while the shop runs. The supervisor moves; this shows how.

use std::time::Duration;

use anyhow::Context as _;

use crate::cli::MoveArgs;
use crate::client::Shop;
use crate::exit::Ending;
use crate::text;
use crate::topology::Topology;
use crate::up::moving::status::{MoveState, MoveStatus, Step};

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Moves the shop, or takes a move back; returns at its end.
pub async fn move_shop(args: &MoveArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let shop = shop.supervised()?;
    let mut status = match &args.to {
        Some(name) => {
            let here = std::env::current_dir().context("the current folder")?;
            let to = Topology::find(name, &here).map_err(|error| Ending::Usage(error.to_string()))?;
            shop.begin_to_move(&to).await?
        }
        None => shop.take_back_move().await?,
    };
    let mut told = Told { steps: 0, for_programs: args.json };
    told.begin(&status)?;
    while status.state == MoveState::Moving {
        told.progress(&status)?;
        tokio::time::sleep(LOOK_AGAIN).await;
        status = shop.how_it_moves().await?;
    }
    told.progress(&status)?;
    told.end(&status)?;
    let wanted =
        if args.to.is_some() { &[MoveState::Done][..] } else { &[MoveState::TakenBack, MoveState::Done] };
    if wanted.contains(&status.state) { Ok(()) } else { Err(Ending::Said.into()) }
}

/// What has been told of a move so far.
struct Told {
    steps: usize,
    for_programs: bool,
}

impl Told {
    fn begin(&self, status: &MoveStatus) -> anyhow::Result<()> {
        if self.for_programs {
            return Ok(());
        }
        Ok(text::say(format_args!("moving from {} to {}", status.from, status.to))?)
    }

    /// Tells the steps that have ended since the last time.
    fn progress(&mut self, status: &MoveStatus) -> anyhow::Result<()> {
        let ended = status.steps.iter().take_while(|step| step.outcome.is_some());
        for step in ended.skip(self.steps) {
            self.steps += 1;
            if !self.for_programs {
                text::say(line(step))?;
            }
        }
        Ok(())
    }

    fn end(&self, status: &MoveStatus) -> anyhow::Result<()> {
        if self.for_programs {
            return super::print_json(status);
        }
        let ended = match (&status.trouble, status.state) {
            (Some(trouble), _) => {
                text::tell(format_args!("the move failed: {trouble}"));
                return Ok(());
            }
            (None, MoveState::TakenBack) => format!("taken back: the shop is {} as before", status.from),
            (None, _) => format!("the shop is {} now", status.to),
        };
        Ok(text::say(ended)?)
    }
}

/// A step that has ended, as people read it.
fn line(step: &Step) -> String {
    let took = text::duration(Duration::from_millis(step.took_ms.unwrap_or_default()));
    let outcome = step.outcome.as_deref().unwrap_or_default();
    format!("  {} ({took}): {outcome}", step.what)
}
