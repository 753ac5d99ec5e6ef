//! One connection to the broker: opened, in use, lost. It never comes back; the supervisor makes another.

use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lapin::tcp::AMQPUriTcpExt;
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, Event};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::address::BrokerAddress;
use super::fault::Fault;
use super::{PublishError, topology};

/// How long it may take to connect, and again to declare all queues.
const OPENING: Duration = Duration::from_secs(10);
/// How long the broker may take to open a channel, or to agree to the end of a connection.
const ANSWER: Duration = Duration::from_secs(5);

/// A connection to the broker, as long as it lasts: a handle, cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    connection: Connection,
    socket: Socket,
    lost: CancellationToken,
    // why, once it is lost
    reason: Mutex<Option<String>>,
}

impl Link {
    /// Connects to the broker under a name, and declares all queues there.
    pub(super) async fn open(address: &BrokerAddress, name: &str) -> Result<Self, Fault> {
        let socket = Socket::default();
        let opened = async {
            let connection = connect(address, name, socket.clone()).await?;
            let channel = connection.create_channel().await?;
            topology::declare(&channel).await?;
            Ok(connection)
        };
        let fault = match tokio::time::timeout(OPENING, opened).await {
            Ok(Ok(connection)) => {
                let inner =
                    Inner { connection, socket, lost: CancellationToken::new(), reason: Mutex::new(None) };
                return Ok(Self(Arc::new(inner)));
            }
            Ok(Err(error)) => Fault::of(address, &error),
            Err(_) => Fault::Passing(format!("it did not answer within {OPENING:?}")),
        };
        // ends lapin's thread, which would otherwise wait on a silent peer for ever
        socket.shut();
        Err(fault)
    }

    /// A channel of its own on this connection.
    pub async fn channel(&self) -> Result<Channel, PublishError> {
        self.answered("open a channel", self.0.connection.create_channel()).await
    }

    /// Declares all queues once more, because one was deleted.
    pub(in crate::messaging) async fn declare_again(&self) -> Result<(), PublishError> {
        let channel = self.channel().await?;
        match tokio::time::timeout(OPENING, topology::declare(&channel)).await {
            Ok(declared) => declared.map_err(|error| {
                tracing::warn!(%error, "a queue that is missing cannot be declared again: {error}");
                PublishError::Away(error.to_string())
            }),
            Err(_) if self.is_blocked() => Err(PublishError::Away(BLOCKED.to_owned())),
            Err(_) => Err(self.condemn(&format!("it did not declare our queues within {OPENING:?}"))),
        }
    }

    /// What the broker answers, if it does so in time. A broker that does not is given up.
    pub(in crate::messaging) async fn answered<T>(
        &self,
        what: &str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, PublishError> {
        tokio::select! {
            answer = tokio::time::timeout(ANSWER, answer) => match answer {
                Ok(answer) => answer.map_err(|error| PublishError::Away(format!("{what}: {error}"))),
                Err(_) if self.is_blocked() => Err(PublishError::Away(BLOCKED.to_owned())),
                Err(_) => Err(self.condemn(&format!("it did not {what} within {ANSWER:?}"))),
            },
            () = self.lost() => Err(PublishError::Away(self.why_lost())),
        }
    }

    /// Returns when this connection is lost.
    pub async fn lost(&self) {
        self.0.lost.cancelled().await;
    }

    /// Whether it is lost.
    pub fn is_lost(&self) -> bool {
        self.0.lost.is_cancelled()
    }

    /// Gives this connection up: the broker does not behave as one that is there.
    pub(in crate::messaging) fn condemn(&self, why: &str) -> PublishError {
        self.0.reason.lock().get_or_insert_with(|| why.to_owned());
        self.0.lost.cancel();
        PublishError::Away(why.to_owned())
    }

    pub(in crate::messaging) fn why_lost(&self) -> String {
        self.0.reason.lock().clone().unwrap_or_else(|| "the connection was lost".to_owned())
    }

    /// Whether the broker takes nothing more for now, for want of memory or disk.
    pub(super) fn is_blocked(&self) -> bool {
        self.0.connection.status().blocked()
    }

    /// Whether lapin has it as connected: it knows that before it tells of an error.
    fn is_connected(&self) -> bool {
        self.0.connection.status().connected()
    }

    /// Waits until this connection is lost, and ends what is left of it.
    pub(super) async fn watch(&self) {
        let mut events = Box::pin(self.0.connection.events_listener());
        // a look now and then, should an event be missed
        let mut look = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = self.lost() => break,
                event = events.next() => match event {
                    // lapin says so of a channel too, which the broker ended over a question that it refused:
                    // whoever asked deals with that
                    Some(Event::Error(error)) if self.is_connected() => {
                        tracing::debug!(%error, "the broker ended a channel: {error}");
                    }
                    Some(Event::Error(error)) => drop(self.condemn(&error.to_string())),
                    Some(Event::ConnectionBlocked(why)) => {
                        tracing::warn!(why, "the broker takes no more messages for now: {why}");
                    }
                    Some(Event::ConnectionUnblocked) => tracing::info!("the broker takes messages again"),
                    Some(_) => {}
                    None => drop(self.condemn("the connection ended")),
                },
                _ = look.tick() => {
                    if !self.is_connected() {
                        drop(self.condemn("the connection ended"));
                    }
                }
            }
        }
        self.0.socket.shut();
    }

    /// Ends it in good order.
    pub(super) async fn close(&self) {
        drop(self.condemn("this process has let go of the broker"));
        // what fails here ends with the socket
        let _ = tokio::time::timeout(ANSWER, self.0.connection.close(200, "bye".into())).await;
        self.0.socket.shut();
    }
}

/// What callers hear while the broker is short of memory or disk.
pub(super) const BLOCKED: &str = "it takes no more messages for now: it is short of memory or disk";

async fn connect(address: &BrokerAddress, name: &str, socket: Socket) -> lapin::Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let runtime = lapin::runtime::default_runtime()?;
    Connection::connector(
        address.uri(),
        runtime,
        async move |uri, runtime| {
            let connected = tokio::time::timeout(OPENING, uri.connect_async(&runtime)).await;
            let stream = connected.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
            if let AsyncTcpStream::Plain(tcp) = &stream {
                socket.keep(tcp.get_ref())?;
            }
            Ok(stream)
        },
        properties,
    )
    .await
}

/// The connection's socket, beside lapin's thread: the one way to end that thread when the other side is
/// silent.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Ending>>);

#[derive(Default)]
struct Ending {
    socket: Option<std::net::TcpStream>,
    shut: bool,
}

impl Socket {
    fn keep(&self, socket: &impl AsFd) -> std::io::Result<()> {
        let socket = std::net::TcpStream::from(socket.as_fd().try_clone_to_owned()?);
        let mut ending = self.0.lock();
        if ending.shut {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        ending.socket = Some(socket);
        Ok(())
    }

    fn shut(&self) {
        let mut ending = self.0.lock();
        ending.shut = true;
        if let Some(socket) = ending.socket.take() {
            // one that is closed already needs no end
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
