//! Who called whom: the span that makes a call and the span that answers it, whichever comes first.
//!
//! A span of kind client or producer is one side, a span of kind server or consumer whose parent it is (or, where a
//! consumer has none, to which it links) the other. The side that comes first waits for the other. If nobody comes, a
//! call went to somebody who makes no spans, and is told by what the caller knew of it.

use std::collections::{HashMap, VecDeque};

use super::call;
use super::key::{Node, NodeKind, Wire};
use crate::span::{Kind, Span, Text};

/// Nanoseconds that one side waits for the other: a few times as long as exporters hold spans back.
const PATIENCE: u64 = 20_000_000_000;
/// How many wait at most. The oldest gives up for the newest.
const MOST: usize = 16_384;

/// A span by its trace and its id.
type Id = (u128, u64);

/// Something that went from one to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Passage {
    pub(super) way: Way,
    /// When it ended; nanoseconds since 1970.
    pub(super) end: u64,
    /// Nanoseconds.
    pub(super) duration: u64,
    pub(super) failed: bool,
}

/// From where to where.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// Along an edge of the map.
    Edge { from: Node, to: Node, wire: Wire },
    /// From one service to another, through a broker.
    Message { from: Text, to: Text },
}

/// The sides that wait.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    callers: HashMap<Id, Side>,
    callees: HashMap<Id, Vec<Side>>,
    /// Until when who waits; also some who wait no longer.
    order: VecDeque<(u64, Id, End)>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Caller,
    Callee,
}

/// What must be known of a span when its other side comes.
#[derive(Debug, Clone)]
struct Side {
    service: Text,
    kind: Kind,
    wire: Option<Wire>,
    /// Whom the caller called, or the broker of a message.
    other: Option<Node>,
    end: u64,
    duration: u64,
    failed: bool,
}

impl Pairing {
    /// Takes note of a span, and tells of what passed as far as it is clear by now.
    pub(super) fn observe(&mut self, span: &Span, now: u64, out: &mut Vec<Passage>) {
        self.give_up(now, out);
        match span.kind {
            Kind::Internal => {}
            Kind::Client | Kind::Producer => self.caller(span, now, out),
            Kind::Server | Kind::Consumer => self.callee(span, now, out),
        }
    }

    fn caller(&mut self, span: &Span, now: u64, out: &mut Vec<Passage>) {
        let side = Side::of(span);
        if let Some(store) = call::store(span) {
            out.push(side.passage(store, Wire::Sql));
            return;
        }
        let id = (span.trace_id, span.span_id);
        let waiting = self.callees.remove(&id).unwrap_or_default();
        if side.is_event() {
            if let Some(broker) = side.other.clone() {
                out.push(side.passage(broker, Wire::Events));
            }
            out.extend(waiting.iter().flat_map(|callee| side.meets(callee)));
            // a message may have more consumers than have come by now
            self.wait_as_caller(id, side, now, out);
        } else if let Some(callee) = waiting.first() {
            // who calls counts its call once, whoever else takes part in the answer
            out.extend(side.meets(callee));
        } else {
            self.wait_as_caller(id, side, now, out);
        }
    }

    fn callee(&mut self, span: &Span, now: u64, out: &mut Vec<Passage>) {
        let side = Side::of(span);
        let linked = || span.links.first().map(|link| (link.trace_id, link.span_id));
        let parent = span.parent.map(|parent| (span.trace_id, parent));
        let cause = if span.kind == Kind::Consumer { parent.or_else(linked) } else { parent };
        let Some(cause) = cause else {
            out.extend(side.unmet_callee());
            return;
        };
        match self.callers.get(&cause) {
            Some(caller) => {
                out.extend(caller.meets(&side));
                if !caller.is_event() {
                    self.callers.remove(&cause);
                }
            }
            None => {
                self.callees.entry(cause).or_default().push(side);
                self.wait(cause, End::Callee, now, out);
            }
        }
    }

    fn wait_as_caller(&mut self, id: Id, side: Side, now: u64, out: &mut Vec<Passage>) {
        self.callers.insert(id, side);
        self.wait(id, End::Caller, now, out);
    }

    fn wait(&mut self, id: Id, end: End, now: u64, out: &mut Vec<Passage>) {
        self.order.push_back((now.saturating_add(PATIENCE), id, end));
        if self.order.len() > MOST {
            self.give_up_first(out);
        }
    }

    /// Ends the waiting of those who waited long enough.
    pub(super) fn give_up(&mut self, now: u64, out: &mut Vec<Passage>) {
        while self.order.front().is_some_and(|(until, ..)| *until <= now) {
            self.give_up_first(out);
        }
    }

    fn give_up_first(&mut self, out: &mut Vec<Passage>) {
        match self.order.pop_front() {
            Some((_, id, End::Caller)) => {
                let caller = self.callers.remove(&id);
                out.extend(caller.and_then(|caller| caller.unmet_caller()));
            }
            Some((_, id, End::Callee)) => {
                let callees = self.callees.remove(&id).unwrap_or_default();
                out.extend(callees.iter().filter_map(Side::unmet_callee));
            }
            None => {}
        }
    }
}

impl Side {
    fn of(span: &Span) -> Self {
        let wire = call::wire(span);
        let calls = matches!(span.kind, Kind::Client | Kind::Producer);
        let broker = call::broker(span);
        Self {
            service: span.resource.service.clone(),
            kind: span.kind,
            wire,
            other: if calls && wire != Some(Wire::Events) { call::peer(span).or(broker) } else { broker },
            end: span.end(),
            duration: span.duration,
            failed: span.failed(),
        }
    }

    /// Whether it is a message that nobody waits for.
    fn is_event(&self) -> bool {
        self.wire == Some(Wire::Events)
    }

    fn passage(&self, to: Node, wire: Wire) -> Passage {
        self.along(Way::Edge { from: self.node(), to, wire })
    }

    fn along(&self, way: Way) -> Passage {
        Passage { way, end: self.end, duration: self.duration, failed: self.failed }
    }

    fn node(&self) -> Node {
        Node { kind: NodeKind::Service, name: self.service.clone() }
    }

    /// What passed when both sides are known. A call is as long as the caller waited; of a message the consumer's
    /// part is told.
    fn meets(&self, callee: &Self) -> Vec<Passage> {
        if self.is_event() {
            let Some(delivery) = callee.delivery(self.other.clone()) else {
                // handed over within a process, with no broker between
                let way = Way::Edge { from: self.node(), to: callee.node(), wire: Wire::Events };
                return vec![callee.along(way)];
            };
            let message = Way::Message { from: self.service.clone(), to: callee.service.clone() };
            return vec![delivery, callee.along(message)];
        }
        // That it is HTTP says little: the other side may know more. And both make spans: it stays within the house.
        let said = |wire: &Wire| *wire != Wire::Http;
        let wire = self.wire.filter(said).or(callee.wire.filter(said)).unwrap_or(Wire::Rest);
        vec![self.passage(callee.node(), wire)]
    }

    /// From the broker to the consumer.
    fn delivery(&self, broker: Option<Node>) -> Option<Passage> {
        let from = self.other.clone().or(broker)?;
        Some(self.along(Way::Edge { from, to: self.node(), wire: Wire::Events }))
    }

    fn unmet_callee(&self) -> Option<Passage> {
        if self.kind == Kind::Consumer && self.is_event() { self.delivery(None) } else { None }
    }

    fn unmet_caller(&self) -> Option<Passage> {
        // a message has reached its broker, which was told when it was sent
        if self.is_event() {
            return None;
        }
        let to = self.other.clone()?;
        Some(self.passage(to, self.wire.unwrap_or(Wire::Http)))
    }
}

#[cfg(test)]
mod tests;
