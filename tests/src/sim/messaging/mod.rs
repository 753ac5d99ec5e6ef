//! Messages in the simulation: what a module has of its own on its disk, and the broker between them.
//!
//! - [`mailbox`]: a module's outbox and inbox
//! - [`relay`]: takes messages from the outbox to the broker
//! - [`broker`]: delays, repeats and reorders them, and keeps them until they are acknowledged
//! - [`consumer`]: hands them to a module, a bounded number at a time
//! - [`books`]: what was said and heard, for the audit

pub mod books;
pub mod broker;
pub mod consumer;
pub mod mailbox;
pub mod relay;

pub use books::SimBooks;
pub use broker::Broker;
pub use consumer::consume;
pub use mailbox::Mailbox;
pub use relay::relay;
