//! One line of metadata an operation; everything that needs to know about it takes it from there.

use std::time::Duration;

/// The HTTP method of an operation on the `rest` wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads; parameters in path and query.
    Get,
    /// Creates or acts; the request is the JSON body.
    Post,
    /// Brings about a state, however often it is sent; the request is the JSON body.
    Put,
}

/// What may be done with an operation when nobody knows whether it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing: always safe to repeat.
    Read,
    /// Changes state, but its second execution changes nothing more (keyed by the order's id).
    Idempotent,
    /// Changes state each time, unless the call carries an idempotency key.
    Changing,
}

/// How many messages travel each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One request, one reply.
    Unary,
    /// One request, many replies.
    ServerStream,
    /// Many requests, many replies, at the same time.
    Duplex,
}

/// The facts about one operation of a port.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The port it belongs to, which is also the name of the service: `inventory`.
    pub port: &'static str,
    /// Its name in the port: `reserve`.
    pub name: &'static str,
    /// The method on the `rest` wire.
    pub verb: Verb,
    /// The path on the `rest` wire; `{name}` stands for the request's field of that name.
    pub path: &'static str,
    /// The full method name on the `grpc` wire.
    pub grpc: &'static str,
    /// Whether it may be repeated.
    pub kind: Kind,
    /// How many messages travel.
    pub shape: Shape,
    /// How long a call may take when the caller's own deadline leaves more; for streams, the time
    /// until the first reply.
    pub deadline: Duration,
}

impl Operation {
    const fn new(port: &'static str, name: &'static str, kind: Kind, verb: Verb, path: &'static str) -> Self {
        Self { port, name, verb, path, grpc: "", kind, shape: Shape::Unary, deadline: Duration::from_secs(2) }
    }

    /// An operation that changes nothing, read by `GET` at `path`.
    pub const fn read(port: &'static str, name: &'static str, path: &'static str) -> Self {
        Self::new(port, name, Kind::Read, Verb::Get, path)
    }

    /// An operation whose repetition changes nothing more, sent by `PUT` to `path`.
    pub const fn idempotent(port: &'static str, name: &'static str, path: &'static str) -> Self {
        Self::new(port, name, Kind::Idempotent, Verb::Put, path)
    }

    /// An operation that needs an idempotency key to be repeated safely, sent by `POST` to `path`.
    pub const fn changing(port: &'static str, name: &'static str, path: &'static str) -> Self {
        Self::new(port, name, Kind::Changing, Verb::Post, path)
    }

    /// The full gRPC method name.
    pub const fn grpc(mut self, method: &'static str) -> Self {
        self.grpc = method;
        self
    }

    /// Another default deadline than two seconds.
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sent by another method than its kind suggests.
    pub const fn by(mut self, verb: Verb) -> Self {
        self.verb = verb;
        self
    }

    /// Another shape than one request, one reply.
    pub const fn shaped(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.port, self.name)
    }
}
