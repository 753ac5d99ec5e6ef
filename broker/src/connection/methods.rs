//! The methods that a client may use on a channel, one after the other.

use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, exchange, queue};

use super::feed::feed;
use super::session::Session;
use crate::core::queue::consumers::{Acks, Company};
use crate::core::{
    BindingRequest, Condition, ConsumeRequest, ExchangeDeclaration, Existence, Extent, Fate, Got, Lifetime,
    QueueDeclaration,
};
use crate::error::{Code, Refusal};
use crate::frame::method::Method;
use crate::storage::scribe::Ticket;

impl Session {
    /// Does what a method asks for. An error ends the channel, or the connection.
    pub(super) async fn method(&mut self, number: u16, method: Method<'_>) -> Result<(), Refusal> {
        let key = self.key(number);
        match method {
            Method::Publish(publish) => self.begin_publish(number, publish),
            Method::Ack { tag, multiple } => {
                self.unsettled = true;
                self.shared.core.lock().acknowledge(key, tag, extent(multiple))
            }
            Method::Nack { tag, multiple, requeue } => {
                self.unsettled = true;
                self.shared.core.lock().refuse(key, tag, extent(multiple), fate(requeue))
            }
            Method::Reject { tag, requeue } => {
                self.unsettled = true;
                self.shared.core.lock().refuse(key, tag, Extent::One, fate(requeue))
            }
            Method::Other(AMQPClass::Basic(method)) => self.basic(number, method).await,
            Method::Other(AMQPClass::Queue(method)) => self.queue(number, method).await,
            Method::Other(AMQPClass::Exchange(method)) => self.exchange(number, method).await,
            Method::Other(AMQPClass::Channel(method)) => self.channel(number, method).await,
            Method::Other(AMQPClass::Confirm(method)) => self.confirm(number, &method),
            Method::Other(AMQPClass::Tx(_)) => {
                Err(Refusal::not_implemented("this broker does no transactions; use publisher confirms"))
            }
            Method::Other(AMQPClass::Access(_)) => {
                Err(Refusal::not_implemented("this broker does no access.request"))
            }
            Method::Other(AMQPClass::Connection(_)) => {
                Err(Refusal::new(Code::CommandInvalid, "unimplemented method"))
            }
        }
    }

    async fn basic(&mut self, number: u16, method: basic::AMQPMethod) -> Result<(), Refusal> {
        let key = self.key(number);
        match method {
            basic::AMQPMethod::Qos(basic::Qos { prefetch_count, global }) => {
                match global {
                    true => self.shared.core.lock().set_shared_prefetch(key, prefetch_count)?,
                    false => self.shared.core.lock().set_prefetch(key, prefetch_count),
                }
                self.answer(number, AMQPClass::Basic(basic::AMQPMethod::QosOk(basic::QosOk {}))).await;
            }
            basic::AMQPMethod::Consume(consume) => self.consume(number, consume)?,
            basic::AMQPMethod::Cancel(basic::Cancel { consumer_tag, nowait }) => {
                self.shared.core.lock().cancel(key, consumer_tag.as_str());
                if !nowait {
                    let ok = basic::CancelOk { consumer_tag };
                    self.answer(number, AMQPClass::Basic(basic::AMQPMethod::CancelOk(ok))).await;
                }
            }
            basic::AMQPMethod::Get(basic::Get { queue, no_ack }) => {
                let queue = self.named(number, queue.as_str())?;
                let got = self.shared.core.lock().get(key, &queue, acks(no_ack))?;
                if got == Got::Nothing {
                    self.say(number, AMQPClass::Basic(basic::AMQPMethod::GetEmpty(basic::GetEmpty {})));
                }
            }
            basic::AMQPMethod::Recover(basic::Recover { requeue }) => {
                self.recover(number, requeue)?;
                self.answer(number, AMQPClass::Basic(basic::AMQPMethod::RecoverOk(basic::RecoverOk {})))
                    .await;
            }
            basic::AMQPMethod::RecoverAsync(basic::RecoverAsync { requeue }) => {
                self.recover(number, requeue)?;
            }
            // the client agrees that its consumer was cancelled
            basic::AMQPMethod::CancelOk(_) => {}
            other => return Err(servers_own(&AMQPClass::Basic(other))),
        }
        Ok(())
    }

    fn consume(&mut self, number: u16, consume: basic::Consume) -> Result<(), Refusal> {
        let key = self.key(number);
        let request = ConsumeRequest {
            queue: self.named(number, consume.queue.as_str())?,
            tag: consume.consumer_tag.as_str().to_owned(),
            acks: acks(consume.no_ack),
            company: if consume.exclusive { Company::Exclusive } else { Company::Welcome },
            arguments: consume.arguments,
        };
        let mut core = self.shared.core.lock();
        let (tag, feeding) = core.consume(key, request)?;
        if !consume.nowait {
            let ok = basic::ConsumeOk { consumer_tag: (&*tag).into() };
            self.say(number, AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(ok)));
        }
        match feeding {
            Some(feeding) => drop(tokio::spawn(feed(self.shared.clone(), feeding))),
            None => core.begin_delivery(key, &tag),
        }
        Ok(())
    }

    fn recover(&self, number: u16, requeue: bool) -> Result<(), Refusal> {
        if !requeue {
            return Err(Refusal::not_implemented("requeue=false"));
        }
        self.shared.core.lock().recover(self.key(number));
        Ok(())
    }

    async fn queue(&mut self, number: u16, method: queue::AMQPMethod) -> Result<(), Refusal> {
        match method {
            queue::AMQPMethod::Declare(declare) => self.declare_queue(number, declare).await?,
            queue::AMQPMethod::Bind(bind) => {
                let request = BindingRequest {
                    exchange: bind.exchange.as_str().to_owned(),
                    queue: self.named(number, bind.queue.as_str())?,
                    key: bind.routing_key.as_str().to_owned(),
                    arguments: bind.arguments,
                };
                let bound = self.shared.core.lock().bind(self.id, request)?;
                self.settle(bound.ticket).await;
                if !bind.nowait {
                    self.say(number, AMQPClass::Queue(queue::AMQPMethod::BindOk(queue::BindOk {})));
                }
            }
            queue::AMQPMethod::Unbind(unbind) => {
                let request = BindingRequest {
                    exchange: unbind.exchange.as_str().to_owned(),
                    queue: self.named(number, unbind.queue.as_str())?,
                    key: unbind.routing_key.as_str().to_owned(),
                    arguments: unbind.arguments,
                };
                let unbound = self.shared.core.lock().unbind(request)?;
                self.settle(unbound.ticket).await;
                self.say(number, AMQPClass::Queue(queue::AMQPMethod::UnbindOk(queue::UnbindOk {})));
            }
            queue::AMQPMethod::Purge(queue::Purge { queue, nowait }) => {
                let queue = self.named(number, queue.as_str())?;
                let purged = self.shared.core.lock().purge(self.id, &queue)?;
                self.settle(purged.ticket).await;
                if !nowait {
                    let ok = queue::PurgeOk { message_count: purged.value };
                    self.say(number, AMQPClass::Queue(queue::AMQPMethod::PurgeOk(ok)));
                }
            }
            queue::AMQPMethod::Delete(queue::Delete { queue, if_unused, if_empty, nowait }) => {
                let queue = self.named(number, queue.as_str())?;
                let condition = Condition { unused: if_unused, empty: if_empty };
                let deleted = self.shared.core.lock().delete_queue_if(self.id, &queue, condition)?;
                self.settle(deleted.ticket).await;
                if !nowait {
                    let ok = queue::DeleteOk { message_count: deleted.value };
                    self.say(number, AMQPClass::Queue(queue::AMQPMethod::DeleteOk(ok)));
                }
            }
            other => return Err(servers_own(&AMQPClass::Queue(other))),
        }
        Ok(())
    }

    async fn declare_queue(&mut self, number: u16, declare: queue::Declare) -> Result<(), Refusal> {
        let wanted = QueueDeclaration {
            name: declare.queue.as_str().to_owned(),
            existence: existence(declare.passive),
            lifetime: lifetime(declare.durable),
            exclusive: declare.exclusive,
            auto_delete: declare.auto_delete,
            arguments: declare.arguments,
        };
        let declared = self.shared.core.lock().declare_queue(self.id, wanted)?;
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.last_queue = Some(declared.value.name.to_string());
        }
        self.settle(declared.ticket).await;
        if !declare.nowait {
            let ok = queue::DeclareOk {
                queue: (&*declared.value.name).into(),
                message_count: declared.value.messages,
                consumer_count: declared.value.consumers,
            };
            self.say(number, AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)));
        }
        Ok(())
    }

    async fn exchange(&mut self, number: u16, method: exchange::AMQPMethod) -> Result<(), Refusal> {
        match method {
            exchange::AMQPMethod::Declare(declare) => {
                let nowait = declare.nowait;
                let wanted = ExchangeDeclaration {
                    name: declare.exchange.as_str().to_owned(),
                    kind: declare.kind.as_str().to_owned(),
                    existence: existence(declare.passive),
                    lifetime: lifetime(declare.durable),
                    auto_delete: declare.auto_delete,
                    internal: declare.internal,
                    arguments: declare.arguments,
                };
                let declared = self.shared.core.lock().declare_exchange(wanted)?;
                self.settle(declared.ticket).await;
                if !nowait {
                    let ok = exchange::AMQPMethod::DeclareOk(exchange::DeclareOk {});
                    self.say(number, AMQPClass::Exchange(ok));
                }
            }
            exchange::AMQPMethod::Delete(exchange::Delete { exchange, if_unused, nowait }) => {
                let condition = Condition { unused: if_unused, empty: false };
                let deleted = self.shared.core.lock().delete_exchange(exchange.as_str(), condition)?;
                self.settle(deleted.ticket).await;
                if !nowait {
                    let ok = exchange::AMQPMethod::DeleteOk(exchange::DeleteOk {});
                    self.say(number, AMQPClass::Exchange(ok));
                }
            }
            exchange::AMQPMethod::Bind(_) | exchange::AMQPMethod::Unbind(_) => {
                return Err(Refusal::not_implemented(
                    "this broker does not bind exchanges to exchanges; RabbitMQ does",
                ));
            }
            other => return Err(servers_own(&AMQPClass::Exchange(other))),
        }
        Ok(())
    }

    async fn channel(&mut self, number: u16, method: channel::AMQPMethod) -> Result<(), Refusal> {
        match method {
            channel::AMQPMethod::Close(_) => {
                let key = self.key(number);
                if let Some(channel) = self.channels.remove(&number) {
                    self.assembling -= channel.publishing.map_or(0, |unfinished| unfinished.size());
                }
                self.shared.core.lock().channel_closed(key);
                self.answer(number, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})))
                    .await;
                Ok(())
            }
            channel::AMQPMethod::Flow(channel::Flow { active: true }) => {
                let ok = channel::FlowOk { active: true };
                self.say(number, AMQPClass::Channel(channel::AMQPMethod::FlowOk(ok)));
                Ok(())
            }
            channel::AMQPMethod::Flow(_) => Err(Refusal::not_implemented("active=false")),
            other => Err(servers_own(&AMQPClass::Channel(other))),
        }
    }

    fn confirm(&mut self, number: u16, method: &confirm::AMQPMethod) -> Result<(), Refusal> {
        let confirm::AMQPMethod::Select(confirm::Select { nowait }) = method else {
            return Err(servers_own(&AMQPClass::Confirm(method.clone())));
        };
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.confirms.get_or_insert(0);
        }
        if !nowait {
            let ok = confirm::AMQPMethod::SelectOk(confirm::SelectOk {});
            self.say(number, AMQPClass::Confirm(ok));
        }
        Ok(())
    }

    /// The name of a queue; an empty one stands for the queue that was declared last on the channel.
    fn named(&self, number: u16, name: &str) -> Result<String, Refusal> {
        if !name.is_empty() {
            return Ok(name.to_owned());
        }
        let last = self.channels.get(&number).and_then(|channel| channel.last_queue.clone());
        last.ok_or_else(|| Refusal::new(Code::NotFound, "no previously declared queue"))
    }

    /// Sends an answer once everything that the client asked for before is in the file: an answer says that
    /// the end of this process would not undo it.
    async fn answer(&mut self, number: u16, answer: AMQPClass) {
        if std::mem::take(&mut self.unsettled) {
            self.settle(self.shared.scribe.given()).await;
        }
        self.say(number, answer);
    }

    /// Waits until something is on disk.
    async fn settle(&self, ticket: Ticket) {
        if self.shared.scribe.reached() < ticket {
            self.shared.scribe.until(ticket).await;
        }
    }
}

fn extent(multiple: bool) -> Extent {
    if multiple { Extent::UpTo } else { Extent::One }
}

fn fate(requeue: bool) -> Fate {
    if requeue { Fate::Requeue } else { Fate::Discard }
}

fn acks(no_ack: bool) -> Acks {
    if no_ack { Acks::None } else { Acks::Awaited }
}

fn existence(passive: bool) -> Existence {
    if passive { Existence::MustBe } else { Existence::MayBeMade }
}

fn lifetime(durable: bool) -> Lifetime {
    if durable { Lifetime::Durable } else { Lifetime::Transient }
}

/// A client used a method that only a server may.
fn servers_own(method: &AMQPClass) -> Refusal {
    let (class, method) = (method.get_amqp_class_id(), method.get_amqp_method_id());
    Refusal::new(Code::CommandInvalid, format_args!("method {class}.{method} is not for clients"))
}
