//! Bodies on their way through: frame by frame, as fast as the slower side takes them, never held as a
//! whole.
//!
//! - [`upload`]: the client's body on its way to a service
//! - [`download`]: a service's body on its way to the client
//! - [`closing`]: how endless ones are ended when the gateway drains

mod closing;
mod download;
mod upload;

pub(crate) use closing::Closing;
pub(crate) use download::Download;
pub(crate) use upload::{Stopped, Upload};
