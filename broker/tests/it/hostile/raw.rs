//! A client that sends whatever bytes it is told to.

use std::collections::BTreeSet;
use std::time::Duration;

use lapin::uri::AMQPUri;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::bytes::{self, Method};

/// How long a broker may take to answer.
pub const ANSWER: Duration = Duration::from_secs(30);

/// A connection.
pub struct Raw {
    pub input: Input,
    pub output: OwnedWriteHalf,
    uri: AMQPUri,
}

/// What comes from the broker.
pub struct Input {
    stream: BufReader<OwnedReadHalf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub channel: u16,
    pub payload: Vec<u8>,
}

/// How a broker says no: what it closes, and with which code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// `connection.close`, and then the stream.
    Connection(u16),
    /// `channel.close`.
    Channel(u16),
    /// The stream, without a word.
    Silent,
}

/// What a broker said instead of yes.
#[derive(Debug)]
pub struct Refusal {
    pub no: No,
    pub text: String,
    /// The methods that it sent before.
    pub before: Vec<Method>,
}

impl Raw {
    /// Connects, and says nothing yet.
    pub async fn dial(url: &str) -> Self {
        let uri: AMQPUri = url.parse().expect("an AMQP address");
        let address = (uri.authority.host.as_str(), uri.authority.port);
        let stream = TcpStream::connect(address).await.expect("the broker listens");
        stream.set_nodelay(true).expect("a socket");
        let (input, output) = stream.into_split();
        Self { input: Input { stream: BufReader::new(input) }, output, uri }
    }

    /// Connects, and is asked who it is.
    pub async fn greeted(url: &str) -> Self {
        let mut raw = Self::dial(url).await;
        raw.send(bytes::PROTOCOL).await;
        raw.expect(bytes::START).await;
        raw
    }

    /// Connects, introduces itself, and is told the limits.
    pub async fn let_in(url: &str) -> Self {
        let mut raw = Self::greeted(url).await;
        let user = &raw.uri.authority.userinfo;
        let response = format!("\0{}\0{}", user.username, user.password);
        raw.send(bytes::start_ok("PLAIN", response)).await;
        raw.expect(bytes::TUNE).await;
        raw
    }

    /// An open connection with these limits.
    pub async fn tuned(url: &str, channel_max: u16, frame_max: u32, heartbeat: u16) -> Self {
        let mut raw = Self::let_in(url).await;
        let opening = bytes::tune_ok(channel_max, frame_max, heartbeat).raw(bytes::open(&raw.uri.vhost));
        raw.send(opening).await;
        raw.expect(bytes::OPEN_OK).await;
        raw
    }

    /// An open connection, without heartbeats.
    pub async fn open(url: &str) -> Self {
        Self::tuned(url, 2047, 131_072, 0).await
    }

    /// The same with channel 1.
    pub async fn channel(url: &str) -> Self {
        let mut raw = Self::open(url).await;
        raw.open_channel(1).await;
        raw
    }

    pub async fn open_channel(&mut self, channel: u16) {
        self.send(bytes::channel_open(channel)).await;
        self.expect(bytes::CHANNEL_OPEN_OK).await;
    }

    /// Channel 1 in confirm mode, and a queue that is nobody's own.
    pub async fn publisher(url: &str, queue: &str) -> Self {
        let mut raw = Self::channel(url).await;
        raw.send(bytes::queue_declare(1, queue, [])).await;
        raw.expect(bytes::QUEUE_DECLARE_OK).await;
        raw.send(bytes::confirm_select(1)).await;
        raw.expect(bytes::CONFIRM_SELECT_OK).await;
        raw
    }

    /// Channel 1 with a consumer that acknowledges, and no limit to what it is given.
    pub async fn consumer(url: &str, queue: &str) -> Self {
        let mut raw = Self::channel(url).await;
        raw.send(bytes::consume(1, queue)).await;
        raw.expect(bytes::CONSUME_OK).await;
        raw
    }

    /// Sends as much as is taken. A broker that has heard enough closes the stream, which is no failure here:
    /// what it said before is what counts.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // neither is a broker that stops to read: each test says what is to happen then
        let _ = timeout(ANSWER, self.output.write_all(bytes.as_ref())).await;
    }

    /// Sends nothing more, which the broker sees. Waits until it has closed the stream, too, and so does nothing
    /// more with what was sent.
    pub async fn hang_up(mut self) {
        // it may have closed already
        let _ = self.output.shutdown().await;
        self.input.end().await;
    }

    /// The next frame that is no heartbeat; none where the stream has ended.
    pub async fn frame(&mut self) -> Option<Frame> {
        self.input.frame().await
    }

    /// The arguments of the next method, which is this one.
    pub async fn expect(&mut self, method: Method) -> Vec<u8> {
        let frame = self.frame().await.unwrap_or_else(|| panic!("the stream ended before {method:?}"));
        assert_eq!(frame.method(), Some(method), "{}", frame.describe());
        frame.payload[4..].to_vec()
    }

    /// Expects that this channel is served: a method there is answered. Skips what else comes.
    pub async fn is_served(&mut self, channel: u16) {
        self.send(bytes::prefetch(channel, 0)).await;
        loop {
            let frame = self.frame().await.expect("the stream goes on");
            assert!(!frame.is_refusal(), "{}", frame.describe());
            if frame.method() == Some(bytes::QOS_OK) && frame.channel == channel {
                return;
            }
        }
    }

    /// The virtual host that its address leads to.
    pub fn virtual_host(&self) -> &str {
        &self.uri.vhost
    }

    /// The socket itself.
    pub fn into_stream(self) -> TcpStream {
        let input = self.input.stream.into_inner();
        input.reunite(self.output).expect("two halves of one")
    }

    /// How many messages wait in a queue.
    pub async fn ready(&mut self, queue: &str) -> u32 {
        self.send(bytes::queue_declare_passive(1, queue)).await;
        let answer = self.expect(bytes::QUEUE_DECLARE_OK).await;
        let count = &answer[1 + queue.len()..][..4];
        u32::from_be_bytes(count.try_into().expect("four bytes"))
    }

    /// Waits until so many messages wait in a queue.
    pub async fn until_ready(&mut self, queue: &str, is_enough: impl Fn(u64) -> bool) {
        let until = tokio::time::Instant::now() + ANSWER;
        loop {
            let ready = u64::from(self.ready(queue).await);
            if is_enough(ready) {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{ready} messages in {queue} after {ANSWER:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the broker says no, obeys, and tells what it said.
    pub async fn refusal(&mut self) -> Refusal {
        let mut before = Vec::new();
        loop {
            let Some(frame) = self.frame().await else {
                return Refusal { no: No::Silent, text: String::new(), before };
            };
            match frame.method() {
                Some(bytes::CLOSE) => {
                    self.send(bytes::method(0, bytes::CLOSE_OK, [])).await;
                    self.input.end().await;
                    return Refusal { no: No::Connection(frame.code()), text: frame.text(), before };
                }
                Some(bytes::CHANNEL_CLOSE) => {
                    self.send(bytes::method(frame.channel, bytes::CHANNEL_CLOSE_OK, [])).await;
                    return Refusal { no: No::Channel(frame.code()), text: frame.text(), before };
                }
                method => before.extend(method),
            }
        }
    }
}

impl Input {
    /// The next frame, of whatever kind; none where the stream has ended.
    pub async fn any_frame(&mut self) -> Option<Frame> {
        let frame = async {
            let kind = self.stream.read_u8().await.ok()?;
            let channel = self.stream.read_u16().await.ok()?;
            let length = self.stream.read_u32().await.ok()?;
            let mut payload = vec![0; length as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            assert_eq!(self.stream.read_u8().await.ok()?, bytes::FRAME_END, "the broker's frames are good");
            Some(Frame { kind, channel, payload })
        };
        timeout(ANSWER, frame).await.expect("the broker answers in time")
    }

    /// The next frame that is no heartbeat; none where the stream has ended.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            let frame = self.any_frame().await?;
            if frame.kind != bytes::HEARTBEAT {
                return Some(frame);
            }
        }
    }

    /// Waits until the stream ends, and returns what came before that.
    pub async fn end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // a reset is an end, too
        let _ = timeout(ANSWER, self.stream.read_to_end(&mut rest)).await.expect("the broker closes in time");
        rest
    }

    /// Reads until so many messages are confirmed.
    pub async fn confirmed(&mut self, count: u64) {
        let mut confirms = Confirms::default();
        while confirms.count() < count {
            let frame = self.frame().await.expect("the stream goes on");
            assert!(!frame.is_refusal(), "{}", frame.describe());
            confirms.take(&frame);
        }
    }

    /// Reads until so many messages are delivered.
    pub async fn delivered(&mut self, count: u64) {
        let mut delivered = 0;
        while delivered < count {
            let frame = self.frame().await.expect("the stream goes on");
            assert!(!frame.is_refusal(), "{}", frame.describe());
            delivered += u64::from(frame.method() == Some(bytes::DELIVER));
        }
    }
}

/// Which messages are confirmed: one at a time, many at once, and in any order.
#[derive(Default)]
pub struct Confirms {
    all_up_to: u64,
    and: BTreeSet<u64>,
}

impl Confirms {
    /// Looks whether it is an acknowledgement, and of what.
    pub fn take(&mut self, frame: &Frame) {
        if frame.method() != Some(bytes::ACK) {
            return;
        }
        let tag = u64::from_be_bytes(frame.payload[4..12].try_into().expect("eight bytes"));
        if frame.payload[12] & 1 == 1 {
            self.all_up_to = self.all_up_to.max(tag);
            self.and = self.and.split_off(&(self.all_up_to + 1));
        } else {
            self.and.insert(tag);
        }
        while self.and.remove(&(self.all_up_to + 1)) {
            self.all_up_to += 1;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.all_up_to + self.and.len() as u64
    }
}

impl Frame {
    /// Class and method, if it is one.
    pub fn method(&self) -> Option<Method> {
        let number =
            |at: usize| Some(u16::from_be_bytes([*self.payload.get(at)?, *self.payload.get(at + 1)?]));
        (self.kind == bytes::METHOD).then_some(())?;
        Some((number(0)?, number(2)?))
    }

    fn is_refusal(&self) -> bool {
        matches!(self.method(), Some(bytes::CLOSE | bytes::CHANNEL_CLOSE | bytes::NACK))
    }

    /// The code with which something is closed.
    fn code(&self) -> u16 {
        u16::from_be_bytes([self.payload[4], self.payload[5]])
    }

    /// The words.
    fn text(&self) -> String {
        let length = usize::from(self.payload[6]);
        String::from_utf8_lossy(&self.payload[7..7 + length]).into_owned()
    }

    fn describe(&self) -> String {
        match self.method() {
            Some(bytes::CLOSE | bytes::CHANNEL_CLOSE) => format!("{} {}", self.code(), self.text()),
            _ => format!("{self:?}"),
        }
    }
}
