//! The gateway between real clients and real upstreams, each on a port of its own.

mod balance;
mod failures;
mod grpc;
mod headers;
mod hostile;
mod live;
mod routing;
mod streaming;
mod support;
