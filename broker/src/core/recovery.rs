//! What was there before a restart is there again: declarations, and messages in their order.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::ids::QueueId;
use super::queue::settings::{QueueKind, Settings};
use super::queue::slots::{Mark, Slot};
use super::queue::{Queue, QueueSpec};
use super::records::{self, Change, Record, Snapshot};
use super::routing::{Binding, Exchange, ExchangeSpec};
use super::store::Store;
use super::{Core, now};
use crate::config::Limits;
use crate::error::OpenError;
use crate::message::Message;
use crate::status::Totals;
use crate::storage::log::Place;

/// What the log has said so far.
#[derive(Default)]
struct Recovered {
    queues: HashMap<QueueId, Queue>,
    exchanges: BTreeMap<Arc<str>, Exchange>,
    next_queue: u32,
}

impl Core {
    /// Opens the folder: with what was kept there, or empty.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, OpenError> {
        let mut recovered = Recovered::default();
        let store = Store::open(folder, limits.segment_bytes, |place, record| {
            recovered.take_in(place, records::read(Bytes::copy_from_slice(record))?)
        })?;
        let Recovered { queues, exchanges, next_queue } = recovered;
        let mut core = Self {
            limits,
            exchanges,
            names: queues.values().map(|queue| (queue.spec.name.clone(), queue.spec.id)).collect(),
            queues,
            connections: HashMap::new(),
            channels: HashMap::new(),
            store,
            timers: super::Timers::default(),
            dirty: VecDeque::new(),
            overfull: VecDeque::new(),
            turned_away: VecDeque::new(),
            totals: Totals::default(),
            next_queue,
            next_consumer: 0,
            housekeeping: Arc::new(Notify::new()),
        };
        core.make_ready(folder)?;
        Ok(core)
    }

    fn make_ready(&mut self, folder: &Path) -> Result<(), OpenError> {
        self.declare_standard_exchanges();
        let ids: Vec<QueueId> = self.queues.keys().copied().collect();
        for id in ids {
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            for (_, slot) in queue.messages.iter() {
                slot.place().into_iter().for_each(|place| self.store.hold(place));
            }
            if queue.settings.kind == QueueKind::Stream {
                queue.stream = Some(self.store.stream(id, queue.settings.segment_bytes)?);
            }
            self.set_timer(id);
        }
        let dropped = self.store.drop_streams_but(|id| self.queues.contains_key(&id));
        dropped.map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        // before anything goes that may say the same: the last segment may have ended before its own
        let snapshot = self.snapshot();
        self.store.first_snapshot(&snapshot);
        self.store.remove_dead();
        Ok(())
    }
}

impl Recovered {
    fn take_in(&mut self, place: Place, record: Record) -> Result<(), String> {
        match record {
            Record::Message(entries, message) => {
                let message = Message::decode(message).ok_or("its message makes no sense")?;
                entries.into_iter().for_each(|entry| self.restore(entry, place, message.body.len()));
            }
            // it was to be remembered by the process that wrote it
            Record::Spilled(..) => {}
            Record::Gone(queue, numbers) => {
                if let Some(queue) = self.queues.get_mut(&queue) {
                    numbers.into_iter().for_each(|number| drop(queue.messages.remove(number)));
                }
            }
            Record::Returned(queue, number, returns) => {
                let queue = self.queues.get_mut(&queue);
                if let Some(slot) = queue.and_then(|queue| queue.messages.get_mut(number)) {
                    slot.returns = returns;
                }
            }
            Record::Change(change) => self.change(change)?,
            Record::Snapshot(snapshot) => self.snapshot(snapshot)?,
        }
        Ok(())
    }

    fn restore(&mut self, entry: records::Entry, place: Place, body: usize) {
        let Some(queue) = self.queues.get_mut(&entry.queue) else { return };
        let mut slot = Slot::new(body);
        slot.put(place);
        slot.expires = entry.expires;
        slot.returns = entry.returns;
        slot.set(Mark::Durable);
        slot.set(Mark::Written);
        // nobody knows any more whether it was delivered
        slot.set(Mark::Redelivered);
        queue.messages.restore(entry.number, slot);
    }

    fn change(&mut self, change: Change) -> Result<(), String> {
        match change {
            Change::QueueDeclared(spec) => self.declare(spec, 0)?,
            Change::QueueDeleted(id) => self.delete(id),
            Change::ExchangeDeclared(spec) => self.declare_exchange(spec),
            Change::ExchangeDeleted(name) => drop(self.exchanges.remove(name.as_str())),
            Change::Bound(exchange, binding) => self.bind(&exchange, binding)?,
            Change::Unbound(exchange, binding) => {
                if let Some(exchange) = self.exchanges.get_mut(exchange.as_str()) {
                    exchange.unbind(&binding);
                }
            }
        }
        Ok(())
    }

    /// The first one says what was declared before the oldest segment; the others say what is known.
    fn snapshot(&mut self, snapshot: Snapshot) -> Result<(), String> {
        self.next_queue = self.next_queue.max(snapshot.next_queue);
        for (spec, next) in snapshot.queues {
            self.declare(spec, next)?;
        }
        snapshot.exchanges.into_iter().for_each(|spec| self.declare_exchange(spec));
        snapshot.bindings.into_iter().try_for_each(|(exchange, binding)| self.bind(&exchange, binding))
    }

    fn declare(&mut self, spec: QueueSpec, next: u64) -> Result<(), String> {
        self.next_queue = self.next_queue.max(spec.id.0 + 1);
        let queue = match self.queues.entry(spec.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let settings =
                    Settings::parse(&spec.name, &spec.arguments).map_err(|refusal| refusal.text)?;
                new.insert(Queue::new(spec, settings, None, now()))
            }
        };
        queue.messages.skip_to(next);
        Ok(())
    }

    fn delete(&mut self, id: QueueId) {
        self.queues.remove(&id);
        for exchange in self.exchanges.values_mut() {
            exchange.unbind_queue(id);
        }
    }

    fn declare_exchange(&mut self, spec: ExchangeSpec) {
        self.exchanges.entry(spec.name.clone()).or_insert_with(|| Exchange::new(spec));
    }

    fn bind(&mut self, name: &str, binding: Binding) -> Result<(), String> {
        // the standard exchanges are in no record
        let standard = || Exchange::standard(name).ok_or_else(|| format!("there is no exchange {name}"));
        if !self.exchanges.contains_key(name) {
            self.exchanges.insert(name.into(), standard()?);
        }
        if let Some(exchange) = self.exchanges.get_mut(name) {
            exchange.bind(binding).map_err(|refusal| refusal.text)?;
        }
        Ok(())
    }
}
