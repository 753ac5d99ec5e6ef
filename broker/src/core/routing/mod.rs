//! Exchanges: which queues a message goes to.

mod headers;
mod topic;

use std::collections::HashMap;
use std::sync::Arc;

use amq_protocol::types::FieldTable;
use serde::{Deserialize, Serialize};

use super::ids::QueueId;
use crate::error::{Code, Refusal};
pub(crate) use headers::Matcher;
use topic::Topics;

/// How an exchange chooses queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExchangeKind {
    /// The routing key is the binding's key.
    Direct,
    /// Every queue.
    Fanout,
    /// The routing key matches the binding's pattern.
    Topic,
    /// The message's headers match the binding's arguments.
    Headers,
}

impl ExchangeKind {
    /// The kind that AMQP calls by this name.
    pub fn parse(name: &str) -> Result<Self, Refusal> {
        match name {
            "direct" => Ok(Self::Direct),
            "fanout" => Ok(Self::Fanout),
            "topic" => Ok(Self::Topic),
            "headers" => Ok(Self::Headers),
            "" => Err(Refusal::new(Code::PreconditionFailed, "invalid exchange type ''")),
            _ => Err(Refusal::new(Code::PreconditionFailed, format_args!("unknown exchange type '{name}'"))),
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
        }
    }
}

/// What an exchange is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExchangeSpec {
    pub name: Arc<str>,
    pub kind: ExchangeKind,
    /// It outlives a restart.
    pub durable: bool,
    /// It goes with its last binding.
    pub auto_delete: bool,
    /// Clients may not publish to it.
    pub internal: bool,
    #[serde(with = "super::wire_table")]
    pub arguments: FieldTable,
}

/// What binds a queue to an exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Binding {
    pub queue: QueueId,
    pub key: Arc<str>,
    #[serde(with = "super::wire_table")]
    pub arguments: FieldTable,
}

/// An exchange with its bindings.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub spec: ExchangeSpec,
    bindings: Vec<Binding>,
    index: Index,
}

/// The bindings, arranged for finding.
#[derive(Debug)]
enum Index {
    Direct(HashMap<Arc<str>, Vec<QueueId>>),
    Fanout,
    Topic(Topics),
    Headers(Vec<(Matcher, QueueId)>),
}

/// The exchanges that are there from the beginning; the first is the default one.
const STANDARD: [(&str, ExchangeKind); 6] = [
    ("", ExchangeKind::Direct),
    ("amq.direct", ExchangeKind::Direct),
    ("amq.fanout", ExchangeKind::Fanout),
    ("amq.topic", ExchangeKind::Topic),
    ("amq.headers", ExchangeKind::Headers),
    ("amq.match", ExchangeKind::Headers),
];

impl Exchange {
    /// The exchanges that are there from the beginning.
    pub fn all_standard() -> impl Iterator<Item = Self> {
        STANDARD.into_iter().map(|(name, kind)| {
            Self::new(ExchangeSpec {
                name: name.into(),
                kind,
                durable: true,
                auto_delete: false,
                internal: false,
                arguments: FieldTable::default(),
            })
        })
    }

    /// The one of that name, of those that are there from the beginning.
    pub fn standard(name: &str) -> Option<Self> {
        Self::all_standard().find(|exchange| &*exchange.spec.name == name)
    }

    /// One without bindings.
    pub fn new(spec: ExchangeSpec) -> Self {
        let index = match spec.kind {
            ExchangeKind::Direct => Index::Direct(HashMap::new()),
            ExchangeKind::Fanout => Index::Fanout,
            ExchangeKind::Topic => Index::Topic(Topics::default()),
            ExchangeKind::Headers => Index::Headers(Vec::new()),
        };
        Self { spec, bindings: Vec::new(), index }
    }

    /// Its bindings.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Adds a binding; says whether it is new.
    pub fn bind(&mut self, binding: Binding) -> Result<bool, Refusal> {
        let matcher = match self.index {
            Index::Headers(_) => Some(Matcher::parse(&binding.arguments)?),
            _ => None,
        };
        if self.bindings.contains(&binding) {
            return Ok(false);
        }
        match &mut self.index {
            Index::Direct(keys) => keys.entry(binding.key.clone()).or_default().push(binding.queue),
            Index::Fanout => {}
            Index::Topic(topics) => topics.insert(&binding.key, binding.queue),
            Index::Headers(matchers) => matchers.extend(matcher.map(|matcher| (matcher, binding.queue))),
        }
        self.bindings.push(binding);
        Ok(true)
    }

    /// Takes a binding away; says whether it was there.
    pub fn unbind(&mut self, binding: &Binding) -> bool {
        let Some(at) = self.bindings.iter().position(|other| other == binding) else { return false };
        let binding = self.bindings.swap_remove(at);
        self.forget(&binding);
        true
    }

    /// Takes away every binding of a queue; returns them.
    pub fn unbind_queue(&mut self, queue: QueueId) -> Vec<Binding> {
        let (gone, kept) =
            std::mem::take(&mut self.bindings).into_iter().partition(|other| other.queue == queue);
        self.bindings = kept;
        let gone: Vec<Binding> = gone;
        gone.iter().for_each(|binding| self.forget(binding));
        gone
    }

    fn forget(&mut self, binding: &Binding) {
        match &mut self.index {
            Index::Direct(keys) => {
                if let Some(queues) = keys.get_mut(&binding.key) {
                    if let Some(at) = queues.iter().position(|queue| *queue == binding.queue) {
                        queues.swap_remove(at);
                    }
                    if queues.is_empty() {
                        keys.remove(&binding.key);
                    }
                }
            }
            Index::Fanout => {}
            Index::Topic(topics) => {
                topics.remove(&binding.key, binding.queue);
                if topics.is_overgrown() {
                    *topics = Topics::default();
                    self.bindings.iter().for_each(|kept| topics.insert(&kept.key, kept.queue));
                }
            }
            Index::Headers(matchers) => {
                if let Ok(matcher) = Matcher::parse(&binding.arguments)
                    && let Some(at) =
                        matchers.iter().position(|other| *other == (matcher.clone(), binding.queue))
                {
                    matchers.swap_remove(at);
                }
            }
        }
    }

    /// Puts the queues that a message goes to into `queues`, each once. `headers` are the message's, and are
    /// asked for only by an exchange that looks at them.
    pub fn route(&self, key: &str, headers: impl FnOnce() -> FieldTable, queues: &mut Vec<QueueId>) {
        match &self.index {
            Index::Direct(keys) => queues.extend(keys.get(key).into_iter().flatten()),
            Index::Fanout => queues.extend(self.bindings.iter().map(|binding| binding.queue)),
            Index::Topic(topics) => topics.route(key, queues),
            Index::Headers(matchers) => {
                let headers = headers();
                let matching = matchers.iter().filter(|(matcher, _)| matcher.matches(&headers));
                queues.extend(matching.map(|(_, queue)| *queue));
            }
        }
        if queues.len() > 1 {
            queues.sort_unstable();
            queues.dedup();
        }
    }
}

#[cfg(test)]
mod tests {
    use amq_protocol::types::AMQPValue;

    use super::*;

    fn exchange(kind: ExchangeKind) -> Exchange {
        Exchange::new(ExchangeSpec {
            name: "shop".into(),
            kind,
            durable: true,
            auto_delete: false,
            internal: false,
            arguments: FieldTable::default(),
        })
    }

    fn binding(queue: u32, key: &str) -> Binding {
        Binding { queue: QueueId(queue), key: key.into(), arguments: FieldTable::default() }
    }

    fn routed(exchange: &Exchange, key: &str) -> Vec<u32> {
        let mut queues = Vec::new();
        exchange.route(key, FieldTable::default, &mut queues);
        queues.into_iter().map(|queue| queue.0).collect()
    }

    #[test]
    fn a_queue_gets_one_copy_however_many_of_its_bindings_match() {
        for kind in [ExchangeKind::Direct, ExchangeKind::Fanout, ExchangeKind::Topic] {
            let mut exchange = exchange(kind);
            for (queue, key) in [(1, "a"), (2, "a"), (1, "b"), (1, "a")] {
                exchange.bind(binding(queue, key)).expect("good");
            }
            exchange.bind(binding(1, "#")).expect("good");
            assert_eq!(routed(&exchange, "a"), [1, 2], "{kind:?}");
            assert!(exchange.unbind(&binding(2, "a")) && !exchange.unbind(&binding(2, "a")));
            assert_eq!(routed(&exchange, "a"), [1], "{kind:?}");
            assert_eq!(exchange.unbind_queue(QueueId(1)).len(), 3);
            assert_eq!(routed(&exchange, "a"), [0u32; 0], "{kind:?}");
        }
    }

    #[test]
    fn a_trie_that_is_overgrown_is_built_anew() {
        let mut exchange = exchange(ExchangeKind::Topic);
        exchange.bind(binding(1, "stays.#")).expect("good");
        for number in 0..1000 {
            exchange.bind(binding(2, &format!("goes.{number}"))).expect("good");
            exchange.unbind(&binding(2, &format!("goes.{number}")));
        }
        let Index::Topic(topics) = &exchange.index else { panic!("a topic exchange") };
        assert!(!topics.is_overgrown());
        assert_eq!(routed(&exchange, "stays.here"), [1]);
    }

    #[test]
    fn headers_choose() {
        let mut exchange = exchange(ExchangeKind::Headers);
        let mut arguments = FieldTable::default();
        arguments.insert("colour".into(), AMQPValue::LongString("red".into()));
        let red = Binding { arguments: arguments.clone(), ..binding(1, "") };
        assert!(exchange.bind(red.clone()).expect("good"));
        let mut queues = Vec::new();
        exchange.route("", || arguments.clone(), &mut queues);
        assert_eq!(queues, [QueueId(1)]);
        assert_eq!(routed(&exchange, ""), [0u32; 0]);
        assert!(exchange.unbind(&red));
        queues.clear();
        exchange.route("", || arguments, &mut queues);
        assert_eq!(queues, []);
    }
}
