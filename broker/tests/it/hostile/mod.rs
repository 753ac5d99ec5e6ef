//! Clients that send what no client should. Whatever one of them does, it harms itself alone: in every test a
//! bystander goes on. What RabbitMQ answers is what the embedded broker answers, as far as RabbitMQ's answer
//! makes sense; where its connection dies of an error of its own, ours says why.
//!
//! - [`bytes`] and [`raw`]: a client that sends whatever it is told to
//! - [`bystander`]: the one who must not notice
//! - [`process`]: an embedded broker as a process of its own, to look at its memory and its last words

mod bystander;
mod bytes;
mod content;
mod crowds;
mod cuts;
mod disk;
mod frames;
mod fuzz;
mod greeting;
mod heartbeats;
mod methods;
mod process;
mod raw;
mod slow;
mod tables;

use bystander::Bystander;
use raw::{No, Raw};

use crate::servers::{Server, servers};

/// Sends these bytes on an open connection with channel 1 to each server: it says no in this way, in words that
/// begin like this, and the bystander lives.
async fn is_refused(no: No, words: &str, bytes: impl AsRef<[u8]>) {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::channel(&server.url).await;
        raw.send(bytes.as_ref()).await;
        let refusal = raw.refusal().await;
        assert_eq!(refusal.no, no, "{}: {}", server.name, refusal.text);
        assert!(refusal.text.starts_with(words), "{}: {}", server.name, refusal.text);
        if let No::Channel(_) = no {
            raw.open_channel(1).await;
        }
        bystander.lives().await;
    }
}

/// The same for what RabbitMQ's own connection dies of, without a word or with 541 INTERNAL_ERROR: the embedded
/// broker says that the client is at fault.
async fn ends_the_connection(bytes: impl AsRef<[u8]>) {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::channel(&server.url).await;
        raw.send(bytes.as_ref()).await;
        let refusal = raw.refusal().await;
        let is_good = match refusal.no {
            No::Connection(501..=505 | 530 | 540) => true,
            No::Connection(541) | No::Silent => !is_embedded(&server),
            No::Connection(_) | No::Channel(_) => false,
        };
        assert!(is_good, "{}: {refusal:?}", server.name);
        bystander.lives().await;
    }
}

/// The same for what no server minds, strange as it is: the channel is served as before.
async fn is_accepted(bytes: impl AsRef<[u8]>) {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::channel(&server.url).await;
        raw.send(bytes.as_ref()).await;
        raw.is_served(1).await;
        bystander.lives().await;
    }
}

/// The same for what a server may refuse or not, as long as nobody else is harmed.
async fn is_survived(bytes: impl AsRef<[u8]>) {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::channel(&server.url).await;
        raw.send(bytes.as_ref()).await;
        raw.hang_up().await;
        bystander.lives().await;
    }
}

fn is_embedded(server: &Server) -> bool {
    server.name == "embedded"
}
