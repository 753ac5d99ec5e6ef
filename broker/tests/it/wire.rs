//! A client that sends frames by hand, and sees each frame that comes.

use amq_protocol::frame::{
    AMQPContentHeader, AMQPFrame, ProtocolVersion, WriteContext, gen_frame, parse_frame,
};
use amq_protocol::protocol::{AMQPClass, BasicProperties, basic, channel, connection};
use amq_protocol::types::{AMQPValue, FieldTable};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::DEADLINE;
use crate::servers::Server;

/// One connection.
pub struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
    vhost: String,
}

/// What the client says of itself, and what it answers to the server's proposals.
pub struct Introduction {
    pub mechanism: &'static str,
    pub response: &'static str,
    pub capabilities: FieldTable,
    pub channel_max: u16,
    pub frame_max: u32,
    pub heartbeat: u16,
}

/// `guest`, who knows of all that servers may do, and takes what they propose; no heartbeats.
impl Default for Introduction {
    fn default() -> Self {
        let mut capabilities = FieldTable::default();
        for capability in ["authentication_failure_close", "basic.nack", "consumer_cancel_notify"] {
            capabilities.insert(capability.into(), AMQPValue::Boolean(true));
        }
        Self {
            mechanism: "PLAIN",
            response: "\0guest\0guest",
            capabilities,
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat: 0,
        }
    }
}

impl Wire {
    /// A socket to the server, on which nothing was said yet.
    pub async fn dial(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).await.expect("a server that listens");
        Self { stream, received: Vec::new(), vhost: server.vhost().to_owned() }
    }

    /// An open connection.
    pub async fn open(server: &Server) -> Self {
        Self::open_as(server, Introduction::default()).await
    }

    /// An open connection of a client that introduces itself so.
    pub async fn open_as(server: &Server, introduction: Introduction) -> Self {
        let mut wire = Self::dial(server).await;
        wire.introduce(introduction).await;
        match wire.next_method().await {
            Some((0, AMQPClass::Connection(connection::AMQPMethod::OpenOk(_)))) => wire,
            other => panic!("{server} opens no connection: {other:?}"),
        }
    }

    /// An open connection with an open channel 1.
    pub async fn open_channel(server: &Server) -> Self {
        let mut wire = Self::open(server).await;
        wire.open_channel_number(1).await;
        wire
    }

    pub async fn open_channel_number(&mut self, number: u16) {
        self.send(number, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}))).await;
        let answer = self.next_method().await;
        let Some((channel, AMQPClass::Channel(channel::AMQPMethod::OpenOk(_)))) = answer else {
            panic!("no channel {number}: {answer:?}");
        };
        assert_eq!(channel, number);
    }

    /// Says all that is to be said before a connection is open, and waits only for what is to be answered.
    pub async fn introduce(&mut self, introduction: Introduction) {
        self.start().await;
        let Introduction { mechanism, response, capabilities, channel_max, frame_max, heartbeat } =
            introduction;
        self.log_in(mechanism, response, capabilities).await;
        match self.next_frame().await {
            Some(AMQPFrame::Method(0, AMQPClass::Connection(connection::AMQPMethod::Tune(_)))) => {
                let tune = connection::TuneOk { channel_max, frame_max, heartbeat };
                self.send(0, AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune))).await;
                let open = connection::Open { virtual_host: self.vhost.as_str().into() };
                self.send(0, AMQPClass::Connection(connection::AMQPMethod::Open(open))).await;
            }
            // refused: left for the caller to see
            Some(frame) => self.unread(&frame),
            None => {}
        }
    }

    async fn log_in(&mut self, mechanism: &str, response: &str, capabilities: FieldTable) {
        let mut client_properties = FieldTable::default();
        client_properties.insert("capabilities".into(), capabilities.into());
        let start_ok = connection::StartOk {
            client_properties,
            mechanism: mechanism.into(),
            response: response.into(),
            locale: "en_US".into(),
        };
        self.send(0, AMQPClass::Connection(connection::AMQPMethod::StartOk(start_ok))).await;
    }

    /// Sends the protocol's header, and takes what the server says of itself.
    pub async fn start(&mut self) -> connection::Start {
        self.send_frame(AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1())).await;
        match self.next_method().await {
            Some((0, AMQPClass::Connection(connection::AMQPMethod::Start(start)))) => start,
            other => panic!("no start: {other:?}"),
        }
    }

    pub async fn send(&mut self, channel: u16, method: AMQPClass) {
        self.send_frame(AMQPFrame::Method(channel, method)).await;
    }

    /// Publishes a message to the default exchange, as one body frame.
    pub async fn publish(&mut self, channel: u16, publish: basic::Publish, body: &[u8]) {
        self.send(channel, AMQPClass::Basic(basic::AMQPMethod::Publish(publish))).await;
        self.send_header(channel, 60, body.len() as u64).await;
        self.send_frame(AMQPFrame::Body(channel, body.to_vec())).await;
    }

    pub async fn send_header(&mut self, channel: u16, class_id: u16, body_size: u64) {
        let header = AMQPContentHeader { class_id, body_size, properties: BasicProperties::default() };
        self.send_frame(AMQPFrame::Header(channel, header)).await;
    }

    pub async fn send_frame(&mut self, frame: AMQPFrame) {
        self.send_bytes(&bytes_of(&frame)).await;
    }

    /// Sends bytes that need not be a frame. That the server has closed the connection is no failure: what it
    /// said before that can still be read.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next frame that is a method, past heartbeats; none if the server closed the socket.
    pub async fn next_method(&mut self) -> Option<(u16, AMQPClass)> {
        match self.next_frame().await? {
            AMQPFrame::Method(channel, method) => Some((channel, method)),
            other => panic!("no method: {other:?}"),
        }
    }

    /// The next frame past heartbeats; none if the server closed the socket.
    pub async fn next_frame(&mut self) -> Option<AMQPFrame> {
        loop {
            match self.next_frame_at_all().await? {
                AMQPFrame::Heartbeat => {}
                frame => return Some(frame),
            }
        }
    }

    /// The next frame; none if the server closed the socket.
    pub async fn next_frame_at_all(&mut self) -> Option<AMQPFrame> {
        loop {
            if let Ok((rest, frame)) = parse_frame(self.received.as_slice()) {
                self.received = rest.to_vec();
                return Some(frame);
            }
            if !self.receive().await {
                assert!(self.received.is_empty(), "half a frame: {:?}", self.received);
                return None;
            }
        }
    }

    /// What the server says before it closes the connection or one channel: code and text. The virtual host
    /// is called `/` in texts.
    pub async fn refusal(&mut self) -> String {
        loop {
            let (reach, code, text) = match self.next_frame().await {
                Some(AMQPFrame::Method(_, AMQPClass::Connection(connection::AMQPMethod::Close(close)))) => {
                    ("connection", close.reply_code, close.reply_text)
                }
                Some(AMQPFrame::Method(_, AMQPClass::Channel(channel::AMQPMethod::Close(close)))) => {
                    ("channel", close.reply_code, close.reply_text)
                }
                Some(_) => continue,
                None => return "the socket closes".to_owned(),
            };
            let text = text.as_str().replace(&format!("vhost '{}'", self.vhost), "vhost '/'");
            return format!("{reach} {code} {text}");
        }
    }

    /// All bytes that come until the server closes the socket.
    pub async fn rest(mut self) -> Vec<u8> {
        while self.receive().await {}
        self.received
    }

    async fn receive(&mut self) -> bool {
        let read = timeout(DEADLINE, self.stream.read_buf(&mut self.received)).await;
        // a socket that is reset is closed, too
        read.expect("a frame, or the end, in time").unwrap_or(0) > 0
    }

    fn unread(&mut self, frame: &AMQPFrame) {
        let mut bytes = bytes_of(frame);
        bytes.append(&mut self.received);
        self.received = bytes;
    }
}

fn bytes_of(frame: &AMQPFrame) -> Vec<u8> {
    let context = WriteContext::from(Vec::new());
    gen_frame(frame)(context).expect("a vector takes all").into_inner().0
}
