//! The first words: who the client is, and what is agreed with it (AMQP 0-9-1, section 2.2.4).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use amq_protocol::protocol::{AMQPClass, connection};
use amq_protocol::types::{AMQPValue, FieldTable};
use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;

use super::incoming::{End, Incoming};
use super::outbox::Outbox;
use super::session::closing;
use crate::core::{Client, Hears};
use crate::error::{Code, Refusal};
use crate::frame::method::{self, Method};
use crate::frame::read::{Frame, protocol_header};
use crate::frame::write;
use crate::shared::Shared;

/// AMQP's smallest frame-max, in bytes.
const FRAME_MIN: u32 = 4096;
/// A client that guesses passwords waits so long for each answer.
const WRONG_PASSWORD: Duration = Duration::from_millis(500);

/// What was agreed with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    pub channel_max: u16,
    pub frame_max: u32,
    /// How often each side shows that it is there; not at all where there is none.
    pub heartbeat: Option<Duration>,
}

/// A client that has been let in.
pub(super) struct Introduced {
    pub client: Client,
    pub agreed: Agreed,
    pub write: OwnedWriteHalf,
}

/// Why a client was not let in.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotLetIn {
    #[error("the connection ended: {0}")]
    Gone(#[from] io::Error),
    #[error("it does not speak AMQP 0-9-1")]
    OtherProtocol,
    #[error("{0}")]
    Refused(Refusal),
    /// What it said makes no sense: as with RabbitMQ, its connection ends without a word.
    #[error("{0}")]
    Nonsense(String),
}

impl From<End> for NotLetIn {
    fn from(end: End) -> Self {
        match end {
            End::Gone(error) => Self::Gone(error),
            End::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

/// Lets a client introduce itself.
pub(super) async fn introduce(
    shared: &Shared,
    incoming: &mut Incoming,
    mut write: OwnedWriteHalf,
    peer: SocketAddr,
) -> Result<Introduced, NotLetIn> {
    if let Err(ours) = protocol_header(&incoming.protocol_header().await?) {
        write.write_all(&ours).await?;
        return Err(NotLetIn::OtherProtocol);
    }
    let mut talk = Talk { shared, incoming, write: &mut write, peer };
    match talk.through().await {
        Ok((client, agreed)) => Ok(Introduced { client, agreed, write }),
        Err(NotLetIn::Refused(refusal)) => {
            talk.say(closing(&refusal, (0, 0))).await?;
            Err(NotLetIn::Refused(refusal))
        }
        Err(other) => Err(other),
    }
}

struct Talk<'a> {
    shared: &'a Shared,
    incoming: &'a mut Incoming,
    write: &'a mut OwnedWriteHalf,
    peer: SocketAddr,
}

impl Talk<'_> {
    async fn through(&mut self) -> Result<(Client, Agreed), NotLetIn> {
        let limits = &self.shared.limits;
        self.say(connection::AMQPMethod::Start(start())).await?;
        let connection::AMQPMethod::StartOk(introduction) = self.hear().await? else {
            return Err(out_of_turn());
        };
        let user = self.authenticate(&introduction).await?;
        let tune = connection::Tune {
            channel_max: limits.channels,
            frame_max: limits.frame_bytes,
            heartbeat: limits.heartbeat_s,
        };
        self.say(connection::AMQPMethod::Tune(tune)).await?;
        let connection::AMQPMethod::TuneOk(wish) = self.hear().await? else { return Err(out_of_turn()) };
        let agreed = agree(&wish, limits.channels, limits.frame_bytes)?;
        let connection::AMQPMethod::Open(open) = self.hear().await? else { return Err(out_of_turn()) };
        if open.virtual_host.as_str() != "/" {
            return Err(refused(Code::NotAllowed, format!("vhost {} not found", open.virtual_host)));
        }
        self.say(connection::AMQPMethod::OpenOk(connection::OpenOk {})).await?;
        let properties = &introduction.client_properties;
        let client = Client {
            user,
            name: connection_name(properties).unwrap_or_else(|| self.peer.to_string()),
            peer: self.peer.to_string(),
            outbox: Arc::new(Outbox::new(limits.outgoing_bytes)),
            hears_cancels: capability(properties, "consumer_cancel_notify"),
            hears_blocked: capability(properties, "connection.blocked"),
            channels: Default::default(),
        };
        Ok((client, agreed))
    }

    async fn authenticate(&mut self, introduction: &connection::StartOk) -> Result<String, NotLetIn> {
        if introduction.mechanism.as_str() != "PLAIN" {
            return Err(NotLetIn::Nonsense(format!("it asks for the mechanism {}", introduction.mechanism)));
        }
        let Some((user, password)) = plain(introduction.response.as_bytes()) else {
            return Err(NotLetIn::Nonsense("its response to PLAIN has no name and password".to_owned()));
        };
        match self.shared.users.admits(user, password, self.peer.ip()) {
            true => Ok(user.to_owned()),
            false => {
                tokio::time::sleep(WRONG_PASSWORD).await;
                let refusal = Refusal::new(
                    Code::AccessRefused,
                    "Login was refused using authentication mechanism PLAIN. For details see the broker logfile.",
                );
                tracing::warn!(peer = %self.peer, "a client at {} has a wrong name or password, or comes from afar", self.peer);
                match capability(&introduction.client_properties, "authentication_failure_close") {
                    Hears::Yes => Err(NotLetIn::Refused(refusal)),
                    // to one that does not know better, the end of the connection says it
                    Hears::No => {
                        Err(NotLetIn::Gone(io::Error::new(io::ErrorKind::PermissionDenied, refusal.text)))
                    }
                }
            }
        }
    }

    async fn say(&mut self, method: connection::AMQPMethod) -> io::Result<()> {
        let mut buffer = BytesMut::new();
        write::method(&mut buffer, 0, &AMQPClass::Connection(method));
        self.write.write_all(&buffer).await
    }

    async fn hear(&mut self) -> Result<connection::AMQPMethod, NotLetIn> {
        loop {
            match self.incoming.next().await? {
                Frame::Heartbeat => {}
                Frame::Method { channel: 0, payload } => {
                    return match method::decode(&payload).map_err(NotLetIn::Refused)? {
                        Method::Other(AMQPClass::Connection(method)) => Ok(method),
                        _ => Err(out_of_turn()),
                    };
                }
                _ => return Err(out_of_turn()),
            }
        }
    }
}

fn out_of_turn() -> NotLetIn {
    refused(Code::CommandInvalid, "the connection is not open yet")
}

fn refused(code: Code, text: impl std::fmt::Display) -> NotLetIn {
    NotLetIn::Refused(Refusal::new(code, text))
}

/// What the broker says of itself.
fn start() -> connection::Start {
    let mut capabilities = FieldTable::default();
    for name in [
        "publisher_confirms",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ] {
        capabilities.insert(name.into(), AMQPValue::Boolean(true));
    }
    let mut properties = FieldTable::default();
    for (name, value) in [
        ("product", "Tradewind broker"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("platform", "Rust"),
        ("information", "One node, for a laptop and for tests"),
    ] {
        properties.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    connection::Start {
        version_major: 0,
        version_minor: 9,
        server_properties: properties,
        mechanisms: "PLAIN".into(),
        locales: "en_US".into(),
    }
}

/// The name and password in a response to PLAIN (RFC 4616). Nobody acts as somebody else.
fn plain(response: &[u8]) -> Option<(&str, &str)> {
    let mut parts = response.strip_prefix(b"\0")?.splitn(2, |byte| *byte == 0);
    let (user, password) = (parts.next()?, parts.next()?);
    Some((std::str::from_utf8(user).ok()?, std::str::from_utf8(password).ok()?))
}

/// What holds after the client has said what it wishes: no more than it was offered, and no less than the
/// protocol asks for. 0 stands for no limit, which is more.
fn agree(wish: &connection::TuneOk, channels: u16, frame: u32) -> Result<Agreed, NotLetIn> {
    let connection::TuneOk { channel_max, frame_max, heartbeat } = *wish;
    if channel_max == 0 || channel_max > channels {
        return Err(NotLetIn::Nonsense(format!("it wants {channel_max} channels of {channels}")));
    }
    if !(FRAME_MIN..=frame).contains(&frame_max) {
        let text = format!("it wants frames of {frame_max} bytes, not of {FRAME_MIN} to {frame}");
        return Err(NotLetIn::Nonsense(text));
    }
    let heartbeat = (heartbeat > 0).then(|| Duration::from_secs(heartbeat.into()));
    Ok(Agreed { channel_max, frame_max, heartbeat })
}

fn capability(properties: &FieldTable, name: &str) -> Hears {
    let capabilities = match properties.inner().get("capabilities") {
        Some(AMQPValue::FieldTable(capabilities)) => capabilities,
        _ => return Hears::No,
    };
    match capabilities.inner().get(name) {
        Some(AMQPValue::Boolean(true)) => Hears::Yes,
        _ => Hears::No,
    }
}

fn connection_name(properties: &FieldTable) -> Option<String> {
    match properties.inner().get("connection_name") {
        Some(AMQPValue::LongString(name)) => Some(name.to_string().chars().take(200).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_has_three_parts() {
        assert_eq!(plain(b"\0guest\0secret"), Some(("guest", "secret")));
        assert_eq!(plain(b"\0guest\0se\0cret"), Some(("guest", "se\0cret")));
        for response in [&b""[..], b"guest", b"\0guest", b"\0\xff\0secret", b"admin\0guest\0secret"] {
            assert_eq!(plain(response), None, "{response:?}");
        }
    }

    #[test]
    fn a_smaller_wish_holds_and_what_is_beyond_the_offer_makes_no_sense() {
        let wish =
            |channel_max, frame_max, heartbeat| connection::TuneOk { channel_max, frame_max, heartbeat };
        let agreed = agree(&wish(2047, 131_072, 0), 2047, 131_072).expect("good");
        assert_eq!(agreed, Agreed { channel_max: 2047, frame_max: 131_072, heartbeat: None });
        let agreed = agree(&wish(10, 8192, 5), 2047, 131_072).expect("good");
        assert_eq!(
            agreed,
            Agreed { channel_max: 10, frame_max: 8192, heartbeat: Some(Duration::from_secs(5)) }
        );
        for wish in [wish(0, 8192, 0), wish(3000, 8192, 0), wish(1, 1, 0), wish(1, 0, 0), wish(1, 1 << 20, 0)]
        {
            assert!(matches!(agree(&wish, 2047, 131_072), Err(NotLetIn::Nonsense(_))), "{wish:?}");
        }
    }
}
