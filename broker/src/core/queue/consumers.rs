//! The consumers of one queue, and whose turn it is.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::settings::Sharing;
use crate::connection::outbox::Outbox;
use crate::core::ids::{ChannelKey, ConsumerId};

/// Whether a consumer acknowledges what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acks {
    /// It does, and what it does not acknowledge comes again.
    Awaited,
    /// What it is sent is gone (`no-ack`).
    None,
}

/// Whether a consumer puts up with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Company {
    Welcome,
    /// It wants the queue for itself.
    Exclusive,
}

/// A consumer.
#[derive(Debug, Clone)]
pub(crate) struct Consumer {
    pub id: ConsumerId,
    pub channel: ChannelKey,
    pub tag: Arc<str>,
    pub acks: Acks,
    pub company: Company,
    /// How many messages it has at a time; 0 for any number.
    pub prefetch: u16,
    /// How many it has.
    pub held: u32,
    /// Where what it is sent goes.
    pub outbox: Arc<Outbox>,
    /// Of a stream: wakes what reads for it.
    pub feed: Option<Arc<Notify>>,
}

impl Consumer {
    /// Whether it takes another message, as far as it alone is concerned.
    pub fn is_willing(&self) -> bool {
        (self.prefetch == 0 || self.held < u32::from(self.prefetch)) && self.outbox.has_room()
    }

    /// How many messages it takes now.
    pub fn credit(&self) -> usize {
        match (self.is_willing(), self.prefetch) {
            (false, _) => 0,
            (true, 0) => usize::MAX,
            (true, prefetch) => (u32::from(prefetch) - self.held) as usize,
        }
    }
}

/// The consumers of one queue.
#[derive(Debug, Default)]
pub(crate) struct Consumers {
    // the next one to be served is the first
    turns: VecDeque<Consumer>,
}

impl Consumers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether one wants the queue for itself.
    pub fn are_excluded(&self) -> bool {
        self.turns.iter().any(|consumer| consumer.company == Company::Exclusive)
    }

    /// Adds one.
    pub fn add(&mut self, consumer: Consumer) {
        self.turns.push_back(consumer);
    }

    /// Takes one away.
    pub fn remove(&mut self, id: ConsumerId) -> Option<Consumer> {
        let at = self.turns.iter().position(|consumer| consumer.id == id)?;
        self.turns.remove(at)
    }

    /// Takes all away.
    pub fn take_all(&mut self) -> Vec<Consumer> {
        std::mem::take(&mut self.turns).into()
    }

    /// The consumer of that number.
    pub fn get_mut(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.turns.iter_mut().find(|consumer| consumer.id == id)
    }

    /// Every one.
    pub fn iter(&self) -> impl Iterator<Item = &Consumer> {
        self.turns.iter()
    }

    /// The one whose turn it is, of those that are willing and that `allows` lets have one; it has its next
    /// turn after all others.
    pub fn next(&mut self, sharing: Sharing, allows: impl Fn(&Consumer) -> bool) -> Option<&mut Consumer> {
        let willing = |consumer: &Consumer| consumer.is_willing() && allows(consumer);
        if sharing == Sharing::SingleActive {
            return self.turns.front_mut().filter(|consumer| willing(consumer));
        }
        let at = self.turns.iter().position(willing)?;
        let consumer = self.turns.remove(at)?;
        self.turns.push_back(consumer);
        self.turns.back_mut()
    }
}
