//! Clients that do not get past the door.

use futures::future::join_all;

use super::bytes::{
    self, Bytes, CLOSE, HEARTBEAT, METHOD, OPEN_OK, PROTOCOL, START_OK, announced, frame, method, start_ok,
    start_ok_with, tune_ok,
};
use super::raw::No::{Connection, Silent};
use super::{Bystander, Raw, is_embedded};
use crate::servers::{embedded_with, servers};

/// Sends each of these streams on a fresh connection that is as far as `to` takes it: none is let in, and the
/// bystander lives. What RabbitMQ does not say a code to, it ends after three seconds without a word.
async fn are_shut_out<'a, R>(
    to: impl Fn(&'a str) -> R,
    url: &'a str,
    streams: impl IntoIterator<Item = Bytes>,
) where
    R: Future<Output = Raw>,
{
    let mut bystander = Bystander::at(url).await;
    let attempts = streams.into_iter().enumerate().map(|(number, stream)| {
        let connecting = to(url);
        async move {
            let mut raw = connecting.await;
            raw.send(stream).await;
            let refusal = raw.refusal().await;
            assert!(!refusal.before.contains(&OPEN_OK), "stream {number} is let in: {refusal:?}");
        }
    });
    join_all(attempts).await;
    bystander.lives().await;
}

#[tokio::test]
async fn who_speaks_another_protocol_is_told_which_one_is_spoken() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let hello: [&[u8]; 5] = [
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            // AMQP 1.0, a version that there never was, TLS
            b"AMQP\x00\x01\x00\x00",
            b"AMQP\x00\x00\x09\x02",
            b"\x16\x03\x01\x00\xF4\x01\x00\x00\xF0\x03\x03",
            &[0; 8],
        ];
        for greeting in hello {
            let mut raw = Raw::dial(&server.url).await;
            raw.send(greeting).await;
            let answer = raw.input.end().await;
            // RabbitMQ 4 would rather speak AMQP 1.0
            let is_good = answer == PROTOCOL || answer == b"AMQP\x03\x01\x00\x00" && !is_embedded(&server);
            assert!(is_good, "{} answers {greeting:?} with {answer:?}", server.name);
        }
        bystander.lives().await;
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        for response in ["\0guest\0wrong", "\0nobody\0guest", "\0guest\0", "\0\0"] {
            let mut raw = Raw::greeted(&server.url).await;
            raw.send(start_ok("PLAIN", response)).await;
            let refusal = raw.refusal().await;
            assert_eq!(refusal.no, Connection(403), "{}: {response:?}", server.name);
            let words = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.";
            assert!(refusal.text.starts_with(words), "{}: {}", server.name, refusal.text);
        }
        bystander.lives().await;
    }
}

#[tokio::test]
async fn who_does_not_know_of_refusals_is_refused_without_a_word() {
    for server in servers().await {
        let mut raw = Raw::greeted(&server.url).await;
        raw.send(start_ok_with([], "PLAIN", "\0guest\0wrong")).await;
        let refusal = raw.refusal().await;
        assert_eq!((refusal.no, refusal.before), (Silent, vec![]), "{}", server.name);
    }
}

#[tokio::test]
async fn who_does_not_say_who_it_is_is_shut_out() {
    for server in servers().await {
        let open = bytes::open(Raw::dial(&server.url).await.virtual_host());
        let rest = tune_ok(2047, 131_072, 0).raw(&open);
        let introductions = [
            start_ok("SCRAM-SHA-256", "x"),
            start_ok("plain", "\0guest\0guest"),
            start_ok("", ""),
            start_ok("EXTERNAL", ""),
            start_ok("PLAIN", ""),
            start_ok("PLAIN", "guest"),
            start_ok("PLAIN", "\0guest"),
            start_ok("PLAIN", "\0guest\0guest\0guest"),
            start_ok("PLAIN", b"\0\xFF\xFE\0guest"),
            start_ok("PLAIN", [0; 10_000]),
            // properties that cannot be read
            start_ok_with(Bytes::new().short("a").raw(b"F").u32(500), "PLAIN", "\0guest\0guest"),
            method(0, START_OK, [1, 2, 3]),
        ];
        are_shut_out(Raw::greeted, &server.url, introductions.map(|introduction| introduction.raw(&rest)))
            .await;
    }
}

#[tokio::test]
async fn who_does_not_introduce_itself_first_is_shut_out() {
    for server in servers().await {
        let open = bytes::open(Raw::dial(&server.url).await.virtual_host());
        let streams = [
            tune_ok(2047, 131_072, 0).raw(&open),
            open,
            bytes::channel_open(1),
            bytes::message(1, "queue", "x"),
            bytes::body(0, "x"),
            frame(HEARTBEAT, 0, "x"),
            frame(200, 0, "x"),
            bytes::close(),
            announced(METHOD, 0, u32::MAX),
            announced(METHOD, 0, 1 << 20),
        ];
        are_shut_out(Raw::greeted, &server.url, streams).await;
    }
}

#[tokio::test]
async fn who_takes_more_than_was_offered_is_shut_out() {
    for server in servers().await {
        let open = bytes::open(Raw::dial(&server.url).await.virtual_host());
        let limits = [
            tune_ok(2047, 1, 0),
            tune_ok(2047, 4095, 0),
            tune_ok(2047, 131_073, 0),
            tune_ok(2047, u32::MAX, 0),
            // no limit at all
            tune_ok(2047, 0, 0),
            tune_ok(0, 131_072, 0),
            tune_ok(2048, 131_072, 0),
            tune_ok(u16::MAX, 131_072, 0),
        ];
        let streams = limits.into_iter().map(|limits| limits.raw(&open)).chain([open.clone()]);
        are_shut_out(Raw::let_in, &server.url, streams).await;
    }
}

#[tokio::test]
async fn a_client_chooses_its_heartbeat() {
    for server in servers().await {
        for heartbeat in [0, 1, 60_000, u16::MAX] {
            let mut raw = Raw::tuned(&server.url, 1, 4096, heartbeat).await;
            raw.open_channel(1).await;
        }
    }
}

#[tokio::test]
async fn a_virtual_host_that_there_is_not_is_refused() {
    for server in servers().await {
        let mut raw = Raw::let_in(&server.url).await;
        raw.send(tune_ok(2047, 131_072, 0).raw(bytes::open("nowhere"))).await;
        let refusal = raw.refusal().await;
        assert_eq!(refusal.no, Connection(530), "{}", server.name);
        assert_eq!(refusal.text, "NOT_ALLOWED - vhost nowhere not found", "{}", server.name);
    }
}

#[tokio::test]
async fn nothing_comes_between_the_limits_and_the_opening() {
    for server in servers().await {
        for stream in [bytes::channel_open(1), bytes::prefetch(1, 1), tune_ok(2047, 131_072, 0)] {
            let mut bystander = Bystander::at(&server.url).await;
            let mut raw = Raw::let_in(&server.url).await;
            raw.send(tune_ok(2047, 131_072, 0).raw(stream)).await;
            let refusal = raw.refusal().await;
            assert!(matches!(refusal.no, Connection(501..=505)), "{}: {refusal:?}", server.name);
            bystander.lives().await;
        }
    }
}

#[tokio::test]
async fn who_falls_silent_at_the_door_is_shut_out() {
    // RabbitMQ waits for ten seconds
    let server = embedded_with(|config| config.limits.handshake_ms = 300).await;
    let mut bystander = Bystander::at(&server.url).await;
    let url = &server.url;
    let mut half = Raw::dial(url).await;
    half.send(b"AMQP").await;
    let mut half_introduced = Raw::greeted(url).await;
    half_introduced.send(announced(METHOD, 0, 100).raw([0, 10, 0, 11])).await;
    let mut tuned = Raw::let_in(url).await;
    tuned.send(tune_ok(2047, 131_072, 1)).await;
    let silent =
        [Raw::dial(url).await, half, Raw::greeted(url).await, half_introduced, Raw::let_in(url).await, tuned];
    for mut raw in silent {
        assert!(!raw.refusal().await.before.contains(&OPEN_OK));
    }
    bystander.lives().await;
}

#[tokio::test]
async fn heartbeats_do_not_keep_the_door_open() {
    let server = embedded_with(|config| config.limits.handshake_ms = 300).await;
    let Raw { mut input, mut output, .. } = Raw::let_in(&server.url).await;
    let knocking = async {
        use tokio::io::AsyncWriteExt as _;
        while output.write_all(bytes::heartbeat().as_ref()).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let ((), _) = tokio::join!(knocking, input.end());
}

#[tokio::test]
async fn who_leaves_during_the_handshake_is_not_missed() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        for goodbye in [bytes::close(), method(0, CLOSE, []), Bytes::new()] {
            let mut raw = Raw::let_in(&server.url).await;
            raw.send(goodbye).await;
            raw.hang_up().await;
        }
        bystander.lives().await;
    }
}
