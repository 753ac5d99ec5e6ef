//! From the bytes of a request to the intake, and to the bytes of the answer.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::census;
use super::decode::{Decoded, Decoder};
use super::json;
use super::signal::Signal;
use crate::clock::Clock;
use crate::counts::Counts;
use crate::intake::{Batch, Full, Intake};
use crate::limits::Limits;
use crate::refused::{Reason, Refused};

/// A request may take so many times its bytes once it is taken apart. Protobuf of real senders takes three to five
/// times as much.
const TAKEN_APART: usize = 8;
/// JSON has at least so many bytes for an object, but for what is made to hurt.
const BYTES_OF_AN_OBJECT: usize = 24;
/// Bytes of an explanation. What serde says holds the text that it stumbled over, whole.
const LONGEST_WORDS: usize = 300;

/// When to try again, where there was no room: the intake is emptied in less.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// Takes requests in. Clones share it.
#[derive(Clone)]
pub(crate) struct Receiver(Arc<Parts>);

struct Parts {
    limits: Limits,
    clock: Arc<dyn Clock>,
    decoder: Decoder,
    intake: Intake,
    counts: Arc<Counts>,
}

/// How a request is written, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Protobuf,
    Json,
}

/// Why a request is refused whole; the text is what the sender reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It is not OTLP.
    #[error("not a request of OTLP: {0}")]
    Malformed(String),
    /// It is larger than anything that is taken in.
    #[error("a request may have {0} bytes, and not be made up of next to nothing; send less at a time")]
    TooLarge(usize),
    /// It is written or compressed in a way that is not known here.
    #[error("{0}")]
    Unsupported(String),
    /// There is no room now.
    #[error("what was sent before is not taken in yet; try again")]
    Full,
}

impl Refusal {
    /// A request that is not OTLP, in words, of which there may be too many.
    pub(super) fn malformed(why: impl ToString) -> Self {
        let mut words = why.to_string();
        words.truncate(words.floor_char_boundary(LONGEST_WORDS));
        Self::Malformed(words)
    }

    /// As it is counted.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Malformed(_) => Reason::Malformed,
            Self::TooLarge(_) => Reason::TooLarge,
            Self::Unsupported(_) => Reason::Unsupported,
            Self::Full => Reason::Full,
        }
    }
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl Receiver {
    pub(crate) fn new(limits: Limits, clock: Arc<dyn Clock>, intake: Intake, counts: Arc<Counts>) -> Self {
        Self(Arc::new(Parts { decoder: Decoder::new(limits.clone()), limits, clock, intake, counts }))
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Takes a request in, and answers in the same format.
    pub(super) fn receive<S: Signal>(&self, body: &[u8], format: Format) -> Result<Vec<u8>, Refusal> {
        let request = match format {
            Format::Protobuf => self.read_protobuf::<S>(body)?,
            Format::Json => self.read_json::<S>(body)?,
        };
        let refused = S::take(self, request, self.0.clock.now())?;
        let response = match i64::try_from(refused.total()) {
            Ok(0) => S::Response::default(),
            total => S::partly(total.unwrap_or(i64::MAX), refused.words()),
        };
        match format {
            Format::Protobuf => Ok(response.encode_to_vec()),
            // `null` where all is well would be correct, and nothing is what others answer
            Format::Json if refused.total() == 0 => Ok(b"{}".to_vec()),
            Format::Json => Ok(serde_json::to_vec(&response).unwrap_or_default()),
        }
    }

    fn read_protobuf<S: Signal>(&self, body: &[u8]) -> Result<S::Request, Refusal> {
        let bytes = census::of_protobuf(body, S::shape()).map_err(Refusal::malformed)?;
        if bytes > self.limits().request_bytes.saturating_mul(TAKEN_APART) {
            return Err(Refusal::TooLarge(self.limits().request_bytes));
        }
        S::Request::decode(body).map_err(Refusal::malformed)
    }

    fn read_json<S: Signal>(&self, body: &[u8]) -> Result<S::Request, Refusal> {
        if census::of_json(body) > self.limits().request_bytes / BYTES_OF_AN_OBJECT {
            return Err(Refusal::TooLarge(self.limits().request_bytes));
        }
        serde_json::from_slice(&json::readable(body)).map_err(Refusal::malformed)
    }

    pub(super) fn take_spans(
        &self,
        request: ExportTraceServiceRequest,
        now: u64,
    ) -> Result<Refused, Refusal> {
        let Decoded { kept, refused } = self.0.decoder.spans(request, now);
        let (counts, wanted) = (&self.0.counts.spans, kept.len() as u64);
        counts.received(wanted + refused.total());
        counts.dropped(&refused);
        if wanted > 0 {
            let put = self.0.intake.put(Batch::Spans(kept));
            put.inspect_err(|Full| counts.dropped(&Refused::all(Reason::Full, wanted)))?;
        }
        Ok(refused)
    }

    pub(super) fn take_points(
        &self,
        request: ExportMetricsServiceRequest,
        now: u64,
    ) -> Result<Refused, Refusal> {
        let Decoded { kept, refused } = self.0.decoder.points(request, now);
        let (counts, wanted) = (&self.0.counts.points, kept.len() as u64);
        counts.received(wanted + refused.total());
        counts.dropped(&refused);
        if wanted > 0 {
            let put = self.0.intake.put(Batch::Points(kept));
            put.inspect_err(|Full| counts.dropped(&Refused::all(Reason::Full, wanted)))?;
        }
        Ok(refused)
    }
}
