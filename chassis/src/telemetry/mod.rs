//! Logs, metrics and traces.
//!
//! - [`logs`]: what is written to standard error, at levels that can be changed
//! - [`metrics`]: what is counted, read at `/metrics`
//! - [`process`]: what the process itself uses
//! - [`spans`]: work at a boundary, as part of a distributed trace
//! - [`requests`]: every request that comes in by HTTP: its span, its measurement
//! - [`settings`]: what of all this is configuration
//! - [`otlp`]: where spans and metrics are sent, by the process as a whole
//!
//! What each log level means:
//! - `error`: something is lost or wrong, and a person should look
//! - `warn`: something failed that this program deals with by itself, or was asked to do nonsense
//! - `info`: a change of state of the process: started, ready, a wire switched, an order done
//! - `debug`: every request
//! - `trace`: what only its author needs

pub mod logs;
pub mod metrics;
pub mod otlp;
pub mod process;
pub mod requests;
pub mod settings;
pub mod spans;
