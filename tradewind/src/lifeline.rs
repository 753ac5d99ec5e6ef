//! How a process of the shop notices that its supervisor is gone, however it went.
//!
//! Its standard input is a pipe whose other end only the supervisor holds. The system closes that end
//! when the supervisor ends, even by `kill -9`, and reading then finds the end of the pipe.

use std::io::{ErrorKind, Read};
use std::sync::mpsc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long a process may drain once its supervisor is gone: a new supervisor may be waiting for its
/// ports and its files.
const PATIENCE: Duration = Duration::from_secs(3);

/// Fires `shutdown` when `pipe` ends, and ends the process should it not have ended by itself then.
pub fn watch(mut pipe: impl Read + Send + 'static, shutdown: CancellationToken) {
    // a thread of its own: the runtime may be the very thing that is stuck, and would wait at its end
    // for a read that never returns
    std::thread::spawn(move || {
        until_end(&mut pipe);
        tracing::warn!("the supervisor is gone: draining");
        shutdown.cancel();
        let (_kept, silence) = mpsc::channel::<()>();
        let _ = silence.recv_timeout(PATIENCE);
        tracing::error!("did not drain within {PATIENCE:?} of the supervisor's end: exiting");
        std::process::exit(1);
    });
}

/// Returns when the pipe has ended, or cannot be read any more. Nothing is ever said on it.
fn until_end(pipe: &mut impl Read) {
    let mut ignored = [0; 64];
    loop {
        match pipe.read(&mut ignored) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutdown_begins_when_the_other_end_is_closed() {
        let (theirs, ours) = std::io::pipe().expect("a pipe");
        let (mut theirs, shutdown) = (theirs, CancellationToken::new());
        let fired = shutdown.clone();
        let reading = std::thread::spawn(move || {
            until_end(&mut theirs);
            fired.cancel();
        });
        assert!(!shutdown.is_cancelled());
        drop(ours);
        tokio::time::timeout(Duration::from_secs(10), shutdown.cancelled()).await.expect("noticed");
        reading.join().expect("ends");
    }
}
