//! Orders that wait for messages for long: how often they are looked after, and what must not stand in the
//! way of that.

use std::time::Duration;

use contracts::messages::queues::ORDERS_REPLIES;
use contracts::orders::Coordination;
use tokio_util::sync::CancellationToken;

use super::Talk;
use super::modules::obey;
use crate::shop::{PATIENCE, Shop};

const HOW: Coordination = Coordination::Orchestrated;

impl Shop {
    async fn looks_after_orders(&self) {
        self.saga.recovery_pass().await.expect("the database answers");
    }
}

/// In an outage that lasted for hours every order that waited was asked for every half a minute.
#[tokio::test]
async fn who_does_not_answer_is_asked_after_as_long_again_but_every_hour() {
    let talk = Talk::open().await;
    let id = talk.placed(HOW).await.id;
    let [_, command] = &talk.shop.double.said()[..] else { panic!("an event and a command") };
    let mut asked = Vec::new();
    for look in 1..=250 {
        talk.shop.resend_is_due();
        talk.shop.looks_after_orders().await;
        match &talk.names()[..] {
            [] => {}
            [name] if name == "reserve_stock" => asked.push(look),
            other => panic!("{other:?}"),
        }
    }
    // in halves of a minute
    assert_eq!(asked, [1, 2, 4, 8, 16, 32, 64, 128, 248]);
    let reply = obey(talk.others(), "inventory", &command.message).await.message;
    talk.deliver(&ORDERS_REPLIES, &reply).await;
    assert_eq!((talk.step_of(id).await.as_str(), talk.names().len()), ("authorizing", 1));
    talk.shop.resend_is_due();
    talk.shop.looks_after_orders().await;
    assert_eq!(talk.names(), ["authorize_payment"], "with a step it begins again");
}

#[tokio::test]
async fn a_process_without_a_broker_puts_nobody_off() {
    let talk = Talk::open().await;
    talk.placed(HOW).await;
    talk.names();
    talk.shop.clock.advance(Duration::from_secs(3_600));
    talk.shop.without_mail().await.looks_after_orders().await;
    talk.shop.resend_is_due();
    talk.shop.looks_after_orders().await;
    assert_eq!(talk.names(), ["reserve_stock"]);
}

/// The rows were read again at each look, as the first ones, and hid the others for ever.
#[tokio::test]
async fn orders_that_make_no_sense_do_not_hide_the_others() {
    let talk = Talk::open().await;
    for _ in 0..40 {
        talk.placed(HOW).await;
    }
    talk.shop.alter("UPDATE orders_orders SET state = 'dreaming'").await;
    talk.shop.clock.advance(Duration::from_millis(1));
    talk.placed(HOW).await;
    talk.names();
    talk.shop.resend_is_due();
    for _ in 0..2 {
        talk.shop.looks_after_orders().await;
    }
    assert_eq!(talk.names(), ["reserve_stock"]);
    // and whoever mends them need not wait for long
    talk.shop.alter("UPDATE orders_orders SET state = '\"reserving\"'").await;
    talk.shop.resend_is_due();
    talk.shop.looks_after_orders().await;
    talk.shop.looks_after_orders().await;
    assert_eq!(talk.names().len(), 41);
}

#[tokio::test]
async fn waiting_orders_are_looked_after_in_a_task_of_its_own_until_shutdown() {
    let talk = Talk::open().await;
    talk.placed(HOW).await;
    talk.names();
    talk.shop.resend_is_due();
    let shutdown = CancellationToken::new();
    let looking = tokio::spawn(talk.shop.saga.clone().look_after_waiting(shutdown.clone()));
    talk.shop.double.speaks().await;
    assert_eq!(talk.names(), ["reserve_stock"]);
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, looking).await.expect("ends").expect("does not panic");
}
