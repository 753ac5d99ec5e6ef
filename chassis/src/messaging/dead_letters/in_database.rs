//! Dead letters in the database of their module, among its arrivals.

use std::sync::Arc;

use contracts::error::chain;
use contracts::messages::Queue;
use contracts::messages::queues::QUEUES;

use super::letter::Letter;
use crate::messaging::broker::PublishError;
use crate::messaging::in_process::{Arrivals, InProcess};
use crate::store::StoreError;

/// Dead letters in hand. They stay where they are until they are settled.
pub(super) struct Look {
    pub(super) letters: Vec<Letter>,
    pub(super) more: bool,
    /// Where each letter is.
    positions: Vec<i64>,
    in_process: InProcess,
    arrivals: Arc<Arrivals>,
}

impl Look {
    /// Takes up to `limit` of those of `module` in hand.
    pub(super) async fn at(in_process: &InProcess, module: &str, limit: usize) -> Result<Self, PublishError> {
        let arrivals = in_process.arrivals(module)?;
        let in_process = in_process.clone();
        let mut look = Self { letters: Vec::new(), more: false, positions: Vec::new(), in_process, arrivals };
        for queue in QUEUES.iter().filter(|queue| queue.module == module) {
            look.take(queue, limit).await.map_err(|error| unavailable(&error))?;
        }
        Ok(look)
    }

    async fn take(&mut self, queue: &'static Queue, limit: usize) -> Result<(), StoreError> {
        // one more, which only shows that there are more
        for arrival in self.arrivals.dead(queue.name, limit - self.letters.len() + 1).await? {
            if self.letters.len() == limit {
                self.more = true;
                return Ok(());
            }
            let parcel = arrival.dead_letter();
            self.positions.push(arrival.position);
            self.letters.push(Letter { queue, properties: parcel.properties, body: parcel.body });
        }
        Ok(())
    }

    /// They are delivered again, as if they had just arrived.
    pub(super) async fn send_again(&self, chosen: &[usize]) -> Result<(), PublishError> {
        self.arrivals.revive(&self.positions_of(chosen)).await.map_err(|error| unavailable(&error))?;
        for at in chosen {
            self.in_process.wake(self.letters[*at].queue.name);
        }
        Ok(())
    }

    /// They leave.
    pub(super) async fn forget(&self, chosen: &[usize]) -> Result<(), PublishError> {
        self.arrivals.delete(&self.positions_of(chosen)).await.map_err(|error| unavailable(&error))
    }

    fn positions_of(&self, chosen: &[usize]) -> Vec<i64> {
        chosen.iter().map(|at| self.positions[*at]).collect()
    }
}

fn unavailable(error: &StoreError) -> PublishError {
    PublishError::Away(format!("the database of the dead letters: {}", chain(error)))
}
