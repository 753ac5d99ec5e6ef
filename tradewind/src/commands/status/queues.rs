//! The queues of the embedded broker, as `status` tells of them: looked at twice, for what moves.

use std::time::Duration;

use broker::status::{QueueStatus, Status, Totals};
use serde::Serialize;
use tokio::time::Instant;

use crate::client::Shop;
use crate::text;

/// How far apart the two looks are.
const LOOK: Duration = Duration::from_millis(500);
/// What the names of queues for dead letters end with (`contracts::messages::Queue::dead_letters`).
const DEAD_LETTERS: &str = ".dead-letters";
const STREAM: &str = "stream";

/// How the embedded broker is doing.
#[derive(Debug, Serialize)]
pub(super) struct BrokerReport {
    /// Why publishers are blocked at present, if they are.
    alarm: Option<String>,
    /// Open connections.
    connections: usize,
    /// Bytes of messages in memory.
    cached_bytes: u64,
    /// Bytes of memory that it takes to know where all messages are.
    index_bytes: u64,
    /// Bytes of its files.
    disk_bytes: u64,
    /// Messages since it was started.
    totals: Totals,
    /// Every queue.
    queues: Vec<QueueReport>,
}

/// How a queue is doing.
#[derive(Debug, Serialize)]
struct QueueReport {
    #[serde(flatten)]
    status: QueueStatus,
    /// Messages put into it per second.
    in_per_s: f64,
    /// Messages given to consumers per second.
    out_per_s: f64,
}

impl BrokerReport {
    /// That of a running shop; nothing where it uses another broker, or the broker does not answer.
    pub async fn of(shop: &Shop) -> Option<Self> {
        let url = format!("{}/status", shop.addresses().broker_http.as_ref()?);
        let ask = async || shop.read::<Status>(shop.get(&url)).await.ok();
        let before = ask().await?;
        let begun = Instant::now();
        tokio::time::sleep(LOOK).await;
        Some(Self::between(before, ask().await?, begun.elapsed()))
    }

    fn between(before: Status, now: Status, passed: Duration) -> Self {
        let Status { alarm, connections, queues, disk_bytes, cached_bytes, index_bytes, totals } = now;
        let queues = queues.into_iter().map(|status| {
            let then = before.queues.iter().find(|then| then.name == status.name);
            // one that was restarted between the two looks counts from nothing
            let rate = |now: u64, then: Option<u64>| {
                now.saturating_sub(then.unwrap_or(now)) as f64 / passed.as_secs_f64()
            };
            QueueReport {
                in_per_s: rate(status.published, then.map(|then| then.published)),
                out_per_s: rate(status.delivered, then.map(|then| then.delivered)),
                status,
            }
        });
        let (queues, connections) = (queues.collect(), connections.len());
        Self { alarm, connections, cached_bytes, index_bytes, disk_bytes, totals, queues }
    }

    /// For people: the queues that have something to say, and the sums.
    pub fn text(&self) -> String {
        let mut rows = vec![text::row(["queue", "ready", "unacked", "consumers", "in/s", "out/s"])];
        rows.extend(self.queues.iter().filter(|queue| queue.has_something_to_say()).map(QueueReport::row));
        rows.push(self.sums());
        let megabytes = |bytes: u64| text::megabytes(bytes.div_ceil(1024));
        let mut text = text::table(&rows);
        text.push_str(&format!(
            "broker: {}, {} of memory for messages, {} on disk\n",
            text::count(self.connections, "connection"),
            megabytes(self.cached_bytes + self.index_bytes),
            megabytes(self.disk_bytes),
        ));
        if let Some(alarm) = &self.alarm {
            text.push_str(&format!("broker: publishers are blocked: {alarm}\n"));
        }
        text
    }

    /// What streams keep waits for nobody, and is left out.
    fn sums(&self) -> Vec<String> {
        let waiting = || self.queues.iter().filter(|queue| !queue.is_stream()).map(|queue| &queue.status);
        text::row([
            &text::count(self.queues.len(), "queue"),
            &waiting().map(|queue| queue.ready).sum::<u64>().to_string(),
            &waiting().map(|queue| queue.unacknowledged).sum::<u64>().to_string(),
            &self.queues.iter().map(|queue| queue.status.consumers).sum::<usize>().to_string(),
            &per_second(self.queues.iter().map(|queue| queue.in_per_s).sum()),
            &per_second(self.queues.iter().map(|queue| queue.out_per_s).sum()),
        ])
    }
}

impl QueueReport {
    fn is_stream(&self) -> bool {
        self.status.kind == STREAM
    }

    /// Whether messages are in it or move through it, or nobody takes them though somebody should.
    fn has_something_to_say(&self) -> bool {
        let QueueStatus { name, ready, unacknowledged, consumers, .. } = &self.status;
        let deserted = *consumers == 0 && !self.is_stream() && !name.ends_with(DEAD_LETTERS);
        ready + unacknowledged > 0 || self.in_per_s + self.out_per_s > 0.0 || deserted
    }

    fn row(&self) -> Vec<String> {
        let QueueStatus { name, ready, unacknowledged, consumers, .. } = &self.status;
        let ready = if self.is_stream() { format!("{ready} kept") } else { ready.to_string() };
        let (unacked, consumers) = (unacknowledged.to_string(), consumers.to_string());
        let rates = [self.in_per_s, self.out_per_s].map(per_second);
        text::row([name, &ready, &unacked, &consumers, &rates[0], &rates[1]])
    }
}

fn per_second(rate: f64) -> String {
    if rate == 0.0 { "-".to_owned() } else { format!("{rate:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str, kind: &str, ready: u64, consumers: usize, published: u64) -> QueueStatus {
        QueueStatus {
            name: name.into(),
            kind: kind.into(),
            ready,
            unacknowledged: 0,
            consumers,
            published,
            delivered: 0,
            acknowledged: 0,
        }
    }

    fn status(queues: Vec<QueueStatus>) -> Status {
        Status {
            alarm: None,
            connections: Vec::new(),
            queues,
            disk_bytes: 3_000_000,
            cached_bytes: 1_500_000,
            index_bytes: 500_000,
            totals: Totals::default(),
        }
    }

    fn report() -> BrokerReport {
        let queues = |published| {
            vec![
                queue("events.log", "stream", 40, 1, published),
                queue("orders.events", "quorum", 0, 1, 7),
                queue("orders.events.dead-letters", "quorum", 0, 0, 0),
                queue("payments.commands", "quorum", 3, 0, 3),
                queue("payments.events", "quorum", 0, 0, 0),
                queue("payments.events.dead-letters", "quorum", 2, 0, 2),
                queue("shipping.events", "quorum", 0, 1, published),
            ]
        };
        BrokerReport::between(status(queues(10)), status(queues(30)), Duration::from_secs(2))
    }

    #[test]
    fn only_queues_with_something_to_say_are_shown_and_the_sum_is_of_all() {
        let text = report().text();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let shown: Vec<_> = rows.iter().map(|row| row[0]).collect();
        let wanted = [
            "queue",
            "events.log",
            "payments.commands",
            "payments.events",
            "payments.events.dead-letters",
            "shipping.events",
            "7",
            "broker:",
        ];
        assert_eq!(shown, wanted, "{text}");
        assert_eq!(rows[1], ["events.log", "40", "kept", "0", "1", "10", "-"], "{text}");
        assert_eq!(rows[6], ["7", "queues", "5", "0", "3", "20", "-"], "{text}");
        assert!(text.contains("2.0 MB of memory for messages, 3.0 MB on disk"), "{text}");
    }

    #[test]
    fn a_broker_that_blocks_publishers_says_why() {
        let alarm = Some("the disk is full".to_owned());
        let text = BrokerReport { alarm, ..report() }.text();
        assert!(text.contains("publishers are blocked: the disk is full"), "{text}");
    }

    #[test]
    fn one_that_was_restarted_between_two_looks_counts_from_nothing() {
        let before = status(vec![queue("orders.events", "quorum", 0, 1, 70)]);
        let now = status(vec![queue("orders.events", "quorum", 0, 1, 5), queue("new", "classic", 1, 1, 1)]);
        let report = BrokerReport::between(before, now, Duration::from_secs(1));
        assert_eq!(report.queues.iter().map(|queue| queue.in_per_s).collect::<Vec<_>>(), [0.0, 0.0]);
    }

    #[test]
    fn programs_find_queues_with_their_rates() {
        let json = serde_json::to_value(report()).expect("JSON");
        assert_eq!(json["queues"][0]["name"], "events.log");
        assert_eq!(json["queues"][0]["in_per_s"], 10.0);
    }
}
