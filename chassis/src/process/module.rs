//! A module of the shop, assembled and not yet running.

use axum::Router;
use futures::future::BoxFuture;
use tokio::net::TcpListener;

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
    /// A door of its own to the outside world, beside the process' listener, which is for those within.
    pub door: Option<Door>,
}

/// What the outside world meets: where, and what it may ask there.
pub struct Door {
    /// Where it knocks.
    pub listener: TcpListener,
    /// What it is answered.
    pub routes: Router,
}

impl Module {
    /// A module without background work and control endpoints of its own.
    pub fn new(name: &'static str, routes: Router, configuration: Configuration) -> Self {
        Self { name, routes, tasks: Vec::new(), configuration, control: Router::new(), door: None }
    }

    /// The same with background work, which must end when the platform's `shutdown` fires.
    pub fn task(mut self, task: impl Future<Output = ()> + Send + 'static) -> Self {
        self.tasks.push(Box::pin(task));
        self
    }

    /// The same with a door to the outside world.
    pub fn door(self, listener: TcpListener, routes: Router) -> Self {
        Self { door: Some(Door { listener, routes }), ..self }
    }

    /// The same with control endpoints.
    pub fn control(mut self, routes: Router) -> Self {
        self.control = self.control.merge(routes);
        self
    }
}
