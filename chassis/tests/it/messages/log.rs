//! The log of all events: in order, from any point, over interruptions.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chassis::messaging::Bus;
use chassis::messaging::consumer::{LogEntry, LogReader, log_end, read_log};
use testkit::{brokers, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, SOON, command, event};
use super::ground::grounds;

/// A reader that keeps what it read, and fails now and then.
#[derive(Default)]
pub struct Reader {
    read: Mutex<Vec<LogEntry>>,
    calls: Mutex<usize>,
    start: u64,
}

impl Reader {
    pub fn from(start: u64) -> Arc<Self> {
        Arc::new(Self { start, ..Default::default() })
    }

    pub fn entries(&self) -> Vec<LogEntry> {
        self.read.lock().expect("no panic under the lock").clone()
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.entries()
            .iter()
            .map(|entry| entry.message.as_ref().map_or(0, |message| message.sequence))
            .collect()
    }

    pub async fn read_to(&self, number: u64) {
        eventually(&format!("event {number}"), SOON, async || {
            (self.numbers().last() == Some(&number)).then_some(())
        })
        .await;
    }
}

#[async_trait]
impl LogReader for Reader {
    async fn next_offset(&self) -> Result<u64, String> {
        Ok(self.entries().last().map_or(self.start, |entry| entry.offset + 1))
    }

    async fn read(&self, entries: &[LogEntry]) -> Result<(), String> {
        let calls = {
            let mut calls = self.calls.lock().expect("no panic under the lock");
            *calls += 1;
            *calls
        };
        match calls % 8 {
            1 => Err("not now".to_owned()),
            2 => panic!("a bug"),
            _ => {
                self.read.lock().expect("no panic under the lock").extend_from_slice(entries);
                Ok(())
            }
        }
    }
}

fn reading(bus: &Bus, reader: &Arc<Reader>, stop: &CancellationToken) -> JoinHandle<()> {
    tokio::spawn(read_log(bus.clone(), reader.clone(), stop.clone()))
}

#[tokio::test]
async fn every_event_is_read_once_in_order_from_any_offset() {
    for ground in grounds().await {
        assert_eq!(log_end(&ground.bus).await.expect("an end"), None);
        let events: Vec<_> = (1..=600).map(event).collect();
        ground.publish(&events).await;
        // no command is an event
        ground.publish(&[command(1)]).await;
        assert_eq!(log_end(&ground.bus).await.expect("an end"), Some(599));

        let (reader, stop) = (Reader::from(0), ground.stop.child_token());
        let first = reading(&ground.bus, &reader, &stop);
        reader.read_to(600).await;
        assert_eq!(reader.numbers(), (1..=600).collect::<Vec<_>>());
        assert_eq!(reader.entries()[0].message.as_ref(), Ok(&events[0].message));
        stop.cancel();
        tokio::time::timeout(SOON, first).await.expect("it ends").expect("no panic");

        // goes on where it was
        let later: Vec<_> = (601..=700).map(event).collect();
        ground.publish(&later).await;
        assert_eq!(log_end(&ground.bus).await.expect("an end"), Some(699));
        reading(&ground.bus, &reader, &ground.stop);
        reader.read_to(700).await;
        assert_eq!(reader.numbers(), (1..=700).collect::<Vec<_>>());

        // and a new one begins where it likes
        let other = Reader::from(650);
        reading(&ground.bus, &other, &ground.stop);
        other.read_to(700).await;
        assert_eq!(other.numbers(), (651..=700).collect::<Vec<_>>());
        assert_eq!(other.entries()[0].offset, 650);
    }
}

#[tokio::test]
async fn reading_goes_on_without_a_gap_over_another_connection() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let reader = Reader::from(0);
        reading(&bench.broker.clone().into(), &reader, &bench.stop);
        let mut number = 0;
        for _ in 0..3 {
            for _ in 0..20 {
                number += 1;
                bench.broker.publish(&[event(number)]).await.expect("confirmed");
            }
            let reading = bench.broker.link().await.expect("a connection");
            let publishing = bench.broker.publishing_link().await.expect("a connection");
            eventually("the connections to be closed", SOON, async || {
                bench.host.close_connections().await;
                (reading.is_lost() && publishing.is_lost()).then_some(())
            })
            .await;
            bench.connected().await;
        }
        reader.read_to(number).await;
        assert_eq!(reader.numbers(), (1..=number).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_log_that_was_deleted_and_begun_anew_is_read_from_its_beginning() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        bench.broker.publish(&[event(1), event(2), event(3)]).await.expect("confirmed");
        let reader = Reader::from(0);
        reading(&bench.broker.clone().into(), &reader, &bench.stop);
        reader.read_to(3).await;
        bench.host.delete_queue("events.log").await;
        // no queue takes it until the log is there again
        bench.publish_surely(&[event(4)]).await;
        reader.read_to(4).await;
    }
}
