//! The proxy that passes, holds and cuts.

use std::net::SocketAddr;
use std::time::Duration;

use testkit::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);
/// Long enough for an echo on one machine, many times over.
const NOTHING: Duration = Duration::from_millis(200);

/// A server that sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn say(stream: &mut TcpStream, word: &[u8]) {
    stream.write_all(word).await.expect("an open connection");
}

async fn hear(stream: &mut TcpStream, word: &[u8]) {
    let mut heard = vec![0; word.len()];
    timeout(DEADLINE, stream.read_exact(&mut heard))
        .await
        .expect("an echo in time")
        .expect("an open connection");
    assert_eq!(heard, word);
}

#[tokio::test]
async fn it_passes_bytes_and_the_end_of_a_connection_both_ways() {
    let proxy = Proxy::to(echo().await).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let much: Vec<u8> = (0..100_000_u32).map(|n| n.to_be_bytes()[3]).collect();
    say(&mut client, &much).await;
    hear(&mut client, &much).await;
    client.shutdown().await.unwrap();
    let end = timeout(DEADLINE, client.read_u8()).await.expect("an end in time");
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_stall_holds_old_and_new_connections_open_and_loses_nothing() {
    let proxy = Proxy::to(echo().await).await;
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut old, b"before").await;
    hear(&mut old, b"before").await;

    proxy.stall().await;
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    for client in [&mut old, &mut new] {
        say(client, b"held").await;
        assert!(timeout(NOTHING, client.read_u8()).await.is_err(), "nothing gets through, nothing closes");
    }

    proxy.pass().await;
    for client in [&mut old, &mut new] {
        hear(client, b"held").await;
    }
}

#[tokio::test]
async fn a_cut_closes_and_refuses_until_it_passes_again() {
    let proxy = Proxy::to(echo().await).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut client, b"before").await;
    hear(&mut client, b"before").await;

    proxy.cut().await;
    assert!(timeout(DEADLINE, client.read_u8()).await.expect("an end in time").is_err());
    assert!(TcpStream::connect(proxy.address()).await.is_err(), "it refuses");

    proxy.pass().await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut client, b"after").await;
    hear(&mut client, b"after").await;
}

#[tokio::test]
async fn a_server_that_is_away_closes_the_clients_connection() {
    let away = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::to(away).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(timeout(DEADLINE, client.read_u8()).await.expect("an end in time").is_err());
}
