//! AMQP's bytes, made by hand: nothing here keeps anybody from making them wrong.

/// What every frame ends with.
pub const FRAME_END: u8 = 0xCE;
pub const METHOD: u8 = 1;
pub const HEADER: u8 = 2;
pub const BODY: u8 = 3;
pub const HEARTBEAT: u8 = 8;

/// What a client begins with.
pub const PROTOCOL: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// Class and method, as they are numbered.
pub type Method = (u16, u16);

pub const START: Method = (10, 10);
pub const START_OK: Method = (10, 11);
pub const TUNE: Method = (10, 30);
pub const TUNE_OK: Method = (10, 31);
pub const OPEN: Method = (10, 40);
pub const OPEN_OK: Method = (10, 41);
pub const CLOSE: Method = (10, 50);
pub const CLOSE_OK: Method = (10, 51);
pub const BLOCKED: Method = (10, 60);
pub const UNBLOCKED: Method = (10, 61);
pub const CHANNEL_OPEN: Method = (20, 10);
pub const CHANNEL_OPEN_OK: Method = (20, 11);
pub const FLOW: Method = (20, 20);
pub const FLOW_OK: Method = (20, 21);
pub const CHANNEL_CLOSE: Method = (20, 40);
pub const CHANNEL_CLOSE_OK: Method = (20, 41);
pub const QUEUE_DECLARE: Method = (50, 10);
pub const QUEUE_DECLARE_OK: Method = (50, 11);
pub const QOS: Method = (60, 10);
pub const QOS_OK: Method = (60, 11);
pub const CONSUME: Method = (60, 20);
pub const CONSUME_OK: Method = (60, 21);
pub const PUBLISH: Method = (60, 40);
pub const RETURN: Method = (60, 50);
pub const DELIVER: Method = (60, 60);
pub const GET: Method = (60, 70);
pub const GET_OK: Method = (60, 71);
pub const ACK: Method = (60, 80);
pub const RECOVER: Method = (60, 110);
pub const NACK: Method = (60, 120);
pub const CONFIRM_SELECT: Method = (85, 10);
pub const CONFIRM_SELECT_OK: Method = (85, 11);
pub const TX_SELECT: Method = (90, 10);

/// Bytes that are put together one field after the other.
#[derive(Debug, Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn u8(self, value: u8) -> Self {
        self.raw([value])
    }

    pub fn u16(self, value: u16) -> Self {
        self.raw(value.to_be_bytes())
    }

    pub fn u32(self, value: u32) -> Self {
        self.raw(value.to_be_bytes())
    }

    pub fn u64(self, value: u64) -> Self {
        self.raw(value.to_be_bytes())
    }

    /// A short string, of not more than 255 bytes.
    pub fn short(self, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        self.u8(u8::try_from(text.len()).expect("a short string")).raw(text)
    }

    /// A long string; a table, too, with the bytes of its fields.
    pub fn long(self, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        self.u32(u32::try_from(text.len()).expect("a long string")).raw(text)
    }

    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

pub fn frame(kind: u8, channel: u16, payload: impl AsRef<[u8]>) -> Bytes {
    Bytes::new().u8(kind).u16(channel).long(payload).u8(FRAME_END)
}

/// The beginning of a frame that will never be complete.
pub fn announced(kind: u8, channel: u16, length: u32) -> Bytes {
    Bytes::new().u8(kind).u16(channel).u32(length)
}

pub fn heartbeat() -> Bytes {
    frame(HEARTBEAT, 0, [])
}

/// A method with whatever arguments.
pub fn method(channel: u16, (class, method): Method, arguments: impl AsRef<[u8]>) -> Bytes {
    frame(METHOD, channel, Bytes::new().u16(class).u16(method).raw(arguments))
}

/// A client's introduction. It knows that a broker may refuse it in so many words, and block it.
pub fn start_ok(mechanism: &str, response: impl AsRef<[u8]>) -> Bytes {
    let capabilities = Bytes::new()
        .short("authentication_failure_close")
        .raw(b"t\x01")
        .short("connection.blocked")
        .raw(b"t\x01");
    let properties = Bytes::new().short("capabilities").raw(b"F").long(capabilities);
    start_ok_with(properties, mechanism, response)
}

/// The same with the bytes of whatever it says of itself.
pub fn start_ok_with(properties: impl AsRef<[u8]>, mechanism: &str, response: impl AsRef<[u8]>) -> Bytes {
    method(0, START_OK, Bytes::new().long(properties).short(mechanism).long(response).short("en_US"))
}

pub fn tune_ok(channel_max: u16, frame_max: u32, heartbeat: u16) -> Bytes {
    method(0, TUNE_OK, Bytes::new().u16(channel_max).u32(frame_max).u16(heartbeat))
}

pub fn open(virtual_host: impl AsRef<[u8]>) -> Bytes {
    method(0, OPEN, Bytes::new().short(virtual_host).short("").u8(0))
}

pub fn close() -> Bytes {
    method(0, CLOSE, Bytes::new().u16(200).short("bye").u16(0).u16(0))
}

pub fn channel_open(channel: u16) -> Bytes {
    method(channel, CHANNEL_OPEN, Bytes::new().short(""))
}

pub fn channel_close(channel: u16) -> Bytes {
    method(channel, CHANNEL_CLOSE, Bytes::new().u16(200).short("bye").u16(0).u16(0))
}

/// Declares a queue that is neither durable nor anything else, with these bytes as the fields of its
/// arguments.
pub fn queue_declare(channel: u16, queue: impl AsRef<[u8]>, arguments: impl AsRef<[u8]>) -> Bytes {
    method(channel, QUEUE_DECLARE, Bytes::new().u16(0).short(queue).u8(0).long(arguments))
}

/// Asks for a queue that is there.
pub fn queue_declare_passive(channel: u16, queue: &str) -> Bytes {
    method(channel, QUEUE_DECLARE, Bytes::new().u16(0).short(queue).u8(1).long([]))
}

/// Harmless, and answered by `qos-ok`: whether a channel is served.
pub fn prefetch(channel: u16, count: u16) -> Bytes {
    method(channel, QOS, Bytes::new().u32(0).u16(count).u8(0))
}

/// Consumes with acknowledgements.
pub fn consume(channel: u16, queue: &str) -> Bytes {
    method(channel, CONSUME, Bytes::new().u16(0).short(queue).short("").u8(0).long([]))
}

pub fn ack(channel: u16, tag: u64, multiple: u8) -> Bytes {
    method(channel, ACK, Bytes::new().u64(tag).u8(multiple))
}

/// Gets a message, acknowledged.
pub fn get(channel: u16, queue: &str) -> Bytes {
    method(channel, GET, Bytes::new().u16(0).short(queue).u8(1))
}

/// The first frame of a message to a queue.
pub fn publish(channel: u16, queue: impl AsRef<[u8]>) -> Bytes {
    publish_with(channel, queue, 0)
}

/// The same with flags: 1 is `mandatory`, 2 is `immediate`.
pub fn publish_with(channel: u16, queue: impl AsRef<[u8]>, flags: u8) -> Bytes {
    method(channel, PUBLISH, Bytes::new().u16(0).short("").short(queue).u8(flags))
}

/// The second: how long the body is, and no properties.
pub fn header(channel: u16, length: u64) -> Bytes {
    header_with(channel, length, Bytes::new().u16(0))
}

/// The second, with these bytes as flags and properties.
pub fn header_with(channel: u16, length: u64, properties: impl AsRef<[u8]>) -> Bytes {
    frame(HEADER, channel, Bytes::new().u16(60).u16(0).u64(length).raw(properties))
}

/// The flag of the property `headers`, and the bytes of their fields.
pub fn headers(fields: impl AsRef<[u8]>) -> Bytes {
    Bytes::new().u16(1 << 13).long(fields)
}

/// A frame of the body.
pub fn body(channel: u16, bytes: impl AsRef<[u8]>) -> Bytes {
    frame(BODY, channel, bytes)
}

/// All frames of a message that fits into one frame.
pub fn message(channel: u16, queue: &str, content: impl AsRef<[u8]>) -> Bytes {
    let length = content.as_ref().len() as u64;
    publish(channel, queue).raw(header(channel, length)).raw(body(channel, content))
}

pub fn confirm_select(channel: u16) -> Bytes {
    method(channel, CONFIRM_SELECT, [0])
}

/// The fields of a table that holds a table that holds a table, so many deep.
pub fn nested_tables(levels: u32) -> Bytes {
    // of each: an empty name, a type, and the length of what it holds
    (0..levels).rev().fold(Bytes::new(), |bytes, inner| bytes.u8(0).raw(b"F").u32(6 * inner))
}

/// The fields of a table that holds a list that holds a list, so many deep.
pub fn nested_lists(levels: u32) -> Bytes {
    (0..levels).rev().fold(Bytes::new().u8(0), |bytes, inner| bytes.raw(b"A").u32(5 * inner))
}
