//! Sends what the shop says, at a given rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf as _, BufMut as _, Bytes};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::shop::{Template, templates};

/// Connections by which is sent: each service of the shop has one.
const SENDERS: usize = 8;
const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// What was sent.
#[derive(Debug, Default)]
pub struct Sent {
    pub spans: u64,
    pub seconds: f64,
    /// Requests that were refused, and not because there was no room.
    pub failed: u64,
}

impl Sent {
    /// Spans a second.
    pub fn rate(&self) -> f64 {
        self.spans as f64 / self.seconds
    }
}

/// Sends for some time, each batch when its time has come, or as soon as the one before it is answered.
pub async fn send(to: &str, time: Duration, rate: u64) -> Sent {
    let (templates, next) = (Arc::new(templates()), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let endpoint = Endpoint::new(to.to_owned()).expect("an address");
            tokio::spawn(one(endpoint, templates.clone(), next.clone(), began, time, rate))
        })
        .collect();
    let mut sent = Sent::default();
    for sender in senders {
        let one = sender.await.expect("no panic");
        sent.spans += one.spans;
        sent.failed += one.failed;
    }
    sent.seconds = began.elapsed().as_secs_f64();
    sent
}

async fn one(
    endpoint: Endpoint,
    templates: Arc<Vec<Template>>,
    next: Arc<AtomicU64>,
    began: Instant,
    time: Duration,
    rate: u64,
) -> Sent {
    let mut client = Grpc::new(endpoint.connect().await.expect("a connection"));
    let per_round: u64 = templates.iter().map(|template| template.spans).sum();
    let mut sent = Sent::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (round, place) = (number / templates.len() as u64, (number % templates.len() as u64) as usize);
        let before: u64 = round * per_round + templates[..place].iter().map(|one| one.spans).sum::<u64>();
        let due = Duration::from_secs_f64(before as f64 / rate as f64);
        if due >= time {
            return sent;
        }
        tokio::time::sleep_until((began + due).into()).await;
        sent.spans += templates[place].spans;
        match export(&mut client, templates[place].filled(round)).await {
            Ok(()) => {}
            // there is no room: counted there, and not sent again, so that the rate stays what it is
            Err(status) if status.code() == Code::Unavailable => {}
            Err(status) => {
                println!("{status:?}");
                sent.failed += 1;
            }
        }
    }
}

async fn export(client: &mut Grpc<Channel>, body: Bytes) -> Result<(), Status> {
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    client.unary(Request::new(body), METHOD.parse().expect("a path"), Raw).await.map(drop)
}

/// Sends bytes as they are: encoding is not what is measured.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
