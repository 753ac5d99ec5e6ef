//! Messages inside one process that is the whole shop: what a relay takes out of one module's outbox goes
//! straight into the databases of those who hear it.
//!
//! - [`arrivals`]: what came for a module and is not dealt with
//! - [`event_log`]: every event, in the database of the module that reads them
//! - [`content`]: what a row of either says
//! - [`routing`]: where a message goes
//!
//! What holds through a broker holds here. A message counts as published when it stands in every database that
//! it is for: a process may die at any point, and the relay then says the same again, under the same ids. Each
//! consumer's database takes its part of a batch in one transaction.

mod arrivals;
mod content;
mod event_log;
mod routing;

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::error::chain;
use contracts::messages::queues::{EVENT_LOG, QUEUES};
use contracts::messages::{Outgoing, Queue};
use futures::future::try_join_all;
use tokio::sync::{Notify, watch};

use super::broker::PublishError;
use super::mailbox::Publish;
use crate::store::StoreError;

pub(in crate::messaging) use arrivals::{Arrival, Arrivals, Death, NewArrival, Then, Verdict};
pub(in crate::messaging) use content::{Content, storable};
pub(in crate::messaging) use event_log::{Entry, EventLog};

use self::routing::Routes;

/// What carries messages here, as traces say it.
pub(in crate::messaging) const IN_PROCESS: &str = "in_process";

/// The modules of this process, as messages find them: a handle, cheap to clone.
#[derive(Clone)]
pub(in crate::messaging) struct InProcess(Arc<Inner>);

struct Inner {
    modules: watch::Sender<BTreeMap<&'static str, Arc<Arrivals>>>,
    log: watch::Sender<Option<Arc<EventLog>>>,
    /// Where the consumer of each queue waits for what arrives.
    doorsteps: BTreeMap<&'static str, Notify>,
    /// Changes whenever the log grows.
    appended: watch::Sender<()>,
}

impl InProcess {
    /// No module is there yet.
    pub(in crate::messaging) fn new() -> Self {
        Self(Arc::new(Inner {
            modules: watch::Sender::default(),
            log: watch::Sender::default(),
            doorsteps: QUEUES.iter().map(|queue| (queue.name, Notify::new())).collect(),
            appended: watch::Sender::default(),
        }))
    }

    /// A module is there, and has these arrivals.
    pub(in crate::messaging) fn register(&self, arrivals: Arc<Arrivals>) {
        self.0.modules.send_modify(|modules| drop(modules.insert(arrivals.module(), arrivals)));
    }

    /// Here is the event log.
    pub(in crate::messaging) fn keep_log(&self, log: EventLog) {
        self.0.log.send_replace(Some(Arc::new(log)));
    }

    /// The arrivals of all modules that are there.
    pub(in crate::messaging) fn modules(&self) -> BTreeMap<&'static str, Arc<Arrivals>> {
        self.0.modules.borrow().clone()
    }

    /// The arrivals of a module, which may not be there yet.
    pub(in crate::messaging) fn arrivals(&self, module: &str) -> Result<Arc<Arrivals>, PublishError> {
        self.0.modules.borrow().get(module).cloned().ok_or_else(|| {
            PublishError::Away(format!(
                "{module} is not in this process, or not yet; without a broker it has to be"
            ))
        })
    }

    /// The arrivals of a module, as soon as it is there.
    pub(in crate::messaging) async fn arrivals_in_time(&self, module: &str) -> Option<Arc<Arrivals>> {
        let mut modules = self.0.modules.subscribe();
        modules.wait_for(|modules| modules.contains_key(module)).await.ok()?.get(module).cloned()
    }

    /// The event log, where the module that reads it is there already.
    pub(in crate::messaging) fn log(&self) -> Result<Arc<EventLog>, PublishError> {
        self.0.log.borrow().clone().ok_or_else(|| {
            PublishError::Away(format!(
                "nobody in this process keeps {EVENT_LOG}, or not yet: without a broker the module that reads it does"
            ))
        })
    }

    /// The event log, as soon as the module that reads it is there.
    pub(in crate::messaging) async fn log_in_time(&self) -> Option<Arc<EventLog>> {
        self.0.log.subscribe().wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Returns when something arrived in `queue` since this was last waited for.
    pub(in crate::messaging) async fn arrived(&self, queue: &Queue) {
        match self.0.doorsteps.get(queue.name) {
            Some(doorstep) => doorstep.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Wakes who waits for `queue`.
    pub(in crate::messaging) fn wake(&self, queue: &str) {
        if let Some(doorstep) = self.0.doorsteps.get(queue) {
            doorstep.notify_one();
        }
    }

    /// Sees whenever the log grows.
    pub(in crate::messaging) fn appended(&self) -> watch::Receiver<()> {
        self.0.appended.subscribe()
    }

    async fn deliver(
        &self,
        arrivals: Arc<Arrivals>,
        messages: Vec<(&'static Queue, &Outgoing)>,
    ) -> Result<(), PublishError> {
        let module = arrivals.module();
        let new = messages.iter().map(|(queue, outgoing)| NewArrival::of(queue, outgoing));
        let new = new.collect::<Result<Vec<_>, _>>().map_err(|error| unwritten(module, &error))?;
        arrivals.insert(&new).await.map_err(|error| unwritten(module, &error))?;
        for (queue, _) in messages {
            self.wake(queue.name);
        }
        Ok(())
    }

    async fn append(&self, log: Option<Arc<EventLog>>, events: &[&Outgoing]) -> Result<(), PublishError> {
        let Some(log) = log else { return Ok(()) };
        log.append(events).await.map_err(|error| unwritten(EVENT_LOG, &error))?;
        self.0.appended.send_replace(());
        Ok(())
    }
}

impl Publish for InProcess {
    /// Messages are published when they stand in every database that they are for. Some may stand in some of
    /// them where this fails.
    async fn publish(&self, messages: &[Outgoing]) -> Result<(), PublishError> {
        let Routes { modules, events } = Routes::of(messages)?;
        // before anything is written: where one of them is missing all of it waits
        let modules = modules.into_iter().map(|(module, messages)| Ok((self.arrivals(module)?, messages)));
        let modules = modules.collect::<Result<Vec<_>, PublishError>>()?;
        let log = if events.is_empty() { None } else { Some(self.log()?) };
        let delivering = modules.into_iter().map(|(arrivals, messages)| self.deliver(arrivals, messages));
        tokio::try_join!(try_join_all(delivering), self.append(log, &events)).map(drop)
    }

    fn carrier(&self) -> &'static str {
        IN_PROCESS
    }
}

fn unwritten(where_to: &str, error: &StoreError) -> PublishError {
    PublishError::Away(format!("what is for {where_to} cannot be written: {}", chain(error)))
}
