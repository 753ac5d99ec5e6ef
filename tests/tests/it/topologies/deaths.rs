//! Each process dies under a stream of orders in all coordinations, and nothing is lost.

use contracts::orders::Coordination;
use rustix::process::Signal;
use system_tests::ground::ground;
use system_tests::load::{Answer, Load, tally};
use system_tests::shop::{Shop, signal};

use super::PROGRAM;

const CARDS: [&str; 5] =
    ["tok_approve", "tok_decline", "tok_approve", "tok_flaky", "tok_charge_then_time_out"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_process_is_killed_in_turn_and_nothing_is_lost() {
    let shop = Shop::start(PROGRAM, &[]).await;
    shop.configure("orders", "saga.lease_ms", 2_000).await;
    shop.configure("orders", "saga.resend_ms", 5_000).await;
    let load = Load::coordinated(&shop, &CARDS, &Coordination::ALL);
    let mut names = ground().processes();
    assert_eq!(names.pop().as_deref(), Some("supervisor"), "nobody would start it again");
    for name in &names {
        load.confirms(5).await;
        let answered = load.answered();
        let died = shop.process(name).await;
        signal(&died, Signal::KILL);
        shop.back(std::slice::from_ref(&died)).await;
        load.confirms(5).await;
        let answers = load.since(answered);
        println!("{name} was killed: {:?}", tally(&answers));
        let has_gateway = died.modules.iter().any(|module| module == "gateway");
        for answer in answers {
            let fine = match answer {
                Answer::Improper(_) | Answer::ShutOut(_) => false,
                Answer::Lost(_) => has_gateway,
                Answer::Confirmed(_) | Answer::Accepted(_) | Answer::Refused(..) => true,
            };
            assert!(fine, "{name} was killed, and a customer was told {answer:?}");
        }
    }
    let told = load.stop().await;
    let known = told.orders();
    for id in &known {
        shop.rest(*id).await;
    }
    let report = shop.audit_clean(&known).await;
    let ended = &report.orders;
    assert!(ended.confirmed + ended.cancelled <= told.keys, "a key made two orders: {report:?}");
    for id in told.confirmed() {
        assert_eq!(shop.order(id).await.step, "confirmed", "as the customer was told");
    }
    shop.stop().await;
}
