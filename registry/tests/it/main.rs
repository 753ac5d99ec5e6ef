//! The registry's tests. What is in `shared` runs against the embedded registry and, where a `consul`
//! executable is on the PATH, against a real Consul too: the same bodies, the same expectations.

mod durable;
mod embedded;
mod engine;
mod http;
mod shared;
