//! The command: starts the shop, looks at it, orders from it, changes it, stops it.
//!
//! - [`cli`]: the arguments, as typed
//! - [`exit`]: what the exit codes mean
//! - [`folder`]: the data folder, by which commands and the running shop find each other
//! - [`up`]: the supervisor: starts every process, restarts what dies, drains in order
//! - [`topology`]: which modules share a process, as data: files, rules, pictures
//! - [`run`]: one process of the shop: the table of names and what they run
//! - [`lifeline`]: how such a process notices that its supervisor is gone
//! - [`audit`]: whether the books of all modules agree
//! - `message_books`: outboxes and inboxes of a running shop, for the audit
//! - [`client`]: the running shop, as the commands see it: the one that `up` runs, or one elsewhere
//! - `health`: whether a process is well, and why not
//! - [`commands`]: who does what a command says; and every command but `up` and `run`
//!
//! Not for: business rules, or anything that a service needs. Nothing depends on this crate.

pub mod audit;
pub mod cli;
pub mod client;
pub mod commands;
pub mod exit;
pub mod folder;
mod health;
pub mod lifeline;
mod message_books;
pub mod run;
pub mod text;
pub mod topology;
pub mod up;

use std::process::ExitCode;

use cli::Cli;

/// The whole of `main`: reads the arguments, does what they say, turns the end into an exit code.
pub fn main() -> ExitCode {
    let cli = chassis::process::arguments::<Cli>();
    commands::main(cli.command.unwrap_or_else(cli::up_as_usual))
}
