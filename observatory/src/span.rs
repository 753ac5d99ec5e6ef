//! What is kept of a span: OpenTelemetry's terms, and nothing of any protocol.

use std::mem::size_of;
use std::sync::Arc;

/// A text that many spans share: a name, a key, a service.
pub type Text = Arc<str>;

/// One unit of work of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Not zero.
    pub trace_id: u128,
    /// Not zero.
    pub span_id: u64,
    /// The span that caused it, in this trace; it may never arrive.
    pub parent: Option<u64>,
    /// What was done: `POST /api/orders`.
    pub name: Text,
    /// On which side of which boundary.
    pub kind: Kind,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds.
    pub duration: u64,
    /// How it ended.
    pub status: Status,
    /// What is known about it, each key once.
    pub attributes: Box<[Attribute]>,
    /// What happened on the way, in order of time.
    pub events: Box<[Event]>,
    /// Spans that have to do with it, in this trace or another.
    pub links: Box<[Link]>,
    /// Who did it.
    pub resource: Arc<Resource>,
    /// What was refused of it, in words.
    pub warnings: Box<[Text]>,
}

/// On which side of which boundary a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Within a service, or not told.
    Internal,
    /// Answers a call.
    Server,
    /// Makes a call.
    Client,
    /// Sends a message.
    Producer,
    /// Deals with a message.
    Consumer,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nobody said.
    Unset,
    /// Well, as somebody found worth saying.
    Ok,
    /// It failed; in words, perhaps.
    Error(Option<Text>),
}

/// A fact about something.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Its name: `http.route`.
    pub key: Text,
    /// What it says.
    pub value: Value,
}

/// What an attribute says.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Words.
    Text(Text),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number, also none.
    Double(f64),
    /// A list or a map, as JSON.
    Json(Text),
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What: `exception`.
    pub name: Text,
    /// What is known about it.
    pub attributes: Box<[Attribute]>,
}

/// A span that has to do with another, and is not its parent.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The other's trace.
    pub trace_id: u128,
    /// The other.
    pub span_id: u64,
    /// What is known about it.
    pub attributes: Box<[Attribute]>,
}

/// Who makes spans: one process of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// `service.name`, or `unknown_service` where nobody said.
    pub service: Text,
    /// All else that is known about it.
    pub attributes: Box<[Attribute]>,
}

impl Span {
    /// Whether it says that it failed.
    pub fn failed(&self) -> bool {
        matches!(self.status, Status::Error(_))
    }

    /// When it ended; nanoseconds since 1970.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.duration)
    }

    /// What an attribute says.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|attribute| &*attribute.key == key).map(|attribute| &attribute.value)
    }

    /// About how many bytes it takes. Names and keys are counted as though it alone had them: most spans share them,
    /// but nothing keeps a sender from making up new ones for each. Its resource is not counted: of those there are
    /// only so many.
    pub fn weight(&self) -> usize {
        let event = |event: &Event| size_of::<Event>() + event.name.len() + weight_of(&event.attributes);
        let links = self.links.iter().map(|link| size_of::<Link>() + weight_of(&link.attributes));
        let warnings = self.warnings.iter().map(|warning| size_of::<Text>() + warning.len());
        let status = if let Status::Error(Some(words)) = &self.status { words.len() } else { 0 };
        size_of::<Self>()
            + self.name.len()
            + status
            + weight_of(&self.attributes)
            + self.events.iter().map(event).chain(links).chain(warnings).sum::<usize>()
    }
}

fn weight_of(attributes: &[Attribute]) -> usize {
    attributes.iter().map(|attribute| size_of::<Attribute>() + attribute.weight()).sum()
}

impl Attribute {
    /// About how many bytes its texts take.
    pub(crate) fn weight(&self) -> usize {
        self.key.len() + self.value.weight()
    }
}

impl Value {
    fn weight(&self) -> usize {
        match self {
            // the counters of an `Arc`, too
            Self::Text(text) | Self::Json(text) => text.len() + 16,
            Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
        }
    }
}

/// A number in words, for where there is no number: as protobuf's JSON writes those that JSON has no word for.
pub(crate) fn in_words(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    number.to_string()
}
