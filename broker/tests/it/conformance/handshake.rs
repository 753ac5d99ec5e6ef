//! How a connection begins: who is let in, and on which terms.

use futures::future::join_all;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties, ErrorKind};

use crate::client::{ALLOWED, Client};
use crate::servers::{Server, servers};
use crate::wire::{Introduction, Wire};

/// What the server says to lapin at this address.
async fn said(url: &str) -> String {
    match Connection::connect(url, ConnectionProperties::default()).await {
        Ok(_) => ALLOWED.to_owned(),
        Err(error) => match error.kind() {
            ErrorKind::ProtocolError(refusal) => format!("{} {}", refusal.get_id(), refusal.get_message()),
            _ => error.to_string(),
        },
    }
}

/// What the server says to such an introduction.
async fn said_to(server: &Server, introduction: Introduction) -> String {
    let mut wire = Wire::dial(server).await;
    wire.introduce(introduction).await;
    wire.refusal().await
}

#[tokio::test]
async fn the_server_tells_what_it_can() {
    for server in servers().await {
        let start = Wire::dial(&server).await.start().await;
        assert_eq!((start.version_major, start.version_minor), (0, 9), "{server}");
        let mechanisms = start.mechanisms.to_string();
        assert!(mechanisms.split(' ').any(|mechanism| mechanism == "PLAIN"), "{server}: {mechanisms}");
        assert_eq!(start.locales.to_string(), "en_US", "{server}");
        let properties = start.server_properties.inner();
        let Some(AMQPValue::FieldTable(capabilities)) = properties.get("capabilities") else {
            panic!("{server} tells no capabilities: {properties:?}");
        };
        for capability in [
            "authentication_failure_close",
            "basic.nack",
            "connection.blocked",
            "consumer_cancel_notify",
            "direct_reply_to",
            "per_consumer_qos",
            "publisher_confirms",
        ] {
            let told = capabilities.inner().get(capability);
            assert_eq!(told, Some(&AMQPValue::Boolean(true)), "{server}, {capability}");
        }
    }
}

#[tokio::test]
async fn the_server_proposes_the_usual_limits() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let terms = client.connection.configuration();
        assert_eq!(
            (terms.channel_max(), terms.frame_max(), terms.heartbeat()),
            (2047, 131_072, 60),
            "{server}"
        );
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_with_a_word_to_clients_that_hear_it() {
    for server in servers().await {
        let text = "403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. \
                    For details see the broker logfile.";
        for credentials in ["guest:wrong@", "nobody:guest@"] {
            let url = server.url.replace("guest:guest@", credentials);
            assert_eq!(said(&url).await, text, "{server}, {credentials}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_closes_the_socket_of_clients_that_do_not_hear_why() {
    for server in servers().await {
        let capabilities = FieldTable::default();
        let introduction =
            Introduction { response: "\0guest\0wrong", capabilities, ..Introduction::default() };
        assert_eq!(said_to(&server, introduction).await, "the socket closes", "{server}");
    }
}

#[tokio::test]
async fn a_virtual_host_that_is_not_there_is_refused() {
    for server in servers().await {
        let url = format!("amqp://guest:guest@{}/nowhere", server.address());
        assert_eq!(said(&url).await, "530 NOT_ALLOWED - vhost nowhere not found", "{server}");
    }
}

#[tokio::test]
async fn an_introduction_that_makes_no_sense_closes_the_socket() {
    let fine = Introduction::default;
    for server in servers().await {
        let introductions = [
            ("an unknown mechanism", Introduction { mechanism: "TELEPATHY", ..fine() }),
            ("a response that is none", Introduction { response: "guest", ..fine() }),
            ("another identity", Introduction { response: "me\0guest\0guest", ..fine() }),
            ("frames below the standard's minimum", Introduction { frame_max: 4095, ..fine() }),
            ("frames above what was proposed", Introduction { frame_max: 131_073, ..fine() }),
            ("frames of any size", Introduction { frame_max: 0, ..fine() }),
            ("channels above what was proposed", Introduction { channel_max: 2048, ..fine() }),
            ("any number of channels", Introduction { channel_max: 0, ..fine() }),
        ];
        // at once: RabbitMQ lets each wait for three seconds
        let all =
            introductions.map(async |(what, introduction)| (what, said_to(&server, introduction).await));
        for (what, said) in join_all(all).await {
            assert_eq!(said, "the socket closes", "{server}, {what}");
        }
    }
}

#[tokio::test]
async fn a_client_may_ask_for_less() {
    for server in servers().await {
        let introduction = Introduction { frame_max: 4096, channel_max: 1, ..Introduction::default() };
        let mut wire = Wire::open_as(&server, introduction).await;
        wire.open_channel_number(1).await;
    }
}

#[tokio::test]
async fn who_speaks_another_protocol_is_told_which_one_is_spoken_here() {
    for server in servers().await {
        for header in [b"AMQP\x00\x00\x08\x00", b"AMQP\x00\x00\x09\x02", b"HTTP/1.1"] {
            let mut wire = Wire::dial(&server).await;
            wire.send_bytes(header).await;
            let answer = wire.rest().await;
            // RabbitMQ 4 says that it also speaks 1.0
            let answers: [&[u8]; 2] = [b"AMQP\x00\x00\x09\x01", b"AMQP\x03\x01\x00\x00"];
            assert!(answers.contains(&answer.as_slice()), "{server} answers {answer:?} to {header:?}");
        }
    }
}

#[tokio::test]
async fn a_closed_connection_is_closed_for_good() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        let connection = client.connection.status().clone();
        client.close().await;
        assert!(!connection.connected() && !channel.status().connected(), "{server}");
    }
}
