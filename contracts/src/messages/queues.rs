//! The one table of exchanges, queues and bindings. Whoever connects first declares all of it, so that
//! nothing that is published early is lost.

use super::Message;
use crate::orders::Coordination;

/// Every event goes here (topic); the routing key is `MODULE.EVENT.COORDINATION`.
pub const EVENTS: &str = "tradewind.events";
/// Every command and every reply goes here (direct); the routing key is the queue's name.
pub const COMMANDS: &str = "tradewind.commands";
/// What nobody could deal with goes here (direct); the routing key is the name of the queue it was in.
pub const DEAD_LETTERS: &str = "tradewind.dead-letters";
/// The stream that keeps every event, to be read again from any point.
pub const EVENT_LOG: &str = "events.log";

/// How often a message is delivered before it is put aside. From attempt to attempt consumers wait longer,
/// 5 s in the end, so that twenty of them bear with a neighbour that is away for half a minute.
pub const DELIVERY_LIMIT: u32 = 20;

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Which exchange.
    pub exchange: String,
    /// Its routing key there.
    pub key: String,
}

impl Address {
    /// Where an event goes.
    pub fn event(module: &str, name: &str, coordination: Coordination) -> Self {
        Self { exchange: EVENTS.to_owned(), key: format!("{module}.{name}.{}", coordination.as_str()) }
    }

    /// Where a command for `module` goes.
    pub fn command(module: &str) -> Self {
        Self { exchange: COMMANDS.to_owned(), key: format!("{module}.commands") }
    }

    /// Where the replies to commands go.
    pub fn reply() -> Self {
        Self { exchange: COMMANDS.to_owned(), key: "orders.replies".to_owned() }
    }
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Where to.
    pub to: Address,
    /// What.
    pub message: Message,
}

/// A queue of one group of consumers: the instances of one module share it.
#[derive(Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// The module that consumes it.
    pub module: &'static str,
    /// The exchange that feeds it.
    pub exchange: &'static str,
    /// By which routing keys (patterns, on the topic exchange).
    pub keys: &'static [&'static str],
}

impl Queue {
    /// The queue for what nobody could deal with.
    pub fn dead_letters(&self) -> String {
        format!("{}.dead-letters", self.name)
    }

    /// Whether a message with this address is put into it.
    pub fn takes(&self, to: &Address) -> bool {
        to.exchange == self.exchange && self.keys.iter().any(|pattern| matches(pattern, &to.key))
    }
}

/// What the choreographed coordination asks of the inventory.
pub const INVENTORY_EVENTS: Queue = Queue {
    name: "inventory.events",
    module: "inventory",
    exchange: EVENTS,
    keys: &[
        "orders.order_placed.choreographed",
        "inventory.stock_commit_refused.choreographed",
        "payments.payment_declined.choreographed",
        "payments.payment_capture_refused.choreographed",
        "shipping.shipment_scheduled.choreographed",
        "shipping.shipment_refused.choreographed",
        "shipping.shipment_cancelled.choreographed",
    ],
};
/// What the choreographed coordination asks of payments.
pub const PAYMENTS_EVENTS: Queue = Queue {
    name: "payments.events",
    module: "payments",
    exchange: EVENTS,
    keys: &[
        "inventory.stock_reserved.choreographed",
        "inventory.stock_committed.choreographed",
        "inventory.stock_commit_refused.choreographed",
        "payments.payment_capture_refused.choreographed",
        "shipping.shipment_refused.choreographed",
        "shipping.shipment_cancelled.choreographed",
    ],
};
/// What the choreographed coordination asks of shipping.
pub const SHIPPING_EVENTS: Queue = Queue {
    name: "shipping.events",
    module: "shipping",
    exchange: EVENTS,
    keys: &[
        "inventory.stock_commit_refused.choreographed",
        "orders.order_cancellation_requested.choreographed",
        "payments.payment_authorized.choreographed",
        "payments.payment_capture_refused.choreographed",
    ],
};
/// What orders fold into the state of choreographed orders.
pub const ORDERS_EVENTS: Queue = Queue {
    name: "orders.events",
    module: "orders",
    exchange: EVENTS,
    keys: &["inventory.*.choreographed", "payments.*.choreographed", "shipping.*.choreographed"],
};
/// What customers are told about, whoever drives their orders.
pub const NOTIFICATIONS_EVENTS: Queue = Queue {
    name: "notifications.events",
    module: "notifications",
    exchange: EVENTS,
    keys: &["orders.*.*", "shipping.shipment_shipped.*", "shipping.shipment_delivered.*"],
};
/// Commands for the inventory.
pub const INVENTORY_COMMANDS: Queue = commands("inventory.commands", "inventory", &["inventory.commands"]);
/// Commands for payments.
pub const PAYMENTS_COMMANDS: Queue = commands("payments.commands", "payments", &["payments.commands"]);
/// Commands for shipping.
pub const SHIPPING_COMMANDS: Queue = commands("shipping.commands", "shipping", &["shipping.commands"]);
/// What orders are answered.
pub const ORDERS_REPLIES: Queue = commands("orders.replies", "orders", &["orders.replies"]);

const fn commands(name: &'static str, module: &'static str, keys: &'static [&'static str]) -> Queue {
    Queue { name, module, exchange: COMMANDS, keys }
}

/// Every queue of a group of consumers. Beside them there is the stream [`EVENT_LOG`], which takes every
/// event and is never emptied by reading.
pub const QUEUES: &[&Queue] = &[
    &INVENTORY_COMMANDS,
    &PAYMENTS_COMMANDS,
    &SHIPPING_COMMANDS,
    &ORDERS_REPLIES,
    &INVENTORY_EVENTS,
    &PAYMENTS_EVENTS,
    &SHIPPING_EVENTS,
    &ORDERS_EVENTS,
    &NOTIFICATIONS_EVENTS,
];

/// Whether a routing key matches a pattern of a topic exchange: `*` is one word, `#` any number.
pub fn matches(pattern: &str, key: &str) -> bool {
    fn words(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), _) => {
                words(rest, key) || key.split_first().is_some_and(|(_, later)| words(pattern, later))
            }
            (Some((&"*", rest)), Some((_, later))) => words(rest, later),
            (Some((word, rest)), Some((other, later))) => word == other && words(rest, later),
            _ => false,
        }
    }
    words(&pattern.split('.').collect::<Vec<_>>(), &key.split('.').collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_patterns() {
        for (pattern, key) in [
            ("#", "a.b.c"),
            ("a.#", "a"),
            ("a.#", "a.b.c"),
            ("#.c", "a.b.c"),
            ("a.*.c", "a.b.c"),
            ("a.b.c", "a.b.c"),
        ] {
            assert!(matches(pattern, key), "{pattern} {key}");
        }
        for (pattern, key) in
            [("a.*", "a"), ("a.*", "a.b.c"), ("a.b", "a.c"), ("*", "a.b"), ("a.#.d", "a.b.c")]
        {
            assert!(!matches(pattern, key), "{pattern} {key}");
        }
    }

    #[test]
    fn each_queue_has_a_name_of_its_own_and_belongs_to_the_module_in_it() {
        let names: std::collections::BTreeSet<_> = QUEUES.iter().map(|queue| queue.name).collect();
        assert_eq!(names.len(), QUEUES.len());
        for queue in QUEUES {
            assert_eq!(queue.name.split('.').next(), Some(queue.module));
        }
    }
}
