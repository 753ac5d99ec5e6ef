//! Typed configuration: fetched, validated whole, changed while running.
//!
//! A concern declares a [`Section`]: one struct, whose keys are `live` or `restart`. A service lists
//! its sections and loads them:
//!
//! ```ignore
//! let configuration = Configuration::builder("orders")
//!     .section::<Saga>()
//!     .section::<Log>()
//!     .load(&source)
//!     .await?;
//! let saga: Live<Saga> = configuration.section();
//! let lease = saga.get().lease_ms;
//! ```
//!
//! Layers, each over the one before: default < file < profile < runtime change < environment. Defaults
//! are the sections' own; the environment is the process's own; the rest comes from the config server,
//! or from the last known good copy while that is away. Nothing is taken over before all of it is
//! valid, and then all sections change at once.
//!
//! - [`section`]: what a section is
//! - [`protocol`]: what client and config server say to each other
//! - [`keys`], [`schema`], [`secret`]: dotted keys, what a key allows, what may not be written down
//! - `resolve`: from layers to sections, or to every fault at once
//! - `state`: what a service runs with, and taking over what comes next
//! - [`live`]: values that change under their reader
//! - `follow`: takes over what the server pushes
//! - [`admin`]: the client of those who change configuration
//!
//! Not for: bootstrap settings (own name, addresses, data folder), which come from arguments and
//! environment before any of this can run.

pub mod admin;
mod client;
mod configuration;
mod copy;
pub mod environment;
mod error;
mod follow;
pub mod keys;
pub mod live;
pub mod protocol;
mod resolve;
pub mod schema;
pub mod secret;
pub mod section;
mod source;
mod state;

pub use admin::{AdminClient, AdminError, Applied};
pub use configuration::{Builder, Configuration};
pub use environment::{Environment, ProcessEnvironment};
pub use error::{ConfigError, ConfigFault};
pub use live::Live;
pub use protocol::{Layer, Origin, Report, Scope};
pub use section::Section;
pub use source::Source;
pub(crate) use source::check_address;
