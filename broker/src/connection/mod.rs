//! One client: from its first bytes to its last.
//!
//! - [`handshake`]: who it is, and what was agreed with it
//! - [`session`]: what it asks for, frame by frame; [`methods`] is the table of it
//! - [`publishing`]: messages that are put together from their frames
//! - [`outbox`], [`writer`]: what it is to be sent, and the sending
//! - [`feed`]: reads a stream for one of its consumers
//!
//! Reading and writing are two tasks: a client that does not read is still heard, until what it is owed fills
//! its outbox; then it is not heard any more until it reads.

mod feed;
mod handshake;
mod incoming;
mod methods;
pub(crate) mod outbox;
mod publishing;
mod session;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::core::ids::ConnectionId;
use crate::shared::Shared;
use handshake::{Introduced, introduce};
use incoming::Incoming;
use session::Session;
use writer::Writer;

/// How long a client may take to take what it is still owed, and to agree to the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Serves a client until it goes, or `ending` fires.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    id: ConnectionId,
    stream: TcpStream,
    peer: SocketAddr,
    ending: CancellationToken,
) {
    // small frames must not wait for more
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let mut incoming = Incoming::new(read, shared.limits.frame_bytes);
    let patience = Duration::from_millis(shared.limits.handshake_ms);
    let introduced = tokio::select! {
        introduced = tokio::time::timeout(patience, introduce(&shared, &mut incoming, write, peer)) => introduced,
        () = ending.cancelled() => return,
    };
    let Introduced { client, agreed, write } = match introduced {
        Ok(Ok(introduced)) => introduced,
        Ok(Err(why)) => return tracing::debug!(%peer, "a client was not let in: {why}"),
        Err(_) => return tracing::debug!(%peer, "a client did not introduce itself in time"),
    };
    tracing::debug!(%peer, "connected: {}", client.name);
    incoming.agree(agreed);
    let outbox = client.outbox.clone();
    shared.core.lock().connected(id, client);
    let writer = Writer { shared: shared.clone(), id, outbox: outbox.clone(), agreed };
    // ends with this, should this be dropped
    let mut writing = AbortOnDropHandle::new(tokio::spawn(writer.run(write)));
    let mut session = Session::new(shared.clone(), id, outbox.clone(), agreed);
    let written = tokio::select! {
        () = session.run(&mut incoming, &ending) => false,
        // the client does not read any more
        _ = &mut writing => true,
    };
    shared.core.lock().disconnected(id);
    outbox.end();
    if !written && tokio::time::timeout(FAREWELL, &mut writing).await.is_err() {
        writing.abort();
    }
    tracing::debug!(%peer, "disconnected");
}
