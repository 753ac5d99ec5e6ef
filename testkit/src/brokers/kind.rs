//! Which brokers there are.

use std::fmt;

/// The variable that restricts tests to one kind.
const WANTED: &str = "TRADEWIND_TEST_BROKERS";

/// A kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerKind {
    /// The one that the shop brings along.
    Embedded,
    /// A real RabbitMQ.
    RabbitMq,
}

impl BrokerKind {
    const ALL: [Self; 2] = [Self::Embedded, Self::RabbitMq];

    /// Those that tests shall run on: all, or the one that `TRADEWIND_TEST_BROKERS` names.
    pub fn wanted() -> Vec<Self> {
        let Ok(named) = std::env::var(WANTED) else { return Self::ALL.to_vec() };
        let wanted = Self::ALL.into_iter().find(|kind| kind.name() == named);
        vec![wanted.unwrap_or_else(|| panic!("{WANTED} is embedded or rabbitmq, not {named:?}"))]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::RabbitMq => "rabbitmq",
        }
    }
}

impl fmt::Display for BrokerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
