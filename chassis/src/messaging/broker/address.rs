//! Where the broker is, and who we are there.

use std::fmt;

use lapin::uri::AMQPUri;

/// How often each side says that it is there, in seconds: a connection over which nothing came for
/// twice as long is dead.
const HEARTBEAT: u16 = 5;

/// How long a frame may be, in bytes: RabbitMQ's least. lapin keeps room for 64 of them on each connection: with
/// the 128 KiB that brokers offer that would be 16 MiB for each process. What is longer is sent in several.
const FRAME: u32 = 8 * 1024;

/// A broker's address, with the password in it. What is shown of it never holds the password.
#[derive(Clone)]
pub(super) struct BrokerAddress(AMQPUri);

/// What is wrong with the text of an address.
#[derive(Debug, thiserror::Error)]
#[error("the broker's address {0}; it should read amqp://USER:PASSWORD@HOST:PORT/VHOST")]
pub(super) struct MalformedAddress(&'static str);

impl BrokerAddress {
    /// Reads `amqp://USER:PASSWORD@HOST:PORT/VHOST`. What is left out is `guest`, 5672 and `/`.
    pub(super) fn parse(text: &str) -> Result<Self, MalformedAddress> {
        let url = reqwest::Url::parse(text).map_err(|_| MalformedAddress("is not a URL"))?;
        match url.scheme() {
            "amqp" => {}
            "amqps" => return Err(MalformedAddress("asks for TLS (amqps), which is not built in")),
            _ => return Err(MalformedAddress("does not begin with amqp://")),
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(MalformedAddress("names no host"))?;
        let mut uri: AMQPUri = text.parse().map_err(|_| MalformedAddress("cannot be read"))?;
        // lapin does not look into the brackets of an IPv6 address
        uri.authority.host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if uri.vhost.is_empty() {
            uri.vhost = "/".to_owned();
        }
        if uri.vhost.len() > 255 {
            return Err(MalformedAddress("names a virtual host of more than 255 bytes"));
        }
        uri.query.heartbeat = uri.query.heartbeat.filter(|seconds| *seconds > 0).or(Some(HEARTBEAT));
        uri.query.frame_max = uri.query.frame_max.filter(|bytes| *bytes > 0).or(Some(FRAME));
        Ok(Self(uri))
    }

    pub(super) fn uri(&self) -> AMQPUri {
        self.0.clone()
    }

    pub(super) fn user(&self) -> &str {
        &self.0.authority.userinfo.username
    }

    pub(super) fn virtual_host(&self) -> &str {
        &self.0.vhost
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { authority, vhost, .. } = &self.0;
        let host = &authority.host;
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "amqp://{}@{open}{host}{close}:{} (virtual host {vhost})", self.user(), authority.port)
    }
}

impl fmt::Debug for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> AMQPUri {
        BrokerAddress::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).uri()
    }

    #[test]
    fn what_is_left_out_is_as_rabbitmq_has_it() {
        for text in ["amqp://localhost", "amqp://localhost/", "amqp://localhost:5672/%2f"] {
            let uri = parsed(text);
            assert_eq!((uri.vhost.as_str(), uri.authority.port), ("/", 5672), "{text}");
            assert_eq!(uri.authority.userinfo.username, "guest");
            assert_eq!((uri.query.heartbeat, uri.query.frame_max), (Some(HEARTBEAT), Some(FRAME)));
        }
    }

    #[test]
    fn user_password_and_virtual_host_are_taken_and_the_password_never_shown() {
        let address = BrokerAddress::parse("amqp://shop:s%40cret@10.0.0.7:5673/orders").expect("an address");
        let uri = address.uri();
        assert_eq!(uri.authority.userinfo.password, "s@cret");
        assert_eq!((uri.authority.host.as_str(), uri.authority.port), ("10.0.0.7", 5673));
        assert_eq!(uri.vhost, "orders");
        let shown = format!("{address} {address:?}");
        assert!(shown.contains("shop@10.0.0.7:5673"), "{shown}");
        assert!(!shown.contains("cret"), "{shown}");
    }

    #[test]
    fn an_ipv6_host_keeps_its_address() {
        let address = BrokerAddress::parse("amqp://[::1]:5673").expect("an address");
        assert_eq!(address.uri().authority.host, "::1");
        assert!(address.to_string().contains("[::1]:5673"), "{address}");
    }

    #[test]
    fn what_is_malformed_is_refused_without_showing_it() {
        for text in
            ["", "broker", "http://me:hunter2@host", "amqps://me:hunter2@host", "amqp://", "amqp:hunter2"]
        {
            let error = BrokerAddress::parse(text).expect_err(text).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let vhost = "x".repeat(256);
        assert!(BrokerAddress::parse(&format!("amqp://host/{vhost}")).is_err());
    }
}
