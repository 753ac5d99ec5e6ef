//! Brings an intent to its end at the card network, and finishes intents that were left open.
//!
//! An intent is in the store before the network is asked. Where the answer stays out, what became of it
//! is looked up under the key; where the network has not done it, it is asked again, which is safe since
//! its charges are keyed. Nothing is ever guessed: what cannot be learnt stays open.

use std::sync::Arc;
use std::time::Duration;

use chassis::config::Live;
use chassis::telemetry::spans::{Begin, SpanKind};
use contracts::{Context, OrderId};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::config::SettleConfig;
use crate::domain::{Charge, Intent, NetworkState};
use crate::network::{CardNetwork, HoldRecord, NetworkError, NetworkResult};
use crate::service::Service;
use crate::store::IntentAge;

/// How often the network is asked for one intent within one call: a flaky network gets better by then,
/// and one that is down does not.
const ATTEMPTS: usize = 3;
/// How long the settle pass gives one intent.
const PATIENCE: Duration = Duration::from_secs(4);
/// How many intents the settle pass works on at the same time.
const ABREAST: usize = 8;

/// Has the network fulfil an intent, and says how the network's record stands then. An error means that
/// this could not be learnt.
pub(crate) async fn carry_out(
    network: &dyn CardNetwork,
    ctx: &Context,
    order: OrderId,
    charge: &Charge,
    intent: Intent,
    age: IntentAge,
) -> NetworkResult<NetworkState> {
    // whoever began a standing intent may have brought it to its end and not lived to note it
    if age == IntentAge::Standing
        && let Some(done) = answer_on_record(network, ctx, order, charge).await?
    {
        return Ok(done);
    }
    let mut last = NetworkError::NotDone("it was not asked".into());
    for _ in 0..ATTEMPTS {
        match ask(network, ctx, order, charge, intent).await {
            Ok(record) => return Ok(record.state),
            Err(error) => {
                tracing::info!(%order, ?intent, "order {order}: {error}; looking it up");
                last = error;
            }
        }
        if let Some(done) = answer_on_record(network, ctx, order, charge).await? {
            return Ok(done);
        }
    }
    Err(last)
}

async fn ask(
    network: &dyn CardNetwork,
    ctx: &Context,
    order: OrderId,
    charge: &Charge,
    intent: Intent,
) -> NetworkResult<HoldRecord> {
    match intent {
        Intent::Hold => network.hold(ctx, order, charge.amount, &charge.card).await,
        Intent::Capture => network.capture(ctx, order).await,
        Intent::Void => network.void(ctx, order).await,
        Intent::Refund => network.refund(ctx, order).await,
    }
}

/// How the network's record stands, where it answers the charge's open intent.
async fn answer_on_record(
    network: &dyn CardNetwork,
    ctx: &Context,
    order: OrderId,
    charge: &Charge,
) -> NetworkResult<Option<NetworkState>> {
    let record = network.look_up(ctx, order).await?;
    Ok(record.map(|record| record.state).filter(|says| charge.is_answered_by(*says)))
}

/// Finishes intents that were left open, until `shutdown`. Runs in every replica: each intent is claimed
/// before it is worked on.
pub async fn settle_until(service: Arc<Service>, config: Live<SettleConfig>, shutdown: CancellationToken) {
    loop {
        let pause = Duration::from_millis(config.get().every_ms);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        // a pass that is cut short leaves its intents open; they come due again
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = settle_pass(&service) => {}
        }
    }
}

/// One pass: claims a batch of open intents that are due, and finishes them.
pub async fn settle_pass(service: &Service) {
    let due = match service.claim_due().await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(%error, "open intents could not be read: {error}"),
    };
    futures::stream::iter(due)
        .for_each_concurrent(ABREAST, |order| async move {
            let span = Begin::new(SpanKind::Internal, "payments", "settle payment").begin();
            let ctx = Context::background("payments", PATIENCE);
            let ctx = Context { trace: span.trace().clone(), ..ctx };
            match span.around(service.finish(&ctx, order)).await {
                Ok(payment) => {
                    tracing::info!(%order, status = ?payment.status, "order {order} settled: {:?}", payment.status);
                }
                Err(error) => {
                    span.fail("open", &error);
                    tracing::warn!(%order, %error, "order {order} is still open: {error}");
                }
            }
        })
        .await;
}
