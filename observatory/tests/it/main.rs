//! The observatory's tests: an observatory on free ports, spoken to as senders and browsers do.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should panic; the exemption for tests misses helpers"
)]

mod full;
mod grpc;
mod hostile;
mod http;
mod pages;
mod requests;
mod started;
mod whole;
