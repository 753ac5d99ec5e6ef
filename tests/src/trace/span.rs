//! A trace, as Jaeger's API tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Attributes by their keys.
pub type Tags = BTreeMap<String, Value>;

/// A trace, as much of it as has arrived; its spans in the order in which they began.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Every span.
    pub spans: Vec<Span>,
}

/// A span.
#[derive(Debug, Clone)]
pub struct Span {
    /// 16 digits.
    pub id: String,
    /// The span that it is a child of, which may be somebody else's.
    pub parent: Option<String>,
    /// The trace and the span of each link.
    pub links: Vec<(String, String)>,
    /// Which module, or whose process, it is of.
    pub service: String,
    /// The operation.
    pub name: String,
    /// What it is to those before and after it.
    pub kind: Kind,
    /// Microseconds since 1970.
    pub start: u64,
    /// Microseconds.
    pub duration: u64,
    /// What is known of it.
    pub tags: Tags,
    /// What happened meanwhile, in order.
    pub events: Vec<Tags>,
    /// What is known of the process that it comes from.
    pub resource: Tags,
}

/// What a span is to those before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Answers a call.
    Server,
    /// Makes one, or has a database do something.
    Client,
    /// Publishes a message.
    Producer,
    /// Deals with one.
    Consumer,
    /// Crosses no boundary.
    Internal,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Server, Self::Client, Self::Producer, Self::Consumer, Self::Internal];

    /// The one of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Internal => "internal",
        }
    }
}

impl Trace {
    /// Reads what stands in `data` of an answer; what is missing where it is no trace.
    pub fn read(json: &Value) -> Result<Self, String> {
        let spans = json["spans"].as_array().ok_or_else(|| format!("no spans: {json}"))?;
        let mut spans: Vec<Span> =
            spans.iter().map(|span| Span::read(span, &json["processes"])).collect::<Result<_, _>>()?;
        spans.sort_by_key(|span| span.start);
        Ok(Self { spans })
    }

    /// The span of that id.
    pub fn span(&self, id: &str) -> Option<&Span> {
        self.spans.iter().find(|span| span.id == id)
    }

    /// The span that this one is a child of, if it is in the trace.
    pub fn parent_of(&self, span: &Span) -> Option<&Span> {
        self.span(span.parent.as_deref()?)
    }

    /// Those that begin the trace, or whose parent is not in it.
    pub fn roots(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(|span| self.parent_of(span).is_none())
    }

    /// The children of the span of that id.
    pub fn children<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| span.parent.as_deref() == Some(id))
    }

    /// Every span of that service and that name.
    pub fn named<'a>(&'a self, service: &'a str, name: &'a str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| span.service == service && span.name == name)
    }

    /// Who has part in it.
    pub fn services(&self) -> BTreeSet<&str> {
        self.spans.iter().map(|span| span.service.as_str()).collect()
    }

    /// The same trace without the spans that `leave_out` names, and without all that is below them.
    pub fn without(&self, leave_out: impl Fn(&Span) -> bool) -> Self {
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        // a child may have begun in the same microsecond as its parent, and stand before it
        loop {
            let before = gone.len();
            gone.extend(
                self.spans
                    .iter()
                    .filter(|span| {
                        leave_out(span) || span.parent.as_deref().is_some_and(|parent| gone.contains(parent))
                    })
                    .map(|span| span.id.as_str())
                    .collect::<Vec<_>>(),
            );
            if gone.len() == before {
                break;
            }
        }
        Self { spans: self.spans.iter().filter(|span| !gone.contains(span.id.as_str())).cloned().collect() }
    }

    /// The spans that `keep` names, each a child of the nearest one above it that is kept.
    pub fn only(&self, keep: impl Fn(&Span) -> bool) -> Self {
        let kept = self.spans.iter().filter(|span| keep(span)).map(|span| {
            let mut above = self.parent_of(span);
            // a trace that runs in a circle has no more steps than spans
            for _ in 0..self.spans.len() {
                above = above.filter(|above| !keep(above)).map_or(above, |above| self.parent_of(above));
            }
            Span { parent: above.map(|above| above.id.clone()), ..span.clone() }
        });
        Self { spans: kept.collect() }
    }
}

impl Span {
    fn read(json: &Value, processes: &Value) -> Result<Self, String> {
        let text = |key: &str| {
            let text = json[key].as_str().ok_or_else(|| format!("no {key} in {json}"))?;
            Ok::<_, String>(text.to_owned())
        };
        let number = |key: &str| json[key].as_u64().ok_or_else(|| format!("no {key} in {json}"));
        let tags = tags(&json["tags"]);
        let kind = tags.get("span.kind").and_then(|kind| Kind::named(kind.as_str()?));
        let process = &processes[text("processID")?];
        let service = process["serviceName"].as_str().ok_or_else(|| format!("no service in {process}"))?;
        let trace = text("traceID")?;
        let (mut parent, mut links) = (None, Vec::new());
        for reference in json["references"].as_array().into_iter().flatten() {
            let [kind, trace_id, span_id] =
                ["refType", "traceID", "spanID"].map(|key| reference[key].as_str());
            let (trace_id, span_id) = (trace_id.unwrap_or_default(), span_id.unwrap_or_default());
            match kind {
                Some("CHILD_OF") if trace_id == trace => parent = Some(span_id.to_owned()),
                _ => links.push((trace_id.to_owned(), span_id.to_owned())),
            }
        }
        Ok(Self {
            id: text("spanID")?,
            parent,
            links,
            service: service.to_owned(),
            name: text("operationName")?,
            kind: kind.unwrap_or(Kind::Internal),
            start: number("startTime")?,
            duration: number("duration")?,
            events: json["logs"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|log| self::tags(&log["fields"]))
                .collect(),
            resource: self::tags(&process["tags"]),
            tags,
        })
    }

    /// The end, in microseconds since 1970.
    pub fn end(&self) -> u64 {
        self.start + self.duration
    }

    /// A tag that is text.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key)?.as_str()
    }

    /// Whether its status is an error.
    pub fn failed(&self) -> bool {
        self.tag("otel.status_code") == Some("ERROR")
    }

    /// Whether it is a statement that a database was given.
    pub fn is_statement(&self) -> bool {
        self.kind == Kind::Client && self.tags.contains_key("db.query.text")
    }

    /// Whether a message went out or came in with it.
    pub fn is_message(&self) -> bool {
        matches!(self.kind, Kind::Producer | Kind::Consumer)
    }
}

fn tags(json: &Value) -> Tags {
    let tags = json.as_array().into_iter().flatten();
    tags.filter_map(|tag| Some((tag["key"].as_str()?.to_owned(), tag["value"].clone()))).collect()
}
