//! What travels with every call, whatever the wire: a plain value, handed on by hand, no task-locals.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

/// What every port method takes first.
#[derive(Debug, Clone)]
pub struct Context {
    /// After this moment nobody waits for the answer any more; work that has not begun is not begun.
    pub deadline: Deadline,
    /// Names one intention of the customer, so that a repeated request is recognised.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The module that makes this call (`gateway` for the outside world): the name of the edge's tail.
    pub caller: String,
    /// Where this call belongs in the distributed trace.
    pub trace: TraceContext,
    /// What somebody wants those further down to know (W3C Baggage), handed on untouched from call to call. Messages
    /// do not carry it: what a client attaches to a request is not kept in our books for days.
    pub baggage: Option<String>,
}

impl Context {
    /// The longest baggage that is handed on, in bytes: what the specification asks for at least.
    pub const LONGEST_BAGGAGE: usize = 8192;

    /// A context for work that `caller` begins by itself, with `budget` to finish it.
    pub fn background(caller: &str, budget: Duration) -> Self {
        Self {
            deadline: Deadline::after(budget),
            idempotency_key: None,
            caller: caller.to_owned(),
            trace: TraceContext::root(),
            baggage: None,
        }
    }

    /// The context that `module` hands on when it calls another on behalf of this call: the same
    /// deadline, the same place in the trace (the call itself is a span, which begins when it is made), and no
    /// idempotency key, because a key names the customer's intention at one service and not what that service does
    /// to fulfil it.
    pub fn onward(&self, module: &str) -> Self {
        Self {
            deadline: self.deadline,
            idempotency_key: None,
            caller: module.to_owned(),
            trace: self.trace.clone(),
            baggage: self.baggage.clone(),
        }
    }

    /// The same call with at most `budget` left.
    pub fn within(mut self, budget: Duration) -> Self {
        self.deadline = self.deadline.min(Deadline::after(budget));
        self
    }

    /// The same call with another deadline, sooner or later.
    pub fn with_deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same call with baggage, unless that is too long, or no header could carry it.
    pub fn with_baggage(mut self, baggage: &str) -> Self {
        let fits = (1..=Self::LONGEST_BAGGAGE).contains(&baggage.len()) && is_printable(baggage);
        self.baggage = fits.then(|| baggage.to_owned());
        self
    }

    /// The same call under an idempotency key.
    pub fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

/// A moment after which the answer is of no use. Monotonic: a change of the wall clock does not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The longest time that any call may be given: what a remote caller asks beyond it is cut down.
    pub const LONGEST: Duration = Duration::from_secs(600);

    /// The moment `budget` from now.
    pub fn after(budget: Duration) -> Self {
        Self(Instant::now() + budget.min(Self::LONGEST))
    }

    /// The time left; zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// For `tokio::time::timeout_at`.
    pub fn instant(self) -> Instant {
        self.0
    }
}

/// Names one intention of the customer: 1 to 128 visible ASCII characters
/// (draft-ietf-httpapi-idempotency-key-header).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > 128 {
            return Err("must have 1 to 128 characters");
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("must consist of visible ASCII characters");
        }
        Ok(Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// W3C Trace Context (level 1): which trace a call belongs to, and which span caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// 16 bytes, not all zero.
    pub trace_id: u128,
    /// 8 bytes, not all zero.
    pub span_id: u64,
    /// Whether the caller records this trace.
    pub sampled: bool,
    /// Vendors' own entries, handed on untouched.
    pub state: Option<String>,
}

impl TraceContext {
    /// A new trace, which nobody records.
    pub fn root() -> Self {
        Self { trace_id: Uuid::new_v4().as_u128(), span_id: new_span_id(), sampled: false, state: None }
    }

    /// A new span in the same trace.
    pub fn child(&self) -> Self {
        Self { span_id: new_span_id(), ..self.clone() }
    }

    /// The `traceparent` header: `00-<trace id>-<span id>-<flags>`.
    pub fn traceparent(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }

    /// The trace's id as 32 hexadecimal digits.
    pub fn trace_id_hex(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Reads a `traceparent` header; `None` where it is malformed, so that a new trace begins, as the
    /// specification asks. A `tracestate` that is too long, or that no header could carry, is dropped.
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lower_hex =
            |s: &str, n| s.len() == n && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !lower_hex(version, 2) || version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        if !lower_hex(trace, 32) || !lower_hex(span, 16) || !lower_hex(flags, 2) {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        let state = tracestate.filter(|s| (1..=512).contains(&s.len()) && is_printable(s)).map(str::to_owned);
        Some(Self { trace_id, span_id, sampled: flags & 1 == 1, state })
    }
}

/// Whether a header could carry it.
fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

fn new_span_id() -> u64 {
    // the upper half of a version 4 UUID holds four fixed bits, so it is never zero
    (Uuid::new_v4().as_u128() >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_survives_the_round_trip() {
        let trace = TraceContext::root();
        assert_eq!(TraceContext::parse(&trace.traceparent(), None), Some(trace));
    }

    #[test]
    fn malformed_traceparents_begin_a_new_trace() {
        for bad in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
        ] {
            assert_eq!(TraceContext::parse(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn a_tracestate_that_no_header_could_carry_is_dropped_and_the_trace_goes_on() {
        let traceparent = TraceContext::root().traceparent();
        let state = |text: &str| TraceContext::parse(&traceparent, Some(text)).expect("well-formed").state;
        let longest = "x".repeat(512);
        for good in ["vendor=1,other=a b~", longest.as_str()] {
            assert_eq!(state(good).as_deref(), Some(good));
        }
        for bad in
            ["", "vendor=1\r\nx-role: admin", "vendor=\0", "vendor=\u{7f}", "vendor=ü", &"x".repeat(513)]
        {
            assert_eq!(state(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn baggage_is_handed_on_where_a_header_could_carry_it() {
        let context = || Context::background("gateway", Duration::from_secs(5));
        let onward = context().with_baggage("tenant=7;p=1,user=ada").onward("orders");
        assert_eq!(onward.baggage.as_deref(), Some("tenant=7;p=1,user=ada"));
        for bad in ["", "a=b\r\nx-role: admin", "a=ü", &"x".repeat(8193)] {
            assert_eq!(context().with_baggage(bad).baggage, None, "{bad:?}");
        }
    }

    #[test]
    fn an_onward_call_keeps_the_deadline_and_drops_the_key() {
        let context = Context::background("gateway", Duration::from_secs(5))
            .with_key(IdempotencyKey::parse("k-1").expect("a good key"));
        let onward = context.onward("orders");
        assert_eq!(onward.deadline, context.deadline);
        assert_eq!(onward.trace, context.trace);
        assert_eq!(onward.idempotency_key, None);
        assert_eq!(onward.caller, "orders");
    }
}
