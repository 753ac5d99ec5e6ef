//! More clients than there is room for.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use lapin::{Connection, ConnectionProperties};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::eventually;
use tokio::net::TcpStream;

use super::{Bystander, Raw};
use crate::servers::embedded_with;

/// For how many connections there is room.
const ROOM: usize = 100;
/// How many come.
const CROWD: usize = 2000;

/// Opens as many sockets as the system allows, up to the crowd.
async fn crowd(url: &str) -> Vec<TcpStream> {
    let limit = getrlimit(Resource::Nofile);
    // more than the usual 1,024 where that can be had: both ends of each are in this process
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let size = CROWD.min(usize::try_from(allowed / 4).unwrap_or(CROWD));
    let dialled = (0..size).map(|_| async { Raw::dial(url).await });
    let sockets = stream::iter(dialled).buffered(50).map(|raw| raw.into_stream());
    sockets.collect().await
}

/// How many of these the broker has closed.
fn closed(crowd: &[TcpStream]) -> usize {
    let is_closed = |socket: &&TcpStream| match socket.try_read(&mut [0; 8]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    crowd.iter().filter(is_closed).count()
}

#[tokio::test]
async fn more_connections_than_there_is_room_for_are_refused() {
    let server = embedded_with(|config| {
        config.limits.connections = ROOM;
        config.limits.handshake_ms = 120_000;
    })
    .await;
    let mut bystander = Bystander::at(&server.url).await;
    let crowd = crowd(&server.url).await;
    eventually("those without room to be refused", Duration::from_secs(30), async || {
        (closed(&crowd) >= crowd.len() - (ROOM - 1)).then_some(())
    })
    .await;
    assert_eq!(closed(&crowd), crowd.len() - (ROOM - 1), "the others are kept");
    bystander.lives().await;
    let refused = Connection::connect(&server.url, ConnectionProperties::default()).await;
    assert!(refused.is_err(), "there is no room");
    bystander.lives().await;

    drop(crowd);
    eventually("room again", Duration::from_secs(30), async || {
        Connection::connect(&server.url, ConnectionProperties::default()).await.ok()
    })
    .await;
    bystander.lives().await;
}

#[tokio::test]
async fn a_crowd_that_says_nothing_makes_room_by_itself() {
    let server = embedded_with(|config| {
        config.limits.connections = ROOM;
        config.limits.handshake_ms = 500;
    })
    .await;
    let mut bystander = Bystander::at(&server.url).await;
    let crowd = crowd(&server.url).await;
    eventually("all to be closed", Duration::from_secs(30), async || {
        (closed(&crowd) == crowd.len()).then_some(())
    })
    .await;
    bystander.lives().await;
    Bystander::at(&server.url).await.lives().await;
}
