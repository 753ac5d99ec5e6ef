//! Exchanges and queues are declared, emptied and deleted.
//!
//! - [`exchanges`], [`queues`]: one each
//! - [`agreement`]: whether two declarations say the same

mod agreement;
mod exchanges;
mod queues;

use rand::RngCore;

use crate::error::{Code, Refusal};
use crate::storage::scribe::Ticket;
pub(crate) use exchanges::ExchangeDeclaration;
pub(crate) use queues::QueueDeclaration;
pub(in crate::core) use queues::locked;

/// Names that begin so are the broker's.
const RESERVED: &str = "amq.";

/// Whether something may be made, or must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existence {
    MayBeMade,
    /// `passive`
    MustBe,
}

/// What happens in a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Durable,
    Transient,
}

/// Under which condition something is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Only if nobody uses it.
    pub unused: bool,
    /// Only if nothing is in it.
    pub empty: bool,
}

/// An answer, and what must be on disk before it may be given.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub value: T,
    pub ticket: Ticket,
}

/// Names have no line ends, as in RabbitMQ.
fn without_line_ends(name: &mut String) {
    name.retain(|letter| !matches!(letter, '\r' | '\n'));
}

/// A name that nobody else has.
pub(in crate::core) fn generated(prefix: &str) -> String {
    let mut random = rand::rng();
    format!("{prefix}{:016x}{:016x}", random.next_u64(), random.next_u64())
}

/// Nobody changes the exchange that has no name.
pub(in crate::core) fn on_default_exchange() -> Refusal {
    Refusal::new(Code::AccessRefused, "operation not permitted on the default exchange")
}

fn reserved(what: &str, name: &str) -> Refusal {
    Refusal::new(Code::AccessRefused, format_args!("{what} name '{name}' contains reserved prefix 'amq.*'"))
}
