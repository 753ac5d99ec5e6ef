//! What customers are told, and how often a mail is tried, without I/O.
//!
//! - [`news`]: what an event means to a customer
//! - [`letter`]: its telling, in plain English
//! - [`address`]: where a customer's mails go
//! - [`retry`]: what becomes of a mail after an attempt to send it

pub mod address;
pub mod letter;
pub mod news;
pub mod retry;

pub use letter::Letter;
pub use news::{News, Occasion};
pub use retry::{Attempt, Next};
