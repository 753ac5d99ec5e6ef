//! What a person has to mend is said in words that say how, and works by itself once it is mended.

use testkit::{brokers, eventually};

use super::bench::{Bench, COMMANDS, SOON, command};

#[tokio::test]
async fn wrong_credentials_say_so() {
    for host in brokers().await {
        let stranger = host.url.replace("guest:guest@", "guest:hunter2@");
        let bench = Bench::at(host, &stranger);
        let why = complaint(&bench, "user and password").await;
        assert!(why.contains("guest") && !why.contains("hunter2"), "{why}");
    }
}

#[tokio::test]
async fn an_unknown_virtual_host_says_so() {
    for host in brokers().await {
        let elsewhere = format!("{}-not", host.url);
        let bench = Bench::at(host, &elsewhere);
        complaint(&bench, "rabbitmqctl add_vhost").await;
        assert!(bench.broker.publish(&[command(1)]).await.is_err());
    }
}

#[tokio::test]
async fn a_queue_that_was_declared_otherwise_says_so_until_it_is_gone() {
    for host in brokers().await {
        host.declare_queue(COMMANDS.name, "classic").await;
        let url = host.url.clone();
        let bench = Bench::at(host, &url);
        let why = complaint(&bench, "rabbitmqctl delete_queue").await;
        assert!(why.contains(COMMANDS.name), "{why}");

        bench.host.delete_queue(COMMANDS.name).await;
        bench.connected().await;
        bench.broker.publish(&[command(1)]).await.expect("confirmed");
    }
}

async fn complaint(bench: &Bench, advice: &str) -> String {
    eventually(advice, SOON, async || bench.broker.check().err().filter(|why| why.contains(advice))).await
}
