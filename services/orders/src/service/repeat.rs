//! Idempotency keys: a repetition is told what the first was told.

use std::time::Duration;

use contracts::orders::{Order, PLACE, PlaceOrder};
use contracts::{Code, Context, OrderId, PortResult, Problem};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::Service;
use super::wait::{Patience, last_moment, news};
use crate::answer;
use crate::store::{KeyRecord, KnownKey, StoredOrder};

/// The key of a request, where it has one.
pub(super) fn key_of(ctx: &Context, request: &PlaceOrder) -> Option<KeyRecord> {
    let key = ctx.idempotency_key.as_ref()?;
    Some(KeyRecord {
        customer_id: request.customer_id.clone(),
        operation: PLACE.to_string(),
        key: key.as_str().to_owned(),
        fingerprint: fingerprint(request),
    })
}

/// A digest of what a request asks for, to tell a repetition from another request under the same key. How
/// somebody would like it to be done, and how long they wait, is none of that.
fn fingerprint(request: &PlaceOrder) -> String {
    let asked = PlaceOrder { coordination: None, wait_ms: None, ..request.clone() };
    let text = serde_json::to_vec(&asked).unwrap_or_default();
    Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Service {
    /// What to tell a repetition: the first answer, once there is one. Somebody who does not wait to the
    /// end, because they say so or because nobody does with such an order, is told how the order stands.
    pub(super) async fn repeated(
        &self,
        ctx: &Context,
        key: &KeyRecord,
        known: KnownKey,
        wait_ms: Option<u32>,
    ) -> PortResult<Order> {
        if known.fingerprint != key.fingerprint {
            return Err(reused(key, &known).into());
        }
        if let Some(answer) = known.answer.as_deref().and_then(answer::from_store) {
            return answer;
        }
        let order = self.stored(known.order_id).await?;
        let patience = Patience::of(wait_ms, order.coordination);
        let until = match patience {
            Patience::ToTheEnd => {
                let twin_wait = Duration::from_millis(self.saga.config.get().twin_wait_ms);
                Instant::now() + twin_wait.min(ctx.deadline.left())
            }
            Patience::AtMost(_) => last_moment(ctx, patience),
        };
        if let Some(answer) = self.first_answer(key, order.id, until).await? {
            return answer;
        }
        match patience {
            Patience::ToTheEnd => Err(under_way(&order).into()),
            Patience::AtMost(_) => answer::as_it_stands(&self.stored(order.id).await?),
        }
    }

    /// What the first was told, as soon as that is decided, but not after `until`.
    async fn first_answer(
        &self,
        key: &KeyRecord,
        order_id: OrderId,
        until: Instant,
    ) -> PortResult<Option<PortResult<Order>>> {
        // before the first look: the answer is stored with the step that decides it
        let mut ear = self.saga.bell.listen(order_id);
        loop {
            let known = self.saga.store.key(key).await?;
            let answer = known.and_then(|known| known.answer);
            if let Some(answer) = answer.as_deref().and_then(answer::from_store) {
                return Ok(Some(answer));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            timeout_at(until, news(&mut ear)).await.ok();
        }
    }
}

fn under_way(order: &StoredOrder) -> Problem {
    let detail = "the same request is under way; its order's address tells how it ends";
    Problem::new(Code::InProgress, detail).at(answer::location(order))
}

fn reused(key: &KeyRecord, known: &KnownKey) -> Problem {
    let detail = format!(
        "Idempotency-Key {:?} was used for another request, which placed order {}; use a new key",
        key.key, known.order_id
    );
    Problem::new(Code::KeyReused, detail).at(format!("/orders/{}", known.order_id))
}
