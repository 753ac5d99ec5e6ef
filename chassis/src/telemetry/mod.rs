//! Logs and metrics.
//!
//! What each log level means:
//! - `error`: something is lost or wrong, and a person should look
//! - `warn`: something failed that this program deals with by itself, or was asked to do nonsense
//! - `info`: a change of state of the process: started, ready, a wire switched, an order done
//! - `debug`: every request
//! - `trace`: what only its author needs

pub mod logs;
pub mod metrics;
pub mod requests;
