//! The live view of the registry: one blocking query for each service that somebody asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::doubt::{Doubt, Worth};
use super::{Consul, Discovery, Instance};

/// How long the registry may hold one blocking query open; and so how long changes can stay unseen when
/// a Consul is replaced by another, with a lower index, so quickly that no connection fails.
const WAIT: Duration = Duration::from_secs(30);
/// The services that one directory watches at most: each costs a task and a connection.
const MOST_SERVICES: usize = 256;
/// The pause after each answer. A registry that changes all the time, or wakes us for nothing,
/// then costs at most a hundred questions a second.
const BREATH: Duration = Duration::from_millis(10);

type View = watch::Sender<Arc<[Instance]>>;

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
    views: Mutex<HashMap<String, View>>,
    /// What is answered about services beyond the bound.
    nobody: View,
}

impl Directory {
    /// A directory that follows the registry until `shutdown`. It asks nothing until it is asked.
    pub fn new(consul: Consul, shutdown: CancellationToken) -> Self {
        let nobody = View::new(Arc::from([]));
        Self(Arc::new(Inner { consul, shutdown, views: Mutex::default(), nobody }))
    }

    /// The view of a service, and its watcher if this is the first question about it.
    fn view(&self, service: &str) -> View {
        let mut views = self.0.views.lock();
        if let Some(view) = views.get(service) {
            return view.clone();
        }
        if views.len() >= MOST_SERVICES {
            tracing::warn!(service, "watching {MOST_SERVICES} services already; {service} stays unknown");
            return self.0.nobody.clone();
        }
        let view = View::new(Arc::from([]));
        views.insert(service.to_owned(), view.clone());
        let watcher =
            Watcher { consul: self.0.consul.clone(), service: service.to_owned(), view: view.clone() };
        let shutdown = self.0.shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(watcher.follow()).await });
        view
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
        let (mut index, mut wait, mut away) = (0, WAIT, false);
        let mut doubt = Doubt::default();
        loop {
            match self.consul.healthy(service, index, wait).await {
                Ok(answer) => {
                    if std::mem::take(&mut away) {
                        tracing::info!(service, "the registry answers again about {service}");
                    }
                    backoff.reset();
                    // An index that went back counts from another beginning: the registry has been replaced
                    // or restored. Waiting beyond the old one could wait for ever.
                    index = if answer.index < index { 0 } else { answer.index };
                    wait = WAIT;
                    match doubt.weigh(answer.index, answer.value.len(), Instant::now()) {
                        Worth::Believed => self.publish(answer.value),
                        // Never 0 ms, by which Consul means its own default.
                        Worth::Doubted(rest) => wait = wait.min(rest.max(BREATH)),
                    }
                    sleep(BREATH).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(service, %error, "keeping the last known instances of {service}");
                    }
                    doubt.failed();
                    index = 0;
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    /// Shows the instances, if they are not the ones already shown.
    fn publish(&self, mut instances: Vec<Instance>) {
        instances.sort_by(|a, b| a.id.cmp(&b.id));
        self.view.send_if_modified(|shown| {
            let changed = **shown != *instances;
            if changed {
                *shown = instances.into();
            }
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bounded_number_of_services_is_watched() {
        let (stop, nowhere) = (CancellationToken::new(), Consul::new("http://127.0.0.1:1", None));
        let directory = Directory::new(nowhere.unwrap(), stop.clone());
        let _ends_the_watchers = stop.drop_guard();
        for number in 0..MOST_SERVICES + 100 {
            assert!(directory.instances(&format!("s{number}")).is_empty());
        }
        assert_eq!(directory.0.views.lock().len(), MOST_SERVICES);
        let nobody = |service: &str| directory.view(service).same_channel(&directory.0.nobody);
        assert!(!nobody("s0") && !nobody(&format!("s{}", MOST_SERVICES - 1)), "the first ones stay watched");
        assert!(nobody(&format!("s{MOST_SERVICES}")) && nobody("another"));
    }
}
