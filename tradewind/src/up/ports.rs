//! The listening sockets that the supervisor owns, and hands to whichever process serves them.
//!
//! A connection that arrives while such a process is being replaced waits in the socket's queue. It is
//! not refused.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::net::{TcpListener, TcpSocket};

use super::holder::{self, Holder};
use crate::exit::Ending;

/// Connections that may wait for a process to be replaced.
const QUEUE: u32 = 1024;
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A port that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// For whom, in words.
    pub role: &'static str,
    /// Which; 0 for any.
    pub port: u16,
    /// The flag that chooses another.
    pub flag: &'static str,
    /// The flag, and its value up to the port, by which the shop uses what somebody else runs there.
    pub instead: Option<&'static str>,
}

/// A socket that listens on loopback.
#[derive(Debug)]
pub(super) struct Socket {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Socket {
    /// Takes the port, or says who has it.
    pub fn bind(wanted: Wanted) -> anyhow::Result<Self> {
        let Wanted { role, port, flag, .. } = wanted;
        listen(port).map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => taken(wanted, holder::of(port)).into(),
            _ => anyhow::Error::from(error)
                .context(format!("cannot listen on port {port} for the {role}: choose another with {flag}")),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One more handle of it, for a child.
    pub fn share(&self) -> std::io::Result<OwnedFd> {
        self.listener.try_clone().map(OwnedFd::from)
    }

    /// One at any free port, for a process that is not known to strangers.
    pub fn anywhere() -> std::io::Result<Self> {
        listen(0)
    }

    async fn turn_away(&self) {
        let listener = match self.listener.try_clone().and_then(TcpListener::from_std) {
            Ok(listener) => listener,
            Err(error) => {
                return tracing::warn!(%error, "nobody is turned away at {}: {error}", self.address);
            }
        };
        loop {
            // a connection that is not kept is closed
            if listener.accept().await.is_err() {
                tokio::time::sleep(ASK_AGAIN).await;
            }
        }
    }
}

/// Closes every connection that arrives, for as long as it is waited for.
pub(super) async fn turn_away(sockets: &[Arc<Socket>]) {
    join_all(sockets.iter().map(|socket| socket.turn_away())).await;
    std::future::pending::<()>().await;
}

fn listen(port: u16) -> std::io::Result<Socket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(QUEUE)?.into_std()?;
    Ok(Socket { address: listener.local_addr()?, listener })
}

fn taken(wanted: Wanted, holder: Holder) -> Ending {
    let Wanted { role, port, flag, instead } = wanted;
    let mut remedy =
        format!("choose another with `{flag} N`, or let the system choose them all with `--ports auto`");
    if let Some(instead) = instead {
        remedy.push_str(&format!("\nto use what runs there, say `{instead}:{port}`"));
    }
    Ending::PortTaken { port, role, holder, remedy }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_holder_and_the_flag_that_helps() {
        let held = listen(0).expect("any port");
        let port = held.address().port();
        let instead = Some("--gateway http://127.0.0.1");
        let wanted = Wanted { role: "gateway", port, flag: "--gateway-port", instead };
        let refused = Socket::bind(wanted).expect_err("taken").to_string();
        let remedy = format!("`--gateway http://127.0.0.1:{port}`");
        for part in ["gateway", "--gateway-port", "--ports auto", &remedy] {
            assert!(refused.contains(part), "{refused:?} does not say {part:?}");
        }
        if cfg!(target_os = "linux") {
            assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        }
    }

    #[tokio::test]
    async fn who_is_turned_away_is_not_left_waiting() {
        let sockets = [Arc::new(listen(0).expect("any port"))];
        let address = sockets[0].address();
        let knock = async {
            let mut connection = TcpStream::connect(address).await?;
            connection.read_u8().await
        };
        let knocked = tokio::select! {
            () = turn_away(&sockets) => unreachable!("it goes on"),
            knocked = tokio::time::timeout(Duration::from_secs(10), knock) => knocked.expect("closed in time"),
        };
        assert!(knocked.is_err(), "the connection is closed");
        // the socket is still there for whoever serves it next
        TcpStream::connect(address).await.expect("it waits in the queue");
    }
}
