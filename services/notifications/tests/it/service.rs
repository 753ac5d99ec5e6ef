//! What the port answers.

use contracts::messages::MessageId;
use contracts::notifications::{ListNotifications, Notifications as _, StreamNotifications};
use contracts::types::{Cursor, PageRequest};
use contracts::{Code, PortResult};
use uuid::Uuid;

use crate::{HARDLY_EVER, benches, customer};

fn code<T>(result: PortResult<T>) -> Code {
    result.err().expect("a refusal").code().expect("a decision of the service")
}

#[tokio::test]
async fn a_customer_sees_their_own_newest_first_page_by_page() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let (ada, bob) = (customer("ada"), customer("bob"));
        let mut expected = Vec::new();
        for _ in 0..5 {
            expected.insert(0, replica.confirmed(&ada).await.id);
            replica.confirmed(&bob).await;
        }
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = PageRequest { cursor, limit: Some(2) };
            let request = ListNotifications { customer_id: ada.clone(), page };
            let page = replica.service.list(&replica.ctx, request).await.expect("a page");
            assert!(page.items.len() <= 2);
            seen.extend(page.items.into_iter().map(|notification| notification.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);

        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = PageRequest { cursor, limit: Some(3) };
            let page = replica.service.audit(&replica.ctx, page).await.expect("a page");
            all.extend(page.items.into_iter().map(|notification| notification.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(all.len(), 10);
        assert!(all.is_sorted() && expected.iter().all(|id| all.contains(id)));
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let (ada, bob) = (customer("ada"), customer("bob"));
        let of_bob = replica.confirmed(&bob).await.id;
        let list = |customer_id, key: String| {
            let page = PageRequest { cursor: Some(Cursor(key).encode()), limit: None };
            replica.service.list(&replica.ctx, ListNotifications { customer_id, page })
        };
        assert_eq!(code(list(ada.clone(), of_bob.to_string()).await), Code::InvalidCursor);
        assert_eq!(code(list(ada.clone(), "SKU-1".into()).await), Code::InvalidCursor);
        assert_eq!(code(list(customer("a b"), of_bob.to_string()).await), Code::InvalidRequest);
        let page = PageRequest { cursor: Some(Cursor("SKU-1".into()).encode()), limit: None };
        assert_eq!(code(replica.service.audit(&replica.ctx, page).await), Code::InvalidCursor);

        for (customer_id, after) in
            [(customer(""), None), (ada.clone(), Some(of_bob)), (ada, Some(MessageId(Uuid::nil())))]
        {
            let request = StreamNotifications { customer_id, after };
            assert_eq!(code(replica.service.stream(&replica.ctx, request).await), Code::InvalidRequest);
        }
    }
}
