//! The config server and its client over real HTTP.

mod changes;
mod client;
mod files;
mod guard;
mod push;
mod reading;
mod replicas;
mod spring;
mod store;
mod support;
