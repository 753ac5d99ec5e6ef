//! A business module, assembled and not yet running.

use axum::Router;
use futures::future::BoxFuture;

use crate::config::Configuration;

/// What a service's `assemble` returns.
pub struct Module {
    /// Its name, under which others find it.
    pub name: &'static str,
    /// Its adapters: REST routes, merged with `grpc::routes(…)`.
    pub routes: Router,
    /// Its background work, which ends when the platform's `shutdown` fires.
    pub tasks: Vec<BoxFuture<'static, ()>>,
    /// Its configuration, reported at `/control/MODULE/config`.
    pub configuration: Configuration,
    /// Further control endpoints, served below `/control/MODULE/` behind the guard.
    pub control: Router,
}

impl Module {
    /// A module without background work and control endpoints of its own.
    pub fn new(name: &'static str, routes: Router, configuration: Configuration) -> Self {
        Self { name, routes, tasks: Vec::new(), configuration, control: Router::new() }
    }

    /// The same with background work, which must end when the platform's `shutdown` fires.
    pub fn task(mut self, task: impl Future<Output = ()> + Send + 'static) -> Self {
        self.tasks.push(Box::pin(task));
        self
    }

    /// The same with control endpoints.
    pub fn control(mut self, routes: Router) -> Self {
        self.control = self.control.merge(routes);
        self
    }
}
