//! The control endpoints.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use contracts::{Code, Problem};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::*;

async fn get<T: DeserializeOwned>(mailbox: &Mailbox, path: &str) -> Result<T, Problem> {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let mut response = mailbox.control_routes().oneshot(request).await.expect("an answer");
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Err(problem);
    }
    let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    Ok(serde_json::from_slice(&body).expect("JSON as promised"))
}

#[tokio::test]
async fn tells_how_much_waits_and_for_how_long() {
    for shop in shops().await {
        shop.post(&events(2)).await;
        shop.clock.advance(Duration::from_secs(3));
        shop.post(&events(1)).await;
        let status: MessagesStatus = get(&shop.mailbox, "/messages").await.expect("a status");
        assert_eq!((status.waiting, status.oldest_ms), (3, 3000), "on {}", shop.database.name);
        assert_eq!((status.relay, status.published_total), (RelayState::StandingBy, 0));
        let _relay = shop.mailbox.relaying(&Arc::new(Scripted::working()));
        shop.all_published().await;
        testkit::eventually("three published", PATIENCE, async || {
            let status: MessagesStatus = get(&shop.mailbox, "/messages").await.expect("a status");
            (status.relay == RelayState::Leading && status.published_total == 3).then_some(())
        })
        .await;
        let status: MessagesStatus = get(&shop.mailbox, "/messages").await.expect("a status");
        assert_eq!((status.waiting, status.oldest_ms), (0, 0));
        testkit::eventually("the lag as a metric", PATIENCE, async || {
            let metrics = crate::telemetry::metrics::render();
            (metrics.contains("messages_outbox_waiting{")
                && metrics.contains("messages_outbox_oldest_seconds{"))
            .then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn shows_the_books_page_by_page() {
    for shop in shops().await {
        let messages = events(5);
        shop.post(&messages).await;
        let received: Vec<MessageId> = (0..3).map(|_| MessageId::random()).collect();
        for id in &received {
            shop.mailbox.settle("test.events", *id, &[]).await.expect("settles");
        }
        let (mut posted, mut after) = (Vec::new(), Some(0));
        while let Some(position) = after {
            let path = format!("/messages/outbox?after={position}&limit=2");
            let page: BookPage<OutboxEntry> = get(&shop.mailbox, &path).await.expect("a page");
            assert!(page.items.len() <= 2);
            posted.extend(page.items);
            after = page.next;
        }
        assert_eq!(posted, shop.outbox().await, "on {}", shop.database.name);
        let (entry, Outgoing { to, message }) = (&posted[0], &messages[0]);
        assert_eq!((entry.id, &entry.kind, &entry.exchange), (message.id, &message.kind, &to.exchange));
        assert_eq!((&entry.key, &entry.subject), (&to.key, &message.subject.to_string()));
        assert_eq!((entry.coordination, entry.published_at), (message.coordination, None));

        let page: BookPage<InboxEntry> = get(&shop.mailbox, "/messages/inbox").await.expect("a page");
        assert_eq!(page.next, None);
        assert!(page.items.iter().all(|entry| entry.queue == "test.events"));
        assert_eq!(page.items.iter().map(|entry| entry.id).collect::<Vec<_>>(), received);
    }
}

#[tokio::test]
async fn refuses_parameters_that_make_no_sense() {
    let shop = shops().await.remove(0);
    for mailbox in [&shop.mailbox, &Mailbox::closed()] {
        for path in
            ["outbox?limit=0", "inbox?limit=1001", "outbox?after=-1", "inbox?after=first", "inbox?limit=-1"]
        {
            let refused = get::<serde_json::Value>(mailbox, &format!("/messages/{path}")).await;
            assert_eq!(refused.expect_err(path).code, Code::InvalidRequest, "{path}");
        }
    }
}

#[tokio::test]
async fn a_closed_mailbox_says_so() {
    let closed = Mailbox::closed();
    let status: serde_json::Value = get(&closed, "/messages").await.expect("a status");
    assert_eq!((&status["relay"], &status["waiting"]), (&"closed".into(), &0.into()));
    let page: BookPage<OutboxEntry> = get(&closed, "/messages/outbox").await.expect("a page");
    assert_eq!(page.items, []);
}
