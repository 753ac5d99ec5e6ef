//! A TCP proxy that plays a broken network between a client and its server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::engine::lasting_ports;

/// How long the proxy may take to come into another state.
const DEADLINE: Duration = Duration::from_secs(10);

/// Stands between a client and a server, and passes bytes on, holds them, or cuts all connections.
/// It passes to begin with, and ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    orders: mpsc::Sender<(State, oneshot::Sender<()>)>,
    worker: AbortHandle,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Pass,
    Stall,
    Cut,
}

impl Proxy {
    /// A proxy to `server` on a free port of 127.0.0.1.
    pub async fn to(server: SocketAddr) -> Self {
        let [port] = lasting_ports();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = TcpListener::bind(address).await.expect("a port that was free a moment ago");
        let (orders, inbox) = mpsc::channel(1);
        let worker = tokio::spawn(serve(listener, address, server, inbox)).abort_handle();
        Self { address, orders, worker }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on all is passed on, and what a stall held back first of all.
    pub async fn pass(&self) {
        self.turn(State::Pass).await;
    }

    /// From now on nothing gets through, either way, not even the end of a connection: as in a
    /// partition. Connections stay open, and new ones are accepted.
    pub async fn stall(&self) {
        self.turn(State::Stall).await;
    }

    /// Closes all connections, and refuses new ones until [`Self::pass`] or [`Self::stall`].
    pub async fn cut(&self) {
        self.turn(State::Cut).await;
    }

    async fn turn(&self, state: State) {
        let (done, turned) = oneshot::channel();
        let turn = async {
            self.orders.send((state, done)).await.ok()?;
            turned.await.ok()
        };
        let turned = tokio::time::timeout(DEADLINE, turn).await;
        assert!(matches!(turned, Ok(Some(()))), "the proxy to {} does not obey", self.address);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    server: SocketAddr,
    mut orders: mpsc::Receiver<(State, oneshot::Sender<()>)>,
) {
    let mut listener = Some(listener);
    let state = watch::Sender::new(State::Pass);
    // ends with this task: no connection outlives the proxy
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some((next, done)) = order else { return };
                if next == State::Cut {
                    listener = None;
                    connections.shutdown().await;
                } else if listener.is_none() {
                    listener = Some(TcpListener::bind(address).await.expect("the proxy's own port"));
                }
                state.send_replace(next);
                // whoever gave the order may have given up waiting
                let _ = done.send(());
            }
            Ok((client, _)) = accept(listener.as_ref()) => {
                connections.spawn(carry(client, server, state.subscribe()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The next client, or none ever while nothing listens.
async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, state: watch::Receiver<State>) -> io::Result<()> {
    passing(&mut state.clone()).await?;
    let mut server = TcpStream::connect(server).await?;
    // small frames are not to wait for the acknowledgement of earlier ones
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::try_join!(one_way(from_client, to_server, state.clone()), one_way(from_server, to_client, state))?;
    Ok(())
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            passing(&mut state).await?;
            // a stall also holds what a slow reader has not taken yet
            tokio::select! {
                biased;
                _ = state.changed() => {}
                written = to.write(rest) => rest = &rest[written?..],
            }
        }
        if read == 0 {
            passing(&mut state).await?;
            return to.shutdown().await;
        }
    }
}

async fn passing(state: &mut watch::Receiver<State>) -> io::Result<()> {
    let passing = state.wait_for(|state| *state == State::Pass).await;
    passing.map(drop).map_err(|_| io::ErrorKind::BrokenPipe.into())
}
