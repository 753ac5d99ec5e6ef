//! What a listener sees, and when.

use contracts::messages::MessageId;
use contracts::notifications::{Notification, Notifications as _, StreamNotifications};
use contracts::types::CustomerId;
use contracts::{Code, PortResult, Streaming};
use futures::StreamExt as _;
use notifications::config::StreamConfig;
use tokio::time::timeout;

use crate::{HARDLY_EVER, PATIENCE, Replica, benches, customer};

type Feed = Streaming<PortResult<Notification>>;

async fn next(feed: &mut Feed) -> Option<PortResult<Notification>> {
    timeout(PATIENCE, feed.next()).await.expect("something within the deadline")
}

async fn id(feed: &mut Feed) -> MessageId {
    next(feed).await.expect("not the end").expect("no problem").id
}

impl Replica {
    async fn follow(&self, customer_id: &CustomerId, after: Option<MessageId>) -> Feed {
        let request = StreamNotifications { customer_id: customer_id.clone(), after };
        self.service.stream(&self.ctx, request).await.expect("a stream")
    }
}

#[tokio::test]
async fn past_ones_come_at_once_and_later_ones_as_they_are_written() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let (ada, bob) = (customer("ada"), customer("bob"));
        let (first, second) = (replica.confirmed(&ada).await.id, replica.confirmed(&ada).await.id);
        let mut all = replica.follow(&ada, None).await;
        let mut rest = replica.follow(&ada, Some(first)).await;
        assert_eq!((id(&mut all).await, id(&mut all).await, id(&mut rest).await), (first, second, second));

        let (a, b, written) = tokio::join!(id(&mut all), id(&mut rest), async {
            replica.confirmed(&bob).await;
            replica.confirmed(&ada).await.id
        });
        assert_eq!((a, b), (written, written));
    }
}

#[tokio::test]
async fn those_of_another_replica_are_seen_in_the_database() {
    for bench in benches().await {
        let here = bench.replica(StreamConfig { poll_ms: 10 }).await;
        let there = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        let mut feed = here.follow(&ada, None).await;
        for _ in 0..3 {
            let written = there.confirmed(&ada).await.id;
            assert_eq!(id(&mut feed).await, written);
        }
    }
}

#[tokio::test]
async fn a_listener_that_falls_behind_misses_none() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        let mut feed = replica.follow(&ada, None).await;
        let first = replica.confirmed(&ada).await.id;
        assert_eq!(id(&mut feed).await, first);
        let second = replica.confirmed(&ada).await.id;
        // pushes its own ring out of the bounded backlog
        (0..1000).for_each(|_| replica.bell.ring(&customer("bob")));
        assert_eq!(id(&mut feed).await, second);
    }
}

#[tokio::test]
async fn more_than_a_page_comes_in_order_while_more_are_written() {
    for bench in benches().await {
        let (one, two) =
            (bench.replica(HARDLY_EVER).await, bench.replica(StreamConfig { poll_ms: 10 }).await);
        let ada = customer("ada");
        let mut expected = Vec::new();
        for _ in 0..110 {
            expected.push(one.confirmed(&ada).await.id);
        }
        let feed = two.follow(&ada, None).await;
        let reading = feed.take(120).map(|item| item.expect("no problem").id).collect::<Vec<_>>();
        let writing = async {
            let mut written = Vec::new();
            for _ in 0..10 {
                written.push(one.confirmed(&ada).await.id);
            }
            written
        };
        let (seen, written) = tokio::join!(timeout(PATIENCE, reading), writing);
        expected.extend(written);
        assert_eq!(seen.expect("within the deadline"), expected);
    }
}

#[tokio::test]
async fn a_stopping_instance_says_so_to_its_listeners() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let mut feed = replica.follow(&customer("ada"), None).await;
        replica.ending.cancel();
        let problem = next(&mut feed).await.expect("not the end").expect_err("a problem");
        assert_eq!(problem.code(), Some(Code::Unavailable));
        assert_eq!(next(&mut feed).await, None);
    }
}
