//! Exchanges are declared and deleted.

use amq_protocol::types::FieldTable;

use super::agreement::same_exchange;
use super::{
    Answer, Condition, Existence, Lifetime, RESERVED, on_default_exchange, reserved, without_line_ends,
};
use crate::core::Core;
use crate::core::records::Change;
use crate::core::routing::{Exchange, ExchangeKind, ExchangeSpec};
use crate::error::{Code, Refusal};
use crate::storage::scribe::Ticket;

/// Where an exchange sends what it cannot route, in RabbitMQ.
pub(super) const ALTERNATE: &str = "alternate-exchange";

/// The declaration of an exchange.
#[derive(Debug)]
pub(crate) struct ExchangeDeclaration {
    pub name: String,
    pub kind: String,
    pub existence: Existence,
    pub lifetime: Lifetime,
    pub auto_delete: bool,
    pub internal: bool,
    pub arguments: FieldTable,
}

impl Core {
    /// Makes the exchanges that are there from the beginning.
    pub(in crate::core) fn declare_standard_exchanges(&mut self) {
        for exchange in Exchange::all_standard() {
            self.exchanges.entry(exchange.spec.name.clone()).or_insert(exchange);
        }
    }

    /// Declares an exchange.
    pub fn declare_exchange(&mut self, mut wanted: ExchangeDeclaration) -> Result<Answer<()>, Refusal> {
        without_line_ends(&mut wanted.name);
        let name = &wanted.name;
        if name.is_empty() {
            return Err(on_default_exchange());
        }
        if wanted.existence == Existence::MustBe {
            return match self.exchanges.contains_key(name.as_str()) {
                true => Ok(Answer { value: (), ticket: 0 }),
                false => Err(Refusal::missing("exchange", name)),
            };
        }
        let kind = ExchangeKind::parse(&wanted.kind)?;
        let spec = ExchangeSpec {
            name: name.as_str().into(),
            kind,
            durable: wanted.lifetime == Lifetime::Durable,
            auto_delete: wanted.auto_delete,
            internal: wanted.internal,
            arguments: wanted.arguments,
        };
        if let Some(exchange) = self.exchanges.get(name.as_str()) {
            same_exchange(&exchange.spec, &spec)?;
            return Ok(Answer { value: (), ticket: 0 });
        }
        if name.starts_with(RESERVED) {
            return Err(reserved("exchange", name));
        }
        if spec.arguments.inner().contains_key(ALTERNATE) {
            let text = format!(
                "this broker does not do {ALTERNATE} (exchange '{name}' in vhost '/'); RabbitMQ does"
            );
            return Err(Refusal::not_implemented(text));
        }
        let ticket = match spec.durable {
            true => self.store.change(&Change::ExchangeDeclared(spec.clone())),
            false => 0,
        };
        self.exchanges.insert(spec.name.clone(), Exchange::new(spec));
        Ok(Answer { value: (), ticket })
    }

    /// Deletes an exchange; that there is none is no failure.
    pub fn delete_exchange(&mut self, name: &str, condition: Condition) -> Result<Answer<()>, Refusal> {
        if name.is_empty() {
            return Err(on_default_exchange());
        }
        if name.starts_with(RESERVED) {
            let text = format!("deletion of system exchange '{name}' in vhost '/' not allowed");
            return Err(Refusal::new(Code::AccessRefused, text));
        }
        let Some(exchange) = self.exchanges.get(name) else { return Ok(Answer { value: (), ticket: 0 }) };
        if condition.unused && !exchange.bindings().is_empty() {
            let text = format!("exchange '{name}' in vhost '/' in use");
            return Err(Refusal::new(Code::PreconditionFailed, text));
        }
        Ok(Answer { value: (), ticket: self.drop_exchange(name) })
    }

    pub(in crate::core) fn drop_exchange(&mut self, name: &str) -> Ticket {
        match self.exchanges.remove(name) {
            Some(exchange) if exchange.spec.durable => {
                self.store.change(&Change::ExchangeDeleted(name.to_owned()))
            }
            _ => 0,
        }
    }
}
