//! Which instance a call goes to: the less loaded of two chosen at random (Mitzenmacher, "The Power of
//! Two Choices in Randomized Load Balancing", 2001). An instance that refused a connection is left
//! alone for a while, long before the registry notices its death.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use chassis::discovery::{Discovery, Instance};
use contracts::{Deadline, Effect, PortError, RemoteReason};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use rand::Rng;
use tokio::time::Instant as Moment;
use tower::{Service, ServiceExt};

use crate::call::{Call, Failures, Reply};
use crate::choices::WireKind;

/// How long an instance that refused a connection is left alone.
const SET_ASIDE: Duration = Duration::from_secs(3);

/// A call with the address that it goes to.
pub struct Routed {
    /// The call.
    pub call: Call,
    /// `host:port`.
    pub address: String,
}

/// Sends each call to an instance of `service`.
#[derive(Clone)]
pub struct Balance<S> {
    service: &'static str,
    wire: WireKind,
    discovery: Arc<dyn Discovery>,
    loads: Arc<Loads>,
    transport: S,
}

impl<S> Balance<S> {
    /// Calls to `service`, whose instances `discovery` knows, by way of `transport`.
    pub fn new(service: &'static str, wire: WireKind, discovery: Arc<dyn Discovery>, transport: S) -> Self {
        Self { service, wire, discovery, loads: Arc::default(), transport }
    }
}

impl<S> Service<Call> for Balance<S>
where
    S: Service<Routed, Response = Reply, Error = PortError> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = PortError;
    type Future = BoxFuture<'static, Result<Reply, PortError>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), PortError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let balance = self.clone();
        Box::pin(async move {
            let failures = Failures { operation: call.operation, wire: balance.wire };
            let instances = balance.instances(call.context.deadline).await;
            let Some((address, load)) = balance.choose(&instances, None) else {
                let detail = format!("the registry knows no healthy instance of {}", balance.service);
                return Err(failures.not_sent(RemoteReason::NoInstance, detail));
            };
            let spare = call.again();
            let result = balance.clone().attempt(call, address.clone(), load).await;
            // nothing happened, so one other instance may be tried: this one has just ended, say
            if let (true, Some(spare)) = (was_lost_for_nothing(&result), spare)
                && let Some((other, load)) = balance.choose(&instances, Some(&address))
            {
                return balance.attempt(spare, other, load).await;
            }
            result
        })
    }
}

impl<S> Balance<S>
where
    S: Service<Routed, Response = Reply, Error = PortError> + Clone,
{
    /// One of `instances`; another than the one at `tried` where that is given.
    fn choose(&self, instances: &[Instance], tried: Option<&str>) -> Option<(String, Arc<Load>)> {
        self.loads.choose(instances, tried, &mut rand::rng())
    }

    async fn attempt(self, call: Call, address: String, load: Arc<Load>) -> Result<Reply, PortError> {
        let _in_flight = load.enter();
        let result = self.transport.oneshot(Routed { call, address }).await;
        if is_unreachable(&result) {
            load.set_aside();
        } else {
            load.welcome();
        }
        result
    }
}

/// Whether no instance has done anything: the call was not sent, or was lost and would have changed nothing.
fn was_lost_for_nothing(result: &Result<Reply, PortError>) -> bool {
    let Err(PortError::Remote(failure)) = result else { return false };
    failure.effect == Effect::None
        && matches!(failure.reason, RemoteReason::Unreachable | RemoteReason::Broken)
}

fn is_unreachable(result: &Result<Reply, PortError>) -> bool {
    matches!(result, Err(PortError::Remote(failure)) if failure.reason == RemoteReason::Unreachable)
}

impl<S> Balance<S> {
    /// The instances known now. Right after the start, and right after a sole instance died, there may
    /// be none for a moment: worth waiting for, within the deadline.
    async fn instances(&self, deadline: Deadline) -> Arc<[Instance]> {
        let now = self.discovery.instances(self.service);
        if !now.is_empty() {
            return now;
        }
        let mut changed = self.discovery.changed(self.service);
        let patience = deadline.left().min(FIRST_INSTANCE_PATIENCE);
        let arrival = changed.wait_for(|instances| !instances.is_empty());
        match tokio::time::timeout(patience, arrival).await {
            Ok(Ok(instances)) => instances.clone(),
            _ => now,
        }
    }
}

/// How long a call waits for a service that has no instance at all.
const FIRST_INSTANCE_PATIENCE: Duration = Duration::from_millis(500);

/// What is known about each instance: how many calls it is answering, and whether it refused one.
#[derive(Default)]
struct Loads(Mutex<HashMap<String, Arc<Load>>>);

#[derive(Default)]
struct Load {
    in_flight: AtomicU32,
    /// Milliseconds since [`epoch`] until which it is left alone; 0 when it is welcome.
    aside_until: AtomicU64,
}

impl Loads {
    fn choose(
        &self,
        instances: &[Instance],
        tried: Option<&str>,
        random: &mut impl Rng,
    ) -> Option<(String, Arc<Load>)> {
        let mut loads = self.0.lock();
        if loads.len() > instances.len() * 2 + 16 {
            // instances come and go; what is known about those that went is of no use
            loads.retain(|address, _| instances.iter().any(|instance| instance.address == *address));
        }
        let mut of = |instance: &Instance| loads.entry(instance.address.clone()).or_default().clone();
        let untried = || instances.iter().filter(|instance| Some(&*instance.address) != tried);
        let welcome: Vec<&Instance> = untried().filter(|instance| !of(instance).is_aside()).collect();
        // when every one of them refused, the best guess is still to ask one
        let candidates = if welcome.is_empty() { untried().collect() } else { welcome };
        let pick = match candidates.len() {
            0 => return None,
            1 => candidates[0],
            count => {
                let first = random.random_range(0..count);
                let second = (first + random.random_range(1..count)) % count;
                let (first, second) = (candidates[first], candidates[second]);
                if of(first).count() <= of(second).count() { first } else { second }
            }
        };
        Some((pick.address.clone(), of(pick)))
    }
}

impl Load {
    fn count(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    fn set_aside(&self) {
        self.aside_until.store(millis() + SET_ASIDE.as_millis() as u64, Ordering::Relaxed);
    }

    fn welcome(&self) {
        self.aside_until.store(0, Ordering::Relaxed);
    }

    fn is_aside(&self) -> bool {
        self.aside_until.load(Ordering::Relaxed) > millis()
    }
}

fn millis() -> u64 {
    static EPOCH: std::sync::OnceLock<Moment> = std::sync::OnceLock::new();
    EPOCH.get_or_init(Moment::now).elapsed().as_millis() as u64
}

struct InFlight(Arc<Load>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chassis::discovery::StaticDirectory;
    use contracts::inventory::{RESERVE, STOCK};
    use contracts::{Context, Operation};
    use tower::service_fn;

    use super::*;
    use crate::call::{EdgeName, Payload};

    fn instance(address: &str) -> Instance {
        Instance {
            id: address.into(),
            service: "inventory".into(),
            address: address.into(),
            meta: Default::default(),
        }
    }

    #[test]
    fn the_less_loaded_of_two_is_chosen() {
        let loads = Loads::default();
        let instances = [instance("a:1"), instance("b:1")];
        let (busy, load) = loads.choose(&instances, None, &mut rand::rng()).expect("an instance");
        let _calls: Vec<_> = (0..5).map(|_| load.enter()).collect();
        for _ in 0..20 {
            assert_ne!(loads.choose(&instances, None, &mut rand::rng()).expect("an instance").0, busy);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_refused_a_connection_is_left_alone_for_a_while() {
        let loads = Loads::default();
        let instances = [instance("dead:1"), instance("live:1")];
        loads.choose(&instances[..1], None, &mut rand::rng()).expect("an instance").1.set_aside();
        for _ in 0..20 {
            assert_eq!(loads.choose(&instances, None, &mut rand::rng()).expect("an instance").0, "live:1");
        }
        tokio::time::advance(SET_ASIDE + Duration::from_millis(1)).await;
        let chosen: std::collections::HashSet<_> = (0..50)
            .map(|_| loads.choose(&instances, None, &mut rand::rng()).expect("an instance").0)
            .collect();
        assert_eq!(chosen.len(), 2);
    }

    #[test]
    fn the_only_instance_is_asked_even_when_it_refused() {
        let loads = Loads::default();
        let only = [instance("a:1")];
        loads.choose(&only, None, &mut rand::rng()).expect("an instance").1.set_aside();
        assert!(loads.choose(&only, None, &mut rand::rng()).is_some());
    }

    fn call(operation: &'static Operation) -> Call {
        Call {
            edge: Arc::new(EdgeName { caller: "orders".into(), callee: "inventory" }),
            operation,
            context: Context::background("orders", Duration::from_secs(5)),
            target: "/reservations".into(),
            body: Payload::One(Bytes::from_static(b"{}")),
        }
    }

    #[tokio::test]
    async fn a_call_that_did_nothing_goes_to_one_other_instance() {
        let refused = |failures: Failures| failures.not_sent(RemoteReason::Unreachable, "refused");
        let broken = |failures: Failures| failures.sent(RemoteReason::Broken, "reset");
        let (pair, dead) = (&["dead:1", "live:1"][..], &["dead:1", "dead:2"][..]);
        for (operation, failure, addresses, answered) in [
            (&RESERVE, &refused as &(dyn Fn(Failures) -> PortError + Sync), pair, true),
            (&RESERVE, &refused, dead, false),
            (&STOCK, &broken, pair, true),
        ] {
            assert!(gone_to(operation, failure, addresses).await.into_iter().all(|one| one == answered));
        }
        // what may have happened is not asked for again
        let outcomes = gone_to(&RESERVE, &broken, pair).await;
        assert!(outcomes.contains(&false), "whoever came to the dead one is told so");
    }

    /// Whether a call was answered, again and again, since which instance comes first is left to chance. Those that
    /// are called dead fail.
    async fn gone_to(
        operation: &'static Operation,
        failure: &(dyn Fn(Failures) -> PortError + Sync),
        addresses: &[&str],
    ) -> Vec<bool> {
        let directory = Arc::new(StaticDirectory::new().with("inventory", addresses));
        let mut answered = Vec::new();
        for _ in 0..20 {
            let tried = Arc::<AtomicU32>::default();
            let attempts = tried.clone();
            let error = failure(Failures { operation, wire: WireKind::Rest });
            let transport = service_fn(move |routed: Routed| {
                attempts.fetch_add(1, Ordering::Relaxed);
                std::future::ready(match routed.address.starts_with("live") {
                    true => Ok(Reply { body: routed.call.body }),
                    false => Err(error.clone()),
                })
            });
            let balance = Balance::new("inventory", WireKind::Rest, directory.clone(), transport);
            answered.push(balance.oneshot(call(operation)).await.is_ok());
            assert!(tried.load(Ordering::Relaxed) <= 2, "one other, and not all");
        }
        answered
    }
}
