//! What every process counts, as Prometheus would read it.

use std::collections::BTreeMap;

use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::eventually;

use super::{PROGRAM, settled};

/// One series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// Whether it is of that name, and has at least these labels.
    pub fn is(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        let has = |(key, value): &(&str, &str)| self.labels.get(*key).is_some_and(|label| label == value);
        self.name == name && labels.iter().all(has)
    }

    /// `name{key="value"} 1`
    fn parse(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let value = match value {
            "+Inf" => f64::INFINITY,
            value => value.parse().ok()?,
        };
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, parse_labels(labels.strip_suffix('}')?)?),
            None => (series, BTreeMap::new()),
        };
        let proper = |name: &str| {
            let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            first && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_:".contains(letter))
        };
        let named = proper(name) && labels.keys().all(|key| proper(key));
        named.then(|| Self { name: name.to_owned(), labels, value })
    }
}

/// `key="value",key="value"`; a value's quotes, line breaks and backslashes stand behind a backslash.
fn parse_labels(text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    escaped => escaped,
                }),
                (_, letter) => value.push(letter),
            }
        };
        labels.insert(key.to_owned(), value).is_none().then_some(())?;
        rest = after[end + 1..].trim_start_matches(',');
    }
    Some(labels)
}

/// Everything that stands in a page of metrics, each line of which must be one.
#[track_caller]
pub fn parse(text: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| Sample::parse(line).unwrap_or_else(|| panic!("no sample: {line}"))).collect()
}

/// What the first process that hosts `module` has counted.
pub async fn of(shop: &Shop, module: &str) -> Vec<Sample> {
    let address = shop.inside(module).await;
    let answer = shop.http.get(format!("http://{address}/metrics")).send().await.expect("an answer");
    parse(&answer.text().await.expect("a page"))
}

/// What could not be sent, by whoever counts it: spans that no queue had room for, or that no collector took.
pub fn dropped(samples: &[Sample]) -> f64 {
    let lost = samples.iter().filter(|sample| {
        let counts = sample.name.starts_with("otel_sdk_processor_span_processed")
            || sample.name.starts_with("otel_sdk_exporter_span_exported");
        counts && sample.labels.get("error_type").is_some_and(|why| !why.is_empty())
    });
    lost.map(|sample| sample.value).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_counts_and_what_an_order_did_is_counted_where_it_was_done() {
    let shop = Shop::start(PROGRAM, &[]).await;
    settled(&shop, &order_of("KIT-0001", 1, "tok_approve")).await;
    settled(&shop, &order_of("KIT-0001", 1, "tok_decline")).await;
    for process in shop.status().await.processes {
        let (name, address) = (&process.name, process.http_address().expect("an address"));
        let answer = shop.http.get(format!("http://{address}/metrics")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{name}");
        let samples = parse(&answer.text().await.expect("a page"));
        assert!(!samples.is_empty(), "{name} has counted nothing");
        assert!(samples.iter().all(|sample| !sample.value.is_nan()), "{name}: {samples:#?}");
    }
    for (status, route) in [("201", "/api/orders"), ("402", "/api/orders")] {
        counts(
            &shop,
            "gateway",
            "http_server_request_duration_seconds_count",
            &[("http_request_method", "POST"), ("http_route", route), ("http_response_status_code", status)],
        )
        .await;
    }
    for operation in ["catalog.products", "shipping.quote", "inventory.reserve", "payments.authorize"] {
        let labels = [("caller", "orders"), ("operation", operation), ("outcome", "ok")];
        counts(&shop, "orders", "tradewind_call_duration_seconds_count", &labels).await;
    }
    let declined = [("operation", "payments.authorize"), ("outcome", "card_declined")];
    counts(&shop, "orders", "tradewind_call_duration_seconds_count", &declined).await;
    let heard = [("messaging_destination_name", "notifications.events")];
    counts(&shop, "notifications", "messaging_process_duration_seconds_count", &heard).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_tells_what_it_takes_and_what_became_of_its_spans() {
    let shop = Shop::start(PROGRAM, &[]).await;
    settled(&shop, &order_of("KIT-0001", 1, "tok_approve")).await;
    for process in shop.status().await.processes.iter().filter(|process| !process.modules.is_empty()) {
        let (name, address) = (&process.name, process.http_address().expect("an address"));
        let answer = shop.http.get(format!("http://{address}/metrics")).send().await.expect("an answer");
        let samples = parse(&answer.text().await.expect("a page"));
        let dropped = [("error_type", "queue_full")];
        let counted =
            samples.iter().any(|sample| sample.is("otel_sdk_processor_span_processed_total", &dropped));
        assert!(counted, "{name} counts no drops: {samples:#?}");
        for wanted in ["process_cpu_time", "process_memory_usage", "db_client_connection_open"] {
            let found = samples.iter().any(|sample| sample.name.starts_with(wanted));
            let keeps_no_books = process.modules == ["gateway"] && wanted.starts_with("db_");
            assert!(found || keeps_no_books, "{name} has no {wanted}: {samples:#?}");
        }
    }
    shop.stop().await;
}

/// Waits until the host of `module` has counted something there.
async fn counts(shop: &Shop, module: &str, name: &str, labels: &[(&str, &str)]) {
    eventually(&format!("{module} to count {name} {labels:?}"), PATIENCE, async || {
        let samples = of(shop, module).await;
        samples.iter().any(|sample| sample.is(name, labels) && sample.value >= 1.0).then_some(())
    })
    .await;
}

#[test]
fn a_page_of_metrics_is_read_as_it_is_written() {
    let page =
        "# HELP a_total what it is\n# TYPE a_total counter\na_total{x=\"1,2\",y=\"a\\\"b\\\\c\"} 3\nb 1e-3\n";
    let samples = parse(page);
    assert!(samples[0].is("a_total", &[("x", "1,2"), ("y", "a\"b\\c")]), "{samples:?}");
    assert!(samples[1].is("b", &[]) && (samples[1].value - 0.001).abs() < 1e-9, "{samples:?}");
    for bad in ["a{x=1} 2", "a{x=\"1\" 2", "a b", "1a 2", "a{x=\"1\",x=\"2\"} 3"] {
        assert_eq!(Sample::parse(bad), None, "{bad}");
    }
}
