//! What is said after a request. What a message is stands in its type, its place in `tradewind-sequence`.
//!
//! One reply is a `reply` or a `problem`. A stream is `control` (where the caller can be heard), `opened`
//! (the service has agreed), any number of `item`, and `end` or `problem`. They are counted from 0, so that a
//! lost one is noticed.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use super::request::JSON;
use crate::messaging::broker::{integer, short, text};

const SEQUENCE: &str = "tradewind-sequence";
const CONTROL: &str = "tradewind-control";
const COUNT: &str = "tradewind-count";

/// A message from the callee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The reply to a request that has one.
    Reply,
    /// Why there is no reply, or no more of them.
    Problem,
    /// The queue in which the callee of a stream listens to its caller.
    Control(ShortString),
    /// The stream is open.
    Opened,
    /// The next item of a stream.
    Item,
    /// There are no more items.
    End,
}

impl Frame {
    fn kind(&self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Problem => "problem",
            Self::Control(_) => "control",
            Self::Opened => "opened",
            Self::Item => "item",
            Self::End => "end",
        }
    }

    /// The properties of the message, the `sequence`th in answer to a request.
    pub fn properties(&self, sequence: u64, correlation: &ShortString) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(SEQUENCE.into(), number(sequence));
        if let Self::Control(queue) = self {
            headers.insert(CONTROL.into(), AMQPValue::LongString(queue.as_str().into()));
        }
        let content = if *self == Self::Problem { "application/problem+json" } else { JSON };
        message(self.kind(), correlation, headers).with_content_type(content.into())
    }

    /// Reads the properties of a message: what it is, and which in its row.
    pub fn read(properties: &BasicProperties) -> Result<(Self, u64), String> {
        let sequence = header(properties, SEQUENCE).and_then(integer);
        let sequence = sequence.and_then(|sequence| u64::try_from(sequence).ok());
        let sequence = sequence.ok_or("a reply is not numbered")?;
        let kind = properties.kind().as_ref().map_or("", ShortString::as_str);
        let frame = match kind {
            "reply" => Self::Reply,
            "problem" => Self::Problem,
            "opened" => Self::Opened,
            "item" => Self::Item,
            "end" => Self::End,
            "control" => {
                let queue = header(properties, CONTROL).and_then(text);
                let queue = queue.and_then(|queue| ShortString::try_new(queue).ok());
                Self::Control(queue.ok_or("a stream has no control queue")?)
            }
            other => return Err(format!("a reply is of an unknown type: {other:?}")),
        };
        Ok((frame, sequence))
    }
}

/// A message from the caller of a stream, over its control queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The next request of a caller that streams.
    Item,
    /// There are no more requests.
    End,
    /// So many items were taken, and may follow. Also says that the caller is still there.
    Credit(u32),
    /// The caller has let go.
    Cancel,
}

impl Word {
    /// The properties of the message. `correlation` is the caller's mark of its request.
    pub fn properties(self, correlation: &ShortString) -> BasicProperties {
        let mut headers = FieldTable::default();
        let kind = match self {
            Self::Item => "item",
            Self::End => "end",
            Self::Cancel => "cancel",
            Self::Credit(count) => {
                headers.insert(COUNT.into(), number(count.into()));
                "credit"
            }
        };
        message(kind, correlation, headers).with_content_type(JSON.into())
    }

    /// Reads the properties of a message; nothing where it is none of these.
    pub fn read(properties: &BasicProperties) -> Option<Self> {
        Some(match properties.kind().as_ref()?.as_str() {
            "item" => Self::Item,
            "end" => Self::End,
            "cancel" => Self::Cancel,
            "credit" => {
                Self::Credit(header(properties, COUNT).and_then(integer).and_then(|n| u32::try_from(n).ok())?)
            }
            _ => return None,
        })
    }
}

fn message(kind: &str, correlation: &ShortString, headers: FieldTable) -> BasicProperties {
    BasicProperties::default()
        .with_type(short(kind))
        .with_correlation_id(correlation.clone())
        .with_headers(headers)
}

fn number(value: u64) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(value).unwrap_or(i64::MAX))
}

fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_read_as_it_was_said() {
        for frame in
            [Frame::Reply, Frame::Problem, Frame::Control("q".into()), Frame::Opened, Frame::Item, Frame::End]
        {
            let said = frame.properties(3, &"7".into());
            assert_eq!(said.correlation_id(), &Some("7".into()));
            assert_eq!(Frame::read(&said), Ok((frame, 3)));
        }
    }

    #[test]
    fn every_word_is_read_as_it_was_said() {
        for word in [Word::Item, Word::End, Word::Credit(0), Word::Credit(u32::MAX), Word::Cancel] {
            assert_eq!(Word::read(&word.properties(&"7".into())), Some(word));
        }
    }

    #[test]
    fn what_nobody_says_is_not_read() {
        let numbered = Frame::Reply.properties(0, &"7".into());
        for bad in [
            BasicProperties::default(),
            numbered.clone().with_headers(FieldTable::default()),
            numbered.clone().with_type("of the future".into()),
            numbered.clone().with_type("control".into()),
            Frame::Control("x".repeat(255).as_str().into()).properties(0, &"7".into()).with_headers(
                [
                    (SEQUENCE.into(), number(0)),
                    (CONTROL.into(), AMQPValue::LongString("x".repeat(256).into())),
                ]
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>()
                .into(),
            ),
        ] {
            assert!(Frame::read(&bad).is_err(), "{bad:?}");
        }
        assert_eq!(Word::read(&numbered), None);
        assert_eq!(Word::read(&BasicProperties::default().with_type("credit".into())), None);
    }
}
