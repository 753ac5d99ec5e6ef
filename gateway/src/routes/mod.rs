//! Which requests of the outside world go where: an allow-list.
//!
//! - `config`: a route as it is configured
//! - `public`: the routes of the shop's public API, which are the default
//! - `table`: the routes, checked and ready to be matched
//! - `template`: paths with parameters: `/orders/{order_id}`
//! - `reverse`: from a service's own path back to the public one
//! - `guard`: keeps parameters from spelling the paths of other operations

mod config;
mod guard;
mod public;
mod reverse;
mod table;
mod template;

pub use config::{Method, Protocol, RouteConfig};
pub use public::public_api;
pub use table::{Found, Missing, Route, RouteTable};
