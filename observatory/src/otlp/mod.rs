//! OTLP: by gRPC, and by HTTP with protobuf or JSON.
//!
//! - [`grpc`], [`http`]: how requests come in, and what is answered
//! - `receive`: from the bytes of a request to the intake
//! - `signal`: traces, metrics and logs, in what they differ
//! - `json`: what protobuf allows in JSON, and a reader of ours does not
//! - `census`: how large a request is once it is taken apart, before it is
//! - `decode`: from OTLP's messages to spans and points

mod census;
mod decode;
pub(crate) mod grpc;
pub(crate) mod http;
mod json;
mod receive;
mod signal;
#[cfg(test)]
mod tests;

pub(crate) use receive::Receiver;
