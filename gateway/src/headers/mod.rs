//! What happens to headers at the edge (RFC 9110, section 7.6).
//!
//! - [`hop`]: takes away what was meant for one connection only
//! - [`forwarding`]: says who asked, and by which way (`Forwarded`, `Via`)
//! - [`request`]: a request's headers as they go on to a service
//! - [`response`]: a response's headers as they go back to the client

pub(crate) mod forwarding;
pub(crate) mod hop;
pub(crate) mod request;
pub(crate) mod response;
