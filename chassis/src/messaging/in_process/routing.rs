//! Where messages go in this process, by the table of queues: pure.

use std::collections::BTreeMap;

use contracts::messages::queues::{EVENTS, QUEUES};
use contracts::messages::{Outgoing, Queue};

use crate::messaging::broker::PublishError;

/// Where a batch goes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Routes<'a> {
    /// What each module hears of it, in the order of the batch.
    pub modules: BTreeMap<&'static str, Vec<(&'static Queue, &'a Outgoing)>>,
    /// What the event log keeps of it.
    pub events: Vec<&'a Outgoing>,
}

impl<'a> Routes<'a> {
    /// Those of `messages`; the names of what goes nowhere, where something does.
    pub fn of(messages: &'a [Outgoing]) -> Result<Self, PublishError> {
        let (mut routes, mut lost) = (Self::default(), Vec::new());
        for outgoing in messages {
            let queues = QUEUES.iter().filter(|queue| queue.takes(&outgoing.to));
            let mut taken = outgoing.to.exchange == EVENTS;
            if taken {
                routes.events.push(outgoing);
            }
            for queue in queues {
                taken = true;
                routes.modules.entry(queue.module).or_default().push((queue, outgoing));
            }
            if !taken {
                lost.push(format!("{} for {}", outgoing.message.id, outgoing.to.key));
            }
        }
        if lost.is_empty() {
            return Ok(routes);
        }
        Err(PublishError::Returned(format!("no queue takes {}", lost.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use contracts::TraceContext;
    use contracts::messages::queues::COMMANDS;
    use contracts::messages::{Address, Message, MessageId};
    use contracts::orders::Coordination;
    use contracts::types::{OrderId, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn outgoing(to: Address) -> Outgoing {
        let message = Message {
            id: MessageId::random(),
            kind: "tradewind.test.v1".to_owned(),
            source: "test".to_owned(),
            subject: OrderId(Uuid::now_v7()),
            sequence: 1,
            coordination: Coordination::Choreographed,
            at: Timestamp::now(),
            trace: TraceContext::root(),
            data: serde_json::Value::Null,
        };
        Outgoing { to, message }
    }

    #[test]
    fn an_event_goes_to_all_who_hear_it_and_into_the_log_and_a_command_to_one() {
        let placed = Address::event("orders", "order_placed", Coordination::Choreographed);
        let heard_by_none = Address::event("catalog", "product_changed", Coordination::Sync);
        let batch = [placed, heard_by_none, Address::command("inventory")].map(outgoing);
        let routes = Routes::of(&batch).expect("all of it goes somewhere");
        let heard: Vec<_> = routes.modules["inventory"].iter().map(|(queue, _)| queue.name).collect();
        assert_eq!(heard, ["inventory.events", "inventory.commands"]);
        assert_eq!(
            routes.modules["notifications"],
            [(&contracts::messages::queues::NOTIFICATIONS_EVENTS, &batch[0])]
        );
        assert_eq!(routes.modules.len(), 2);
        assert_eq!(routes.events, [&batch[0], &batch[1]]);
    }

    #[test]
    fn what_goes_nowhere_is_returned_by_its_id() {
        let nowhere = outgoing(Address { exchange: COMMANDS.to_owned(), key: "nobody.commands".to_owned() });
        let id = nowhere.message.id.to_string();
        let batch = [outgoing(Address::command("inventory")), nowhere];
        let error = Routes::of(&batch).expect_err("one of them is lost");
        assert!(matches!(&error, PublishError::Returned(text) if text.contains(&id)), "{error}");
    }
}
