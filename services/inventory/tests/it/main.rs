//! The inventory on real databases: the same test bodies on SQLite and PostgreSQL.

mod adapters;
mod claims;
mod expiry;
mod facts;
mod messages;
mod model;
mod races;
mod refusals;
mod shop;
mod watch;
