//! Spans for tests, and questions to a router.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::Value as Json;
use tower::ServiceExt;

use crate::clock::{ManualClock, nanos};
use crate::limits::Limits;
use crate::metric::{Instrument, Measure, Point, Series};
use crate::span::{Attribute, Event, Kind, Link, Resource, Span, Status, Text, Value};
use crate::store::{Store, routes};

/// A moment at which a step begins: nanoseconds since 1970.
pub(crate) const NOW: u64 = 1_700_000_000_000_000_000;
/// Nanoseconds of a millisecond.
pub(crate) const MS: u64 = 1_000_000;
/// Nanoseconds of a second.
pub(crate) const S: u64 = 1000 * MS;

impl Span {
    /// An internal span of ten milliseconds that begins at [`NOW`].
    pub(crate) fn sample(trace_id: u128, span_id: u64, service: &str, name: &str) -> Self {
        Self {
            trace_id,
            span_id,
            parent: None,
            name: name.into(),
            kind: Kind::Internal,
            start: NOW,
            duration: 10 * MS,
            status: Status::Unset,
            attributes: Box::default(),
            events: Box::default(),
            links: Box::default(),
            resource: Arc::new(Resource { service: service.into(), attributes: Box::default() }),
            warnings: Box::default(),
        }
    }

    pub(crate) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn child_of(self, parent: u64) -> Self {
        Self { parent: Some(parent), ..self }
    }

    pub(crate) fn at(self, start: u64) -> Self {
        Self { start, ..self }
    }

    pub(crate) fn lasting(self, duration: u64) -> Self {
        Self { duration, ..self }
    }

    pub(crate) fn with_status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        let more = Attribute { key: key.into(), value };
        self.attributes = self.attributes.into_iter().chain([more]).collect();
        self
    }

    pub(crate) fn says(self, key: &str, text: &str) -> Self {
        self.with(key, Value::Text(text.into()))
    }

    pub(crate) fn of_process(self, attributes: &[(&str, &str)]) -> Self {
        let attribute = |(key, text): &(&str, &str)| Attribute { key: (*key).into(), value: words(text) };
        let attributes = attributes.iter().map(attribute).collect();
        let resource = Arc::new(Resource { service: self.resource.service.clone(), attributes });
        Self { resource, ..self }
    }

    pub(crate) fn with_event(mut self, time: u64, name: &str, key: &str, text: &str) -> Self {
        let attributes = Box::new([Attribute { key: key.into(), value: words(text) }]);
        let more = Event { time, name: name.into(), attributes };
        self.events = self.events.into_iter().chain([more]).collect();
        self
    }

    pub(crate) fn linked_to(mut self, trace_id: u128, span_id: u64) -> Self {
        let more = Link { trace_id, span_id, attributes: Box::default() };
        self.links = self.links.into_iter().chain([more]).collect();
        self
    }

    pub(crate) fn warned(mut self, warning: &str) -> Self {
        self.warnings = Box::new([Text::from(warning)]);
        self
    }
}

/// What will be a point of a metric once it is said when it was measured.
pub(crate) struct Measured {
    series: Series,
    measure: Measure,
}

impl Measured {
    pub(crate) fn gauge(service: &str, name: &str, value: f64) -> Self {
        Self::number(service, name, Instrument::Gauge, value)
    }

    pub(crate) fn number(service: &str, name: &str, instrument: Instrument, value: f64) -> Self {
        let resource = Arc::new(Resource { service: service.into(), attributes: Box::default() });
        let (name, unit, attributes) = (name.into(), "".into(), Box::default());
        let series = Series { name, unit, instrument, attributes, resource };
        Self { series, measure: Measure::Number(value) }
    }

    pub(crate) fn in_unit(mut self, unit: &str) -> Self {
        self.series.unit = unit.into();
        self
    }

    pub(crate) fn labelled(mut self, key: &str, text: &str) -> Self {
        self.series.attributes = Box::new([Attribute { key: key.into(), value: words(text) }]);
        self
    }

    pub(crate) fn by(mut self, instance: &str) -> Self {
        let service = self.series.resource.service.clone();
        let attributes = Box::new([Attribute { key: "service.instance.id".into(), value: words(instance) }]);
        self.series.resource = Arc::new(Resource { service, attributes });
        self
    }

    pub(crate) fn at(self, time: u64) -> Point {
        Point { series: Arc::new(self.series), time, since: None, measure: self.measure }
    }
}

/// A text as a value.
pub(crate) fn words(text: &str) -> Value {
    Value::Text(text.into())
}

/// A failure.
pub(crate) fn error(text: &str) -> Status {
    Status::Error(Some(text.into()))
}

/// A store with its routes, and a clock that stands at [`NOW`].
pub(crate) struct Asked {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: ManualClock,
    router: Router,
}

impl Asked {
    pub(crate) fn new(limits: Limits) -> Self {
        let clock = ManualClock::at(NOW);
        let store = Arc::new(Store::new(limits, clock.clone()));
        Self { router: routes(store.clone()), store, clock }
    }

    pub(crate) fn with(spans: Vec<Span>) -> Self {
        let asked = Self::new(Limits::default());
        asked.store.insert(spans);
        asked
    }

    async fn ask(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Asks, and expects JSON whatever the answer is.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Json) {
        let (status, body) = self.ask(path).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}")))
    }

    /// Asks for a text that is there.
    pub(crate) async fn text(&self, path: &str) -> String {
        let (status, body) = self.ask(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Asks for something that is there.
    pub(crate) async fn ok(&self, path: &str) -> Json {
        let (status, json) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {json}");
        json
    }
}

/// The time some seconds after [`NOW`].
pub(crate) fn later(seconds: u64) -> u64 {
    NOW + nanos(Duration::from_secs(seconds))
}
