//! Messages that our own clients and services never send.

use std::time::Duration;

use chassis::messaging::rpc::{Frame, request, requests_of};
use contracts::error::ProblemJson;
use contracts::inventory::{STOCK, WATCH};
use contracts::orders::PLACE;
use contracts::{Code, Context, IdempotencyKey, Problem, RemoteReason};
use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Consumer};
use testkit::{brokers, eventually};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wires::WireKind;

use super::super::broker_house::{Instance, clients, connected};
use super::super::cases;
use super::super::house::{PATIENCE, assert_remote, effect_when_sent, unhurried};
use super::super::scripted::{Script, Scripted};
use super::{answers, asked, house};

/// A client that sends what it likes.
struct Raw {
    channel: Channel,
    replies: Consumer,
}

impl Raw {
    async fn over(channel: Channel) -> Self {
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let replies =
            channel.basic_consume(request::DIRECT_REPLY.into(), "".into(), options, FieldTable::default());
        Self { replies: replies.await.expect("listens"), channel }
    }

    async fn send(&self, service: &str, properties: BasicProperties, body: &[u8]) {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let sent = self.channel.basic_publish("".into(), requests_of(service), options, body, properties);
        sent.await.expect("is sent");
    }

    /// The next reply, a problem.
    async fn problem(&mut self) -> Problem {
        let reply = timeout(PATIENCE, self.replies.next()).await.expect("an answer in time");
        let reply = reply.expect("the channel is open").expect("a reply");
        assert_eq!(Frame::read(&reply.properties), Ok((Frame::Problem, 0)));
        let problem: ProblemJson = serde_json::from_slice(&reply.data).expect("problem JSON");
        problem.into_problem().expect("a known code")
    }
}

fn stock() -> BasicProperties {
    request::properties(&STOCK, &unhurried(), "7")
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_and_never_reaches_the_service() {
    for host in brokers().await {
        let (callee, house) = house(host, answers()).await;
        let mut raw = Raw::over(house.broker.channel().await.expect("a channel")).await;
        let late = request::properties(&STOCK, &Context::background("orders", Duration::ZERO), "7");
        // it would not reach the callee at all with the expiration that it should have
        let late = late.with_expiration("60000".into());
        let large = vec![b' '; 1024 * 1024 + 1];
        let requests: Vec<(BasicProperties, &[u8], Code)> = vec![
            (stock(), b"", Code::Malformed),
            (stock(), b"\xff\xfe", Code::Malformed),
            (stock(), b"{\"sku\":", Code::Malformed),
            (stock(), b"[\"A-1\"]", Code::InvalidRequest),
            (stock(), b"{}", Code::InvalidRequest),
            (stock(), &large, Code::TooLarge),
            (stock().with_type("inventory.steal".into()), b"{}", Code::NotFound),
            (stock().with_type("orders.place".into()), b"{}", Code::NotFound),
            (stock().with_type("".into()), b"{}", Code::NotFound),
            (late, b"{\"sku\":\"A-1\"}", Code::DeadlineExceeded),
        ];
        for (properties, body, code) in requests {
            let what = format!("{properties:?} {:?}", String::from_utf8_lossy(&body[..body.len().min(20)]));
            raw.send("inventory", properties, body).await;
            assert_eq!(raw.problem().await.code, code, "{what}");
        }
        assert_eq!(callee.count(), 0);
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_answered_is_dropped_and_harms_nobody() {
    for host in brokers().await {
        let (callee, house) = house(host, answers()).await;
        let raw = Raw::over(house.broker.channel().await.expect("a channel")).await;
        let body = br#"{"sku":"A-1"}"#;
        raw.send("inventory", BasicProperties::default(), body).await;
        raw.send("inventory", BasicProperties::default().with_type("inventory.stock".into()), body).await;
        raw.send("inventory", stock().with_reply_to("orders.requests".into()), body).await;
        // whose reply nobody waits for any more
        raw.send("inventory", stock().with_reply_to("amq.rabbitmq.reply-to.nobody".into()), body).await;
        eventually("the last of them to be answered", PATIENCE, || async {
            (callee.count() == 1).then_some(())
        })
        .await;
        let clients = house.clients();
        assert!(clients.inventory.stock(&unhurried(), asked()).await.is_ok());
        assert_eq!(callee.count(), 2);
    }
}

#[tokio::test]
async fn what_another_instance_may_have_begun_is_not_done_again_unless_it_may_be() {
    for host in brokers().await {
        let stop = CancellationToken::new();
        let broker = connected(&host.url, &stop).await;
        let queue = requests_of("orders");
        let mut raw = Raw::over(broker.channel().await.expect("a channel")).await;
        let options = QueueDeclareOptions { durable: true, auto_delete: true, ..Default::default() };
        raw.channel.queue_declare(queue.clone(), options, FieldTable::default()).await.expect("declares");
        let place = cases::one_each().into_iter().find(|case| *case.operation == PLACE).expect("a case");
        let key = IdempotencyKey::parse("k-1").expect("a key");
        let body = br#"{"customer_id":"ada","lines":[],"card":"tok_approve",
        "address":{"name":"","street":"","city":"","postal_code":"","country":"DE"}}"#;
        raw.send("orders", request::properties(&PLACE, &unhurried(), "7"), body).await;
        raw.send("orders", request::properties(&PLACE, &unhurried().with_key(key), "8"), body).await;
        // an instance takes both, and is gone before it has acknowledged them
        let dying = broker.channel().await.expect("a channel");
        for _ in 0..2 {
            eventually("a request to be delivered", PATIENCE, || async {
                dying.basic_get(queue.clone(), BasicGetOptions::default()).await.expect("gets")
            })
            .await;
        }
        dying.close(200, "gone".into()).await.expect("closes");
        let callee = Scripted::new();
        callee.play(Script::Reply(place.reply.clone()));
        let _instance = Instance::at(&host.url, &callee).await;
        let first =
            timeout(PATIENCE, raw.replies.next()).await.expect("in time").expect("open").expect("a reply");
        let second =
            timeout(PATIENCE, raw.replies.next()).await.expect("in time").expect("open").expect("a reply");
        let said = |reply: &Delivery| {
            let (frame, _) = Frame::read(&reply.properties).expect("a frame");
            (reply.properties.correlation_id().as_ref().expect("a mark").to_string(), frame)
        };
        let mut said = [said(&first), said(&second)];
        said.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(said, [("7".to_owned(), Frame::Problem), ("8".to_owned(), Frame::Reply)]);
        assert_eq!(callee.count(), 1, "the one that may be repeated was");
    }
}

/// A service that answers every request with the same messages.
async fn answering(channel: Channel, answers: Vec<(BasicProperties, Vec<u8>)>) {
    for service in wires::choices::MODULES {
        let queue = requests_of(service);
        let options = QueueDeclareOptions { auto_delete: true, durable: true, ..Default::default() };
        channel.queue_declare(queue.clone(), options, FieldTable::default()).await.expect("declares");
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let requests = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await;
        let (mut requests, channel, answers) = (requests.expect("listens"), channel.clone(), answers.clone());
        tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                let to = request.properties.reply_to().clone().expect("a reply address");
                let mark = request.properties.correlation_id().clone().expect("a mark");
                for (properties, body) in &answers {
                    let properties = properties.clone().with_correlation_id(mark.clone());
                    let options = BasicPublishOptions::default();
                    let said = channel.basic_publish("".into(), to.clone(), options, body, properties).await;
                    said.expect("is sent");
                }
            }
        });
    }
}

fn frame(frame: &Frame, sequence: u64, body: &str) -> (BasicProperties, Vec<u8>) {
    (frame.properties(sequence, &"".into()), body.as_bytes().to_vec())
}

#[tokio::test]
async fn an_answer_that_makes_no_sense() {
    let future = r#"{"type":"x","title":"","status":409,"detail":"","code":"of_the_future"}"#;
    let control = || frame(&Frame::Control("nowhere".into()), 0, "");
    for answers in [
        vec![(BasicProperties::default(), b"{}".to_vec())],
        vec![(Frame::Reply.properties(0, &"".into()).with_type("novel".into()), b"{}".to_vec())],
        vec![frame(&Frame::Reply, 0, "<html>an apology</html>")],
        vec![frame(&Frame::Reply, 0, r#"{"unexpected":true}"#)],
        vec![frame(&Frame::Reply, 0, "null")],
        vec![frame(&Frame::Problem, 0, "{")],
        vec![frame(&Frame::Problem, 0, future)],
        vec![frame(&Frame::Item, 0, "{}")],
        vec![frame(&Frame::Opened, 7, "")],
        vec![control(), frame(&Frame::Item, 1, "{}")],
        vec![control(), frame(&Frame::Opened, 2, "")],
    ] {
        for host in brokers().await {
            let stop = CancellationToken::new();
            let broker = connected(&host.url, &stop).await;
            answering(broker.channel().await.expect("a channel"), answers.clone()).await;
            let clients = clients(broker);
            for case in cases::one_each() {
                let result = case.call(&clients, unhurried()).await;
                let effect = effect_when_sent(case.operation);
                assert_remote(result, case.operation, WireKind::Amqp, RemoteReason::Garbled, effect);
            }
        }
    }
}

#[tokio::test]
async fn a_stream_of_which_a_reply_is_lost_is_garbled_and_not_just_shorter() {
    for host in brokers().await {
        let stop = CancellationToken::new();
        let broker = connected(&host.url, &stop).await;
        let channel = broker.channel().await.expect("a channel");
        let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
        channel.queue_declare("control".into(), options, FieldTable::default()).await.expect("declares");
        let level = r#"{"sku":"A-1","available":1,"reserved":0,"version":1}"#;
        let answers = vec![
            frame(&Frame::Control("control".into()), 0, ""),
            frame(&Frame::Opened, 1, ""),
            frame(&Frame::Item, 2, level),
            frame(&Frame::End, 4, ""),
        ];
        answering(channel, answers).await;
        let clients = clients(broker);
        let changes = futures::stream::pending().boxed();
        let mut levels = clients.inventory.watch(&unhurried(), changes).await.expect("opens");
        assert_eq!(levels.next().await, Some(Ok(super::level())));
        let garbled = levels.next().await.expect("an error");
        let effect = effect_when_sent(&WATCH);
        assert_remote(garbled, &WATCH, WireKind::Amqp, RemoteReason::Garbled, effect);
        assert_eq!(levels.next().await, None);
    }
}
