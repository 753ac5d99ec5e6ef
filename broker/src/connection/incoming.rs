//! What a client sends, as frames.

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;

use super::handshake::Agreed;
use crate::error::Refusal;
use crate::frame::read::{Frame, FrameReader};

/// How much room a read has, in bytes.
const READ: usize = 64 * 1024;

/// What a client sends, as frames.
pub(super) struct Incoming {
    stream: OwnedReadHalf,
    frames: FrameReader,
    frame_max: u32,
    patience: Option<Duration>,
}

/// Why there is no further frame.
#[derive(Debug)]
pub(super) enum End {
    /// The client is gone, or was silent for too long.
    Gone(io::Error),
    /// What it sent is no frame.
    Refused(Refusal),
}

impl Incoming {
    pub fn new(stream: OwnedReadHalf, frame_max: u32) -> Self {
        Self { stream, frames: FrameReader::default(), frame_max, patience: None }
    }

    /// From now on, what was agreed holds.
    pub fn agree(&mut self, agreed: Agreed) {
        self.frame_max = agreed.frame_max;
        // two heartbeats may be missed
        self.patience = agreed.heartbeat.map(|heartbeat| heartbeat * 2);
    }

    /// The bytes that come before any frame.
    pub async fn protocol_header(&mut self) -> io::Result<[u8; 8]> {
        let mut header = [0; 8];
        self.stream.read_exact(&mut header).await?;
        Ok(header)
    }

    /// A frame that has arrived already.
    pub fn arrived(&mut self) -> Result<Option<Frame>, Refusal> {
        self.frames.next(self.frame_max)
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Frame, End> {
        loop {
            if let Some(frame) = self.arrived().map_err(End::Refused)? {
                return Ok(frame);
            }
            self.frames.buffer_mut().reserve(READ);
            let read = self.stream.read_buf(self.frames.buffer_mut());
            let read = match self.patience {
                Some(patience) => tokio::time::timeout(patience, read)
                    .await
                    .map_err(|_| End::Gone(io::Error::new(io::ErrorKind::TimedOut, "no heartbeat came")))?,
                None => read.await,
            };
            match read {
                Ok(0) => return Err(End::Gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(End::Gone(error)),
            }
        }
    }
}
