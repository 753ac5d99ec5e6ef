//! What is known of each service that somebody asked for.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::Instance;

/// The services that one directory watches at most: each costs a task, and a connection or a question a second.
pub(super) const MOST_SERVICES: usize = 256;

/// The instances of one service, for whoever watches them.
pub(super) type View = watch::Sender<Arc<[Instance]>>;

/// The views of a bounded number of services.
#[derive(Debug)]
pub(super) struct Views {
    known: Mutex<HashMap<String, View>>,
    /// What is answered about services beyond the bound.
    nobody: View,
}

impl Views {
    pub(super) fn new() -> Self {
        Self { known: Mutex::default(), nobody: View::new(Arc::from([])) }
    }

    /// The view of a service. The first question about it has it `watched`.
    pub(super) fn of(&self, service: &str, watched: impl FnOnce(View)) -> View {
        let mut known = self.known.lock();
        if let Some(view) = known.get(service) {
            return view.clone();
        }
        if known.len() >= MOST_SERVICES {
            tracing::warn!(service, "watching {MOST_SERVICES} services already; {service} stays unknown");
            return self.nobody.clone();
        }
        let view = View::new(Arc::from([]));
        known.insert(service.to_owned(), view.clone());
        watched(view.clone());
        view
    }
}

/// Shows the instances in order, if they are not the ones already shown.
pub(super) fn show(view: &View, mut instances: Vec<Instance>) {
    instances.sort_by(|a, b| a.id.cmp(&b.id));
    view.send_if_modified(|shown| {
        let changed = **shown != *instances;
        if changed {
            *shown = instances.into();
        }
        changed
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_services_is_watched() {
        let (views, mut watched) = (Views::new(), 0);
        for number in 0..MOST_SERVICES + 100 {
            assert!(views.of(&format!("s{number}"), |_| watched += 1).borrow().is_empty());
        }
        assert_eq!(watched, MOST_SERVICES);
        let nobody = |service: &str| {
            views.of(service, |_| panic!("{service} is not new, or too much")).same_channel(&views.nobody)
        };
        assert!(!nobody("s0") && !nobody(&format!("s{}", MOST_SERVICES - 1)), "the first ones stay watched");
        assert!(nobody(&format!("s{MOST_SERVICES}")) && nobody("another"));
    }

    #[test]
    fn only_a_change_is_shown() {
        let view = View::new(Arc::from([]));
        let mut seen = view.subscribe();
        let instance = |id: &str| Instance {
            id: id.to_owned(),
            service: "s".to_owned(),
            address: "127.0.0.1:1".to_owned(),
            meta: Default::default(),
        };
        show(&view, vec![instance("b"), instance("a")]);
        assert!(seen.has_changed().unwrap());
        assert_eq!(**seen.borrow_and_update(), [instance("a"), instance("b")], "in order of their ids");
        show(&view, vec![instance("a"), instance("b")]);
        assert!(!seen.has_changed().unwrap());
    }
}
