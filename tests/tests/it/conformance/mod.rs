//! Every operation over every wire, with equal results.
//!
//! One scripted callee plays all modules. It stands behind the services' real adapters on a real
//! server or broker, and is called through the real clients: in the process, over REST, over gRPC, over
//! AMQP through the embedded broker, and through RabbitMQ where there is one. What a test asserts, it asserts for each wire; an operation that has no case fails the suite.
//!
//! - `scripted`, `house`, `broker_house`: the callee, and the caller that reaches it over one wire
//! - `cases`: every operation with its requests and replies
//! - `values`, `errors`, `context`, `streams`: what crosses a wire
//! - `failures`: what a caller is told when a call fails on its way
//! - `server`: what the adapters do with requests that our own clients never make
//! - `switching`: several instances, and an edge that changes its wire under load
//! - `messages`: what only messages can meet: a broker between that is cut, and callees that speak nonsense

mod broker_house;
mod cases;
mod context;
mod errors;
mod failures;
mod house;
mod messages;
mod scripted;
mod server;
mod streams;
mod switching;
mod values;
