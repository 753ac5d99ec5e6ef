//! Puts into a span what happens inside it without saying so: statements to a database, each as a span of its own,
//! and log lines, as events. A line that names an order says which order the span is about.
//!
//! sqlx tells of each statement by a log line at `debug`. It is made only where somebody wants it, so a statement
//! outside of a recorded span costs a look and no more.

use std::fmt::{Debug, Write as _};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry::{KeyValue, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::span::{Recorded, TARGET};

/// The target of sqlx's log lines about statements.
const STATEMENTS: &str = "sqlx::query";

static DATABASE: OnceLock<&'static str> = OnceLock::new();

/// The engine that all statements of this process go to, in OpenTelemetry's terms.
pub fn database(system: &'static str) {
    DATABASE.get_or_init(|| system);
}

/// The layer.
pub(in crate::telemetry) struct Tap;

/// What the layer wants to see: our spans, and what happens in those that are recorded.
pub(in crate::telemetry) struct InRecordedSpans;

fn wanted(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() {
        metadata.target() == TARGET
    } else {
        metadata.target() == STATEMENTS || *metadata.level() <= Level::INFO
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for InRecordedSpans {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        wanted(metadata) && (metadata.is_span() || recorded(context).is_some())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match wanted(metadata) {
            false => Interest::never(),
            true if metadata.is_span() => Interest::always(),
            true => Interest::sometimes(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }
}

/// The innermost span of ours, where it is recorded.
fn recorded<S: Subscriber + for<'a> LookupSpan<'a>>(context: &Context<'_, S>) -> Option<Recorded> {
    let current = context.lookup_current()?;
    let ours = current.scope().find(|span| span.metadata().target() == TARGET)?;
    let extensions = ours.extensions();
    extensions.get::<Recorded>().cloned()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Tap {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(recorded) = recorded(&context) else { return };
        if event.metadata().target() == STATEMENTS {
            let mut statement = Statement::default();
            event.record(&mut statement);
            statement.happened_in(&recorded);
        } else {
            let mut line = Line::of(event.metadata());
            event.record(&mut line);
            if let Some(order) = line.order() {
                recorded.about(order);
            }
            recorded.context.span().add_event(line.message, line.fields);
        }
    }
}

/// A statement, as sqlx tells of it.
#[derive(Default)]
struct Statement {
    /// All of it, where it is short, and how it begins otherwise.
    summary: String,
    /// All of it, where it is longer than the summary.
    text: String,
    rows: u64,
    seconds: f64,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => self.text = value.split_whitespace().collect::<Vec<_>>().join(" "),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = value;
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Statement {
    /// Makes it a span: it is over, and began as long ago as it took.
    fn happened_in(self, recorded: &Recorded) {
        let text = if self.text.is_empty() { self.summary } else { self.text };
        let (operation, collection) = shape(&text);
        let name = match collection {
            Some(collection) => format!("{operation} {collection}"),
            None => operation.to_owned(),
        };
        let mut attributes = vec![
            KeyValue::new("db.operation.name", operation.to_owned()),
            KeyValue::new("db.response.returned_rows", i64::try_from(self.rows).unwrap_or(i64::MAX)),
        ];
        if let Some(collection) = collection {
            attributes.push(KeyValue::new("db.collection.name", collection.to_owned()));
        }
        if let Some(system) = DATABASE.get() {
            attributes.push(KeyValue::new("db.system.name", *system));
        }
        // values are bound, and so are not in it
        attributes.push(KeyValue::new("db.query.text", text));
        let (now, took) = (SystemTime::now(), Duration::try_from_secs_f64(self.seconds).unwrap_or_default());
        let builder = recorded
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_start_time(now.checked_sub(took).unwrap_or(now))
            .with_attributes(attributes);
        recorded.tracer.build_with_context(builder, &recorded.context).end_with_timestamp(now);
    }
}

/// What a statement does, and to which table foremost.
fn shape(statement: &str) -> (&str, Option<&str>) {
    let mut words = statement.split_whitespace();
    let operation = words.next().unwrap_or("statement");
    let before_the_table: &[&str] = match operation.to_ascii_uppercase().as_str() {
        "SELECT" | "DELETE" => &["FROM"],
        "INSERT" => &["INTO"],
        "UPDATE" => &["UPDATE"],
        // a statement that names what it selects first: the table is where that comes from
        "WITH" => &["FROM", "INTO", "UPDATE"],
        _ => return (operation, None),
    };
    let is_next = |word: &str| before_the_table.iter().any(|before| word.eq_ignore_ascii_case(before));
    let table =
        if is_next(operation) { words.next() } else { words.skip_while(|word| !is_next(word)).nth(1) };
    let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    let table = table.map(|table| table.trim_start_matches(|c| !is_of_a_name(c)));
    let table = table.and_then(|table| table.split(|c| !is_of_a_name(c)).next());
    (operation, table.filter(|table| !table.is_empty()))
}

/// A log line, as an event of a span.
struct Line {
    message: String,
    fields: Vec<KeyValue>,
}

impl Line {
    fn of(metadata: &Metadata<'_>) -> Self {
        let fields = vec![
            KeyValue::new("level", metadata.level().as_str()),
            KeyValue::new("target", metadata.target().to_owned()),
        ];
        Self { message: String::new(), fields }
    }
}

impl Line {
    /// The order that it is about, where it names one.
    fn order(&self) -> Option<&Value> {
        self.fields.iter().find(|field| field.key.as_str() == "order_id").map(|field| &field.value)
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push(KeyValue::new(field.name(), value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.push(KeyValue::new(field.name(), value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.push(KeyValue::new(field.name(), value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.fields.push(KeyValue::new(field.name(), value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // a text takes what is written
            let _ = write!(self.message, "{value:?}");
        } else {
            self.fields.push(KeyValue::new(field.name(), format!("{value:?}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_does_and_to_which_table() {
        for (statement, operation, table) in [
            ("SELECT id, name FROM orders_orders WHERE id = $1", "SELECT", Some("orders_orders")),
            ("SELECT 1", "SELECT", None),
            ("INSERT INTO inventory_stock(sku, n) VALUES ($1, $2)", "INSERT", Some("inventory_stock")),
            ("update orders_orders SET x = 1", "update", Some("orders_orders")),
            ("DELETE FROM \"payments_keys\" WHERE x", "DELETE", Some("payments_keys")),
            ("WITH due AS (SELECT * FROM a) SELECT * FROM due", "WITH", Some("a")),
            ("BEGIN IMMEDIATE", "BEGIN", None),
            ("", "statement", None),
        ] {
            assert_eq!(shape(statement), (operation, table), "{statement}");
        }
    }
}
