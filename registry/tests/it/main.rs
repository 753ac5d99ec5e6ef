//! The registry's tests. What is in `shared` runs against the embedded registry and, where a `consul`
//! executable is on the PATH, against a real Consul too: the same bodies, the same expectations.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should panic; the exemption for tests misses helpers"
)]

mod durable;
mod embedded;
mod engine;
mod http;
mod shared;
