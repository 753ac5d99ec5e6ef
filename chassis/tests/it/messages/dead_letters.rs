//! Dead letters: seen, sent again, dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use chassis::messaging::Handled;
use chassis::messaging::Mailbox;
use chassis::messaging::broker::Parcel;
use chassis::messaging::consumer::consume;
use chassis::messaging::dead_letters::{DeadLetterDetail, DeadLetterList, DeadLetters, Dealt, Which};
use contracts::messages::queues::DELIVERY_LIMIT;
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicNackOptions};
use lapin::types::AMQPValue;
use serde::de::DeserializeOwned;
use testkit::{BrokerKind, brokers, eventually};
use tower::ServiceExt;

use super::bench::{Bench, COMMANDS, SOON, Script, as_sent, command, commands};
use super::ground::grounds;

fn letters(bench: &Bench) -> DeadLetters {
    DeadLetters::new(bench.broker.clone().into(), "inventory", Mailbox::closed())
}

async fn call<T: DeserializeOwned>(
    letters: &DeadLetters,
    method: Method,
    path: &str,
) -> Result<T, StatusCode> {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
    let answer = letters.clone().control_routes().oneshot(request).await.expect("an answer");
    if !answer.status().is_success() {
        return Err(answer.status());
    }
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    Ok(serde_json::from_slice(&body).expect("the agreed shape"))
}

#[tokio::test]
async fn they_are_listed_shown_redriven_once_the_cause_is_gone_and_dropped() {
    for ground in grounds().await {
        let mended = Arc::new(AtomicBool::new(false));
        let gone = mended.clone();
        let handler = Script::new(move |_| match gone.load(Ordering::SeqCst) {
            false => Handled::Hopeless("broken".to_owned()),
            true => Handled::Done,
        });
        ground.consume(COMMANDS, &handler);
        let sent = commands(0..3);
        ground.publish(&sent).await;
        ground.holds(&COMMANDS.dead_letters(), 3).await;

        let control = ground.letters();
        let listed: DeadLetterList =
            call(&control, Method::GET, "/dead-letters?limit=2").await.expect("a list");
        assert_eq!((listed.letters.len(), listed.more, listed.module.as_str()), (2, true, "inventory"));
        let listed: DeadLetterList = call(&control, Method::GET, "/dead-letters").await.expect("a list");
        assert_eq!((listed.letters.len(), listed.more), (3, false));
        let find = |number: usize| {
            let id = sent[number].message.id.to_string();
            listed
                .letters
                .iter()
                .find(|letter| letter.message_id.as_ref() == Some(&id))
                .expect("it is listed")
        };
        let letter = find(0);
        assert_eq!(
            (letter.cause.as_str(), letter.attempts, letter.queue.as_str()),
            ("broken", Some(1), COMMANDS.name)
        );
        assert_eq!(letter.kind.as_ref(), Some(&sent[0].message.kind));
        assert_eq!(letter.subject, Some(sent[0].message.subject.to_string()));
        assert_eq!(letter.trace_id, Some(sent[0].message.trace.trace_id_hex()));
        assert!(letter.died_at.is_some());

        let path = format!("/dead-letters/{}", letter.id);
        let shown: DeadLetterDetail = call(&control, Method::GET, &path).await.expect("it is there");
        assert_eq!((&shown.letter, &shown.body["number"]), (letter, &0.into()));
        assert_eq!(shown.headers["tradewind-cause"], "broken");
        assert_eq!(
            call::<DeadLetterDetail>(&control, Method::GET, "/dead-letters/x").await,
            Err(StatusCode::NOT_FOUND)
        );

        // while the cause is there, it comes back
        let one: Dealt =
            call(&control, Method::POST, &format!("{path}/redrive")).await.expect("it is sent again");
        assert_eq!(one.letters, 1);
        ground.holds(&COMMANDS.dead_letters(), 3).await;
        handler.saw(4).await;

        let dropped: Dealt =
            call(&control, Method::DELETE, &format!("/dead-letters/{}", find(1).id)).await.expect("dropped");
        assert_eq!(dropped.letters, 1);
        mended.store(true, Ordering::SeqCst);
        eventually("the other two to be sent again", SOON, async || {
            let _: Dealt = call(&control, Method::POST, "/dead-letters/redrive").await.ok()?;
            (handler.seen().len() >= 6).then_some(())
        })
        .await;
        let again: Vec<_> =
            handler.seen()[4..].iter().map(|seen| (seen.message.sequence, seen.attempt)).collect();
        assert!(again.contains(&(0, 1)) && again.contains(&(2, 1)) && again.len() == 2, "{again:?}");
        let first =
            handler.seen().into_iter().rev().find(|seen| seen.message.sequence == 0).expect("it came");
        assert_eq!(as_sent(&first, &sent[0]), sent[0].message);
        assert!(ground.letters().list(10).await.expect("a list").letters.is_empty());
    }
}

#[tokio::test]
async fn one_that_kills_every_process_is_put_aside_by_the_broker_and_says_so() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        bench.broker.publish(&[command(1)]).await.expect("confirmed");
        let channel = bench.broker.channel().await.expect("a channel");
        for _ in 0..=DELIVERY_LIMIT {
            let message = eventually("the message", SOON, async || {
                channel.basic_get(COMMANDS.name.into(), BasicGetOptions::default()).await.expect("an answer")
            })
            .await;
            message.acker.nack(BasicNackOptions { requeue: true, multiple: false }).await.expect("sent");
        }
        let list = eventually("the broker to put it aside", SOON, async || {
            letters(&bench).list(10).await.ok().filter(|list| !list.letters.is_empty())
        })
        .await;
        assert!(list.letters[0].cause.contains("delivered more than"), "{list:?}");
        assert!(list.letters[0].died_at.is_some(), "{list:?}");

        let handler = Script::done();
        bench.consume(COMMANDS, &handler);
        assert_eq!(letters(&bench).redrive(&Which::All).await.expect("sent again").letters, 1);
        assert_eq!(handler.saw(1).await[0].attempt, 1);
    }
}

#[tokio::test]
async fn what_the_sender_wanted_of_the_broker_is_not_wanted_again() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let copies = AMQPValue::FieldArray(vec![AMQPValue::LongString("elsewhere".into())].into());
        let mut parcel = Parcel::of(&command(1));
        let mut headers = parcel.properties.headers().clone().expect("headers");
        // the embedded broker sends no copies, and refuses whoever wants some
        if bench.host.kind() == BrokerKind::RabbitMq {
            headers.insert("CC".into(), copies);
        }
        // the user is ours here: of another, the broker would not have taken it
        parcel.properties = parcel
            .properties
            .with_headers(headers)
            .with_expiration("600000".into())
            .with_user_id("guest".into());
        bench.broker.publish_parcels(&[parcel.clone()]).await.expect("confirmed");
        let stop = bench.stop.child_token();
        let hopeless = Script::new(|_| Handled::Hopeless("no".to_owned()));
        tokio::spawn(consume(bench.broker.clone().into(), COMMANDS, hopeless, stop.clone()));
        bench.holds(&COMMANDS.dead_letters(), 1).await;
        stop.cancel();

        let asks_nothing = |properties: &BasicProperties| {
            assert_eq!((properties.expiration(), properties.user_id()), (&None, &None));
            assert!(!properties.headers().as_ref().is_some_and(|headers| headers.contains_key("CC")));
            assert_eq!(properties.message_id(), parcel.properties.message_id());
        };
        let channel = bench.broker.channel().await.expect("a channel");
        let get = async |queue: &str| {
            eventually("the message", SOON, async || {
                channel.basic_get(queue.into(), BasicGetOptions::default()).await.expect("an answer")
            })
            .await
        };
        let letter = get(&COMMANDS.dead_letters()).await;
        asks_nothing(&letter.properties);
        letter.acker.nack(BasicNackOptions { requeue: true, multiple: false }).await.expect("sent");
        eventually("it to be sent again", SOON, async || {
            (letters(&bench).redrive(&Which::All).await.ok()?.letters == 1).then_some(())
        })
        .await;
        asks_nothing(&get(COMMANDS.name).await.properties);
    }
}
