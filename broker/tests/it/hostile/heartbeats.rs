//! Clients that promised to show that they are there.

use std::time::{Duration, Instant};

use super::bytes::{self, HEARTBEAT};
use super::{Bystander, Raw};
use crate::servers::servers;

#[tokio::test]
async fn who_is_silent_for_two_heartbeats_is_closed() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::tuned(&server.url, 2047, 131_072, 1).await;
        let begun = Instant::now();
        let mut heard = 0;
        while let Some(frame) = raw.input.any_frame().await {
            assert_eq!(frame.kind, HEARTBEAT, "{}", server.name);
            heard += 1;
        }
        let lived = begun.elapsed();
        assert!(heard > 0, "{} sends heartbeats", server.name);
        let expected = Duration::from_millis(900)..Duration::from_secs(10);
        assert!(expected.contains(&lived), "{} closed after {lived:?}", server.name);
        bystander.lives().await;
    }
}

#[tokio::test]
async fn who_sends_nothing_but_heartbeats_is_kept() {
    for server in servers().await {
        let mut raw = Raw::tuned(&server.url, 2047, 131_072, 1).await;
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            // theirs is the clock
            let frame = raw.input.any_frame().await.expect("a heartbeat");
            assert_eq!(frame.kind, HEARTBEAT, "{}", server.name);
            raw.send(bytes::heartbeat()).await;
        }
        raw.open_channel(1).await;
    }
}

#[tokio::test]
async fn who_sends_anything_else_needs_no_heartbeats() {
    for server in servers().await {
        let mut raw = Raw::tuned(&server.url, 2047, 131_072, 1).await;
        raw.open_channel(1).await;
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            raw.input.any_frame().await.expect("a heartbeat");
            raw.is_served(1).await;
        }
    }
}

#[tokio::test]
async fn what_a_silent_client_held_comes_again() {
    for server in servers().await {
        let mut publisher = Raw::publisher(&server.url, "held").await;
        publisher.send(bytes::message(1, "held", "again")).await;
        publisher.input.confirmed(1).await;
        let mut silent = Raw::tuned(&server.url, 2047, 131_072, 1).await;
        silent.open_channel(1).await;
        silent.send(bytes::consume(1, "held")).await;
        silent.expect(bytes::CONSUME_OK).await;
        silent.input.delivered(1).await;
        assert_eq!(publisher.ready("held").await, 0, "{}", server.name);
        let mut again = Raw::consumer(&server.url, "held").await;
        again.input.delivered(1).await;
    }
}
