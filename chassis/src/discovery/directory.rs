//! The live view of the registry: one blocking query for each service that somebody asked for.

use std::sync::Arc;
use std::time::Duration;

use contracts::error::chain;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::doubt::{Doubt, Worth};
use super::views::{View, Views, show};
use super::{Consul, Discovery, Instance};

/// How long the registry may hold one blocking query open; and so how long changes can stay unseen when
/// a Consul is replaced by another, with a lower index, so quickly that no connection fails.
const WAIT: Duration = Duration::from_secs(30);
/// The pause after each answer. A registry that changes all the time, or wakes us for nothing,
/// then costs at most a hundred questions a second.
const BREATH: Duration = Duration::from_millis(10);

/// A [`Discovery`] that follows a registry. Only instances whose checks all pass are in it.
///
/// While the registry is away, the last known instances stay: an old address may still answer, none
/// never does. So they do while a registry that has come back without its memory knows nobody.
/// Must be used within a tokio runtime.
#[derive(Debug, Clone)]
pub struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    consul: Consul,
    shutdown: CancellationToken,
    views: Views,
}

impl Directory {
    /// A directory that follows the registry until `shutdown`. It asks nothing until it is asked.
    pub fn new(consul: Consul, shutdown: CancellationToken) -> Self {
        Self(Arc::new(Inner { consul, shutdown, views: Views::new() }))
    }

    /// The view of a service, and its watcher if this is the first question about it.
    fn view(&self, service: &str) -> View {
        self.0.views.of(service, |view| {
            let watcher = Watcher { consul: self.0.consul.clone(), service: service.to_owned(), view };
            let shutdown = self.0.shutdown.clone();
            tokio::spawn(async move { shutdown.run_until_cancelled(watcher.follow()).await });
        })
    }
}

impl Discovery for Directory {
    fn instances(&self, service: &str) -> Arc<[Instance]> {
        self.view(service).borrow().clone()
    }

    fn changed(&self, service: &str) -> watch::Receiver<Arc<[Instance]>> {
        self.view(service).subscribe()
    }
}

/// Follows one service.
struct Watcher {
    consul: Consul,
    service: String,
    view: View,
}

impl Watcher {
    async fn follow(self) {
        let service = &self.service;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let (mut index, mut wait, mut away) = (0, WAIT, None);
        let mut doubt = Doubt::default();
        loop {
            match self.consul.healthy(service, index, wait).await {
                Ok(answer) => {
                    if away.take().is_some() {
                        tracing::info!(service, "the registry answers again about {service}");
                    }
                    backoff.reset();
                    // An index that went back counts from another beginning: the registry has been replaced
                    // or restored. Waiting beyond the old one could wait for ever.
                    index = if answer.index < index { 0 } else { answer.index };
                    wait = WAIT;
                    match doubt.weigh(answer.index, answer.value.len(), Instant::now()) {
                        Worth::Believed => show(&self.view, answer.value),
                        // Never 0 ms, by which Consul means its own default.
                        Worth::Doubted(rest) => wait = wait.min(rest.max(BREATH)),
                    }
                    sleep(BREATH).await;
                }
                Err(error) => {
                    let why = chain(&error);
                    if away.as_ref() != Some(&why) {
                        tracing::warn!(service, why, "keeping the last known instances of {service}: {why}");
                        away = Some(why);
                    }
                    doubt.failed();
                    index = 0;
                    sleep(backoff.pause()).await;
                }
            }
        }
    }
}
