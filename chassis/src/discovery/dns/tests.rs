//! What a scripted resolver says, and what is made of it, in virtual time.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::*;

/// What a resolver says at present.
enum Says {
    Has(Vec<&'static str>),
    Nothing,
}

struct Script {
    says: Mutex<Says>,
    asked: AtomicUsize,
}

#[async_trait]
impl Names for Script {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(host, "orders.shop");
        self.asked.fetch_add(1, Ordering::SeqCst);
        match &*self.says.lock() {
            Says::Has(addresses) => Ok(addresses.iter().map(|text| text.parse().unwrap()).collect()),
            Says::Nothing => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// A directory, who it asks, and the end of it.
fn directory() -> (DnsDirectory, Arc<Script>, tokio_util::sync::DropGuard) {
    let script = Arc::new(Script { says: Mutex::new(Says::Nothing), asked: AtomicUsize::new(0) });
    let template = Template::parse("dns://{module}.shop:9000").unwrap();
    let stop = CancellationToken::new();
    (DnsDirectory::over(script.clone(), template, stop.clone()), script, stop.drop_guard())
}

impl Script {
    fn says(&self, says: Says) {
        *self.says.lock() = says;
    }

    /// Returns when it was asked so many times more, and what it said has been weighed.
    async fn asked_again(&self, times: usize) {
        let until = self.asked.load(Ordering::SeqCst) + times;
        while self.asked.load(Ordering::SeqCst) < until {
            sleep(Duration::from_millis(100)).await;
        }
    }
}

fn addresses(directory: &DnsDirectory) -> Vec<String> {
    directory.instances("orders").iter().map(|instance| instance.address.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_address_of_a_name_is_an_instance() {
    let (directory, script, _stop) = directory();
    script.says(Says::Has(vec!["10.0.0.9", "10.0.0.10", "10.0.0.9"]));
    assert!(directory.instances("orders").is_empty(), "nobody waits for the first answer");
    let mut changes = directory.changed("orders");
    changes.changed().await.unwrap();
    let instance = |ip: &str, address: &str| Instance {
        id: format!("orders-{ip}"),
        service: "orders".to_owned(),
        address: address.to_owned(),
        meta: Default::default(),
    };
    let expected = [instance("10.0.0.10", "10.0.0.10:9000"), instance("10.0.0.9", "10.0.0.9:9000")];
    assert_eq!(**changes.borrow_and_update(), expected, "in order of their ids, each once");
    script.says(Says::Has(vec!["10.0.0.10"]));
    changes.changed().await.unwrap();
    assert_eq!(addresses(&directory), ["10.0.0.10:9000"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_with_an_address_of_each_family_is_one_instance() {
    let (directory, script, _stop) = directory();
    script.says(Says::Has(vec!["2001:db8::7", "10.0.0.9"]));
    directory.changed("orders").changed().await.unwrap();
    assert_eq!(addresses(&directory), ["10.0.0.9:9000"]);
    script.says(Says::Has(vec!["2001:db8::7"]));
    script.asked_again(1).await;
    assert_eq!(addresses(&directory), ["[2001:db8::7]:9000"], "a network may have the newer family alone");
}

#[tokio::test(start_paused = true)]
async fn it_asks_once_a_second_and_not_after_shutdown() {
    let (directory, script, stop) = directory();
    directory.instances("orders");
    let begun = Instant::now();
    script.asked_again(10).await;
    assert!(begun.elapsed() >= REST * 9, "{:?}", begun.elapsed());
    drop(stop);
    sleep(REST * 2).await;
    let asked = script.asked.load(Ordering::SeqCst);
    sleep(REST * 10).await;
    assert_eq!(script.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test(start_paused = true)]
async fn the_last_known_stay_while_nobody_answers() {
    let (directory, script, _stop) = directory();
    script.says(Says::Has(vec!["10.0.0.9"]));
    directory.changed("orders").changed().await.unwrap();
    script.says(Says::Nothing);
    script.asked_again(600).await;
    assert_eq!(addresses(&directory), ["10.0.0.9:9000"]);
    script.says(Says::Has(vec!["10.0.0.8"]));
    script.asked_again(1).await;
    assert_eq!(addresses(&directory), ["10.0.0.8:9000"]);
}

#[tokio::test(start_paused = true)]
async fn that_there_is_no_such_name_is_believed_after_a_while_and_only_without_a_break() {
    let (directory, script, _stop) = directory();
    script.says(Says::Has(vec!["10.0.0.9"]));
    directory.changed("orders").changed().await.unwrap();
    for pause in [Says::Nothing, Says::Has(vec!["10.0.0.9"])] {
        script.says(Says::Has(Vec::new()));
        script.asked_again(9).await;
        assert_eq!(addresses(&directory), ["10.0.0.9:9000"], "whoever answers may just have been started");
        script.says(pause);
        script.asked_again(1).await;
    }
    script.says(Says::Has(Vec::new()));
    script.asked_again(12).await;
    assert!(addresses(&directory).is_empty());
}
