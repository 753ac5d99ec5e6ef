//! Payments from its port down to both databases, with a card network that does what a test says, and
//! with the real one over HTTP.

mod cards;
mod crash;
mod facts;
mod faults;
mod ledger;
mod messages;
mod network;
mod service;
mod stumble;
mod support;
