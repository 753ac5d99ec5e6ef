//! The `sync` coordination: carries out what an order's state asks for, stores what came of it, and
//! goes on until the order rests or has to wait.

use chassis::store::StoreError;
use contracts::Context;

use super::Saga;
use crate::domain::{Input, StoredOrder, awaited, progress};
use crate::store::Outcome;

impl Saga {
    /// Drives `order`, whose lease this process holds, as far as it goes now. What cannot be settled
    /// now is left to recovery; nothing is guessed.
    pub async fn drive(
        &self,
        ctx: &Context,
        mut order: StoredOrder,
        since: Since,
    ) -> Result<StoredOrder, StoreError> {
        let asked_before = match since {
            Since::Placed => None,
            Since::TakenOver => Some(order.version),
        };
        loop {
            let before = order.version;
            for effect in awaited(&order.state) {
                let mut input = self.perform(ctx, &order, effect).await;
                if asked_before == Some(order.version) {
                    input = input.of_a_repetition();
                }
                self.abort_point(&format!("{}:answered", order.state.name()));
                match self.advance(ctx, &order, &input).await? {
                    Advance::To(next) => order = *next,
                    Advance::Nowhere => {}
                    // somebody else drives it, or did: what they store stands
                    Advance::Overtaken => {
                        let stands = self.store.order(order.id).await?;
                        return Ok(stands.unwrap_or(order));
                    }
                }
            }
            if order.version == before {
                return Ok(order);
            }
        }
    }

    /// Stores the step that `input` causes, and says what follows from it.
    pub(crate) async fn advance(
        &self,
        ctx: &Context,
        order: &StoredOrder,
        input: &Input,
    ) -> Result<Advance, StoreError> {
        let progress = progress(order, input, self.clock.now(), &ctx.trace.trace_id_hex());
        let Some(progress) = progress else { return Ok(Advance::Nowhere) };
        let transition = self.transition(&ctx.trace, progress);
        if self.store.transition(&transition).await? == Outcome::Lost {
            return Ok(Advance::Overtaken);
        }
        self.stored(&transition);
        Ok(Advance::To(Box::new(transition.order)))
    }
}

/// Since when a process drives an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From the moment at which the order came to the state it is in: nobody has asked for anything yet.
    Placed,
    /// Another process, or this one before it died, may have asked already and not learnt the answer.
    TakenOver,
}

/// What became of an input.
pub(crate) enum Advance {
    /// The order moved, and is now this.
    To(Box<StoredOrder>),
    /// The order stays where it was.
    Nowhere,
    /// Somebody else moved it first.
    Overtaken,
}
