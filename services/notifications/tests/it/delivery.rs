//! The worker: into the folder, and to a mail server that behaves well or badly.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock as _;
use chassis::config::Live;
use contracts::notifications::{Delivery, Notification};
use notifications::config::{DeliveryConfig, OutboxConfig, SmtpConfig};
use notifications::delivery::{Courier, Outbox, Pass};
use notifications::domain::Next;
use notifications::store::{NotificationsStore as _, Settled};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::smtp::{Scene, Server};
use crate::{HARDLY_EVER, PATIENCE, Replica, benches, customer};

const LEASE: Duration = Duration::from_secs(60);
/// Longer than any claim of a worker lasts.
const CLAIMS_ARE_OVER: Duration = Duration::from_secs(3600);

/// No mail server.
fn nobody() -> SmtpConfig {
    SmtpConfig::default()
}

impl Replica {
    fn courier(&self, folder: &Path, smtp: SmtpConfig) -> Courier {
        Courier {
            store: self.store.clone(),
            clock: Arc::new(self.clock.clone()),
            smtp: Live::fixed(smtp),
            files: Live::fixed(OutboxConfig::default()),
            config: Live::fixed(DeliveryConfig::default()),
            outbox: Outbox::new(folder.to_owned()),
            mail: self.mail.clone(),
        }
    }

    async fn delivery(&self, mail: &Notification) -> Delivery {
        let found = self.store.notification(&mail.customer_id, mail.id).await.expect("reads");
        found.expect("is there").delivery
    }
}

async fn pass(courier: &Courier) -> Pass {
    courier.pass(&CancellationToken::new()).await.expect("passes")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The files in the outbox, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn read(path: &Path) -> String {
    String::from_utf8(std::fs::read(path).expect("a file")).expect("ASCII")
}

#[tokio::test]
async fn without_a_server_mails_go_into_the_folder() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        let ada = customer("ada");
        let mails = [replica.confirmed(&ada).await, replica.confirmed(&ada).await];
        let courier = replica.courier(folder.path(), nobody());
        assert_eq!(pass(&courier).await, Pass::Done);
        let files = files(folder.path());
        assert_eq!(files.len(), 2);
        for (mail, file) in mails.iter().zip(&files) {
            assert_eq!(replica.delivery(mail).await, Delivery::Sent);
            let text = read(file);
            assert!(text.contains(&format!("Message-ID: <{}@", mail.id)), "{text}");
            assert!(text.contains("To: ada@customers.tradewind.example\r\n"), "{text}");
            assert!(text.contains("\r\n\r\nHello ada,\r\n"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_crash_between_file_and_database_changes_nothing() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        let mail = replica.confirmed(&customer("ada")).await;
        let server = Server::playing(&[Scene::Accept]).await;
        let courier = replica.courier(folder.path(), server.config());
        pass(&courier).await;
        let (file, text) = (files(folder.path()), read(&files(folder.path())[0]));

        // as if the worker had died before it stored that the mail is sent
        bench.execute("UPDATE notifications_mails SET delivery = 'pending' WHERE id = $1", mail.id).await;
        pass(&courier).await;
        assert_eq!(server.mails().len(), 1, "the claim still holds");
        bench.clock.advance(CLAIMS_ARE_OVER);
        pass(&courier).await;
        assert_eq!(replica.delivery(&mail).await, Delivery::Sent);
        assert_eq!((files(folder.path()), read(&file[0])), (file.clone(), text));
        let mails = server.mails();
        assert_eq!((mails.len(), &mails[0]), (2, &mails[1]), "the same mail, with the same Message-ID");
    }
}

#[tokio::test]
async fn two_workers_send_each_mail_once() {
    for bench in benches().await {
        let (one, two) = (bench.replica(HARDLY_EVER).await, bench.replica(HARDLY_EVER).await);
        let folder = folder();
        let server = Server::playing(&[Scene::Accept]).await;
        let mut mails = Vec::new();
        for number in 0..30 {
            mails.push(one.confirmed(&customer(&format!("c{number}"))).await);
        }
        let shutdown = CancellationToken::new();
        let at_work = [&one, &two].map(|replica| {
            let mut courier = replica.courier(folder.path(), server.config());
            courier.config = Live::fixed(DeliveryConfig { batch: 3, poll_ms: 10, ..Default::default() });
            tokio::spawn(courier.run(shutdown.clone()))
        });
        for mail in &mails {
            testkit::eventually("the delivery", PATIENCE, || async {
                (one.delivery(mail).await == Delivery::Sent).then_some(())
            })
            .await;
        }
        shutdown.cancel();
        for courier in at_work {
            tokio::time::timeout(PATIENCE, courier).await.expect("stops").expect("without a panic");
        }
        assert_eq!((server.mails().len(), files(folder.path()).len()), (30, 30));
    }
}

#[tokio::test]
async fn a_new_mail_wakes_the_worker() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        let mut courier = replica.courier(folder.path(), nobody());
        courier.config = Live::fixed(DeliveryConfig { poll_ms: 60_000, ..Default::default() });
        let shutdown = CancellationToken::new();
        let at_work = tokio::spawn(courier.run(shutdown.clone()));
        for _ in 0..3 {
            let mail = replica.confirmed(&customer("ada")).await;
            testkit::eventually("the delivery", PATIENCE, || async {
                (replica.delivery(&mail).await == Delivery::Sent).then_some(())
            })
            .await;
        }
        shutdown.cancel();
        tokio::time::timeout(PATIENCE, at_work).await.expect("stops").expect("without a panic");
    }
}

#[tokio::test]
async fn a_refusal_for_good_is_one_and_a_refusal_for_now_is_not() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        for words in [Scene::Recipient("550 no such user"), Scene::Content("554 we do not like it")] {
            let mail = replica.confirmed(&customer("ada")).await;
            let server = Server::playing(leak(words)).await;
            pass(&replica.courier(folder.path(), server.config())).await;
            assert_eq!(replica.delivery(&mail).await, Delivery::Refused, "{words:?}");
            assert_eq!(server.mails().len(), 0);
        }
        let mail = replica.confirmed(&customer("ada")).await;
        let server = Server::playing(&[
            Scene::Recipient("450 mailbox busy"),
            Scene::Content("451 try again"),
            Scene::Greet("554 not today"),
            Scene::Accept,
        ])
        .await;
        let courier = replica.courier(folder.path(), server.config());
        for attempt in 1..=4u32 {
            assert_eq!(replica.delivery(&mail).await, Delivery::Pending, "before attempt {attempt}");
            pass(&courier).await;
            assert_eq!(server.connections(), attempt as usize);
            pass(&courier).await;
            assert_eq!(server.connections(), attempt as usize, "it rests after a failure");
            bench.clock.advance(Duration::from_secs(1 << (attempt - 1)));
        }
        assert_eq!(replica.delivery(&mail).await, Delivery::Sent);
        assert_eq!(server.mails().len(), 1);
    }
}

fn leak(scene: Scene) -> &'static [Scene] {
    Box::leak(Box::new([scene]))
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_until_patience_ends() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        let mail = replica.confirmed(&customer("ada")).await;
        let smtp = SmtpConfig { port: testkit::free_port(), host: "127.0.0.1".into(), ..nobody() };
        let courier = replica.courier(folder.path(), smtp);
        for _ in 0..20 {
            pass(&courier).await;
            assert_eq!(replica.delivery(&mail).await, Delivery::Pending);
            bench.clock.advance(Duration::from_secs(300));
        }
        assert_eq!(files(folder.path()).len(), 1, "it is in the folder meanwhile");
        bench.clock.advance(Duration::from_secs(24 * 3600));
        pass(&courier).await;
        assert_eq!(replica.delivery(&mail).await, Delivery::Refused);
    }
}

#[tokio::test]
async fn a_server_that_hangs_holds_up_one_mail_and_not_the_batch() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        for _ in 0..20 {
            replica.confirmed(&customer("ada")).await;
        }
        let server = Server::playing(&[Scene::Hang]).await;
        let courier = replica.courier(folder.path(), SmtpConfig { timeout_ms: 50, ..server.config() });
        pass(&courier).await;
        assert!(server.connections() <= 8, "{} of 20 mails found out by themselves", server.connections());
        let mails = replica.list(&customer("ada")).await;
        assert!(mails.iter().all(|mail| mail.delivery == Delivery::Pending));
    }
}

#[tokio::test]
async fn what_the_server_took_is_its_own_however_the_farewell_goes() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        let mail = replica.confirmed(&customer("ada")).await;
        let server = Server::playing(&[Scene::TakeAndHangUp, Scene::AcceptAndHang]).await;
        let courier = replica.courier(folder.path(), server.config());
        pass(&courier).await;
        assert_eq!(replica.delivery(&mail).await, Delivery::Pending, "nobody said that it was taken");
        bench.clock.advance(Duration::from_secs(1));
        pass(&courier).await;
        assert_eq!(replica.delivery(&mail).await, Delivery::Sent);
        assert_eq!(server.mails().len(), 2);
    }
}

#[tokio::test]
async fn a_stopping_worker_begins_nothing_and_puts_its_claims_back() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        let mail = replica.confirmed(&customer("ada")).await;
        let courier = replica.courier(folder.path(), nobody());
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        courier.pass(&shutdown).await.expect("passes");
        assert_eq!(replica.delivery(&mail).await, Delivery::Pending);
        pass(&courier).await;
        assert_eq!(replica.delivery(&mail).await, Delivery::Sent);
    }
}

#[tokio::test]
async fn the_folder_keeps_the_newest() {
    for bench in benches().await {
        let (replica, folder) = (bench.replica(HARDLY_EVER).await, folder());
        let mut courier = replica.courier(folder.path(), nobody());
        courier.files = Live::fixed(OutboxConfig { keep: 3, ..Default::default() });
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(replica.confirmed(&customer("ada")).await.id);
        }
        pass(&courier).await;
        let files = files(folder.path());
        assert_eq!(files.len(), 3);
        for (id, file) in ids[2..].iter().zip(&files) {
            assert!(file.to_string_lossy().contains(&id.to_string()), "{}", file.display());
        }
    }
}

#[tokio::test]
async fn a_claim_belongs_to_one_and_a_failure_counts_only_while_it_does() {
    for bench in benches().await {
        let (one, two) = (bench.replica(HARDLY_EVER).await, bench.replica(HARDLY_EVER).await);
        let mail = one.confirmed(&customer("ada")).await;
        let claim = async |replica: &Replica| {
            replica.store.mails_claim(replica.clock.now(), LEASE, 10).await.expect("claims")
        };
        let (first, second) = tokio::join!(claim(&one), claim(&two));
        assert_eq!(first.len() + second.len(), 1, "one of two has it");
        bench.clock.advance(LEASE);
        let successor = claim(&two).await.remove(0);
        assert_eq!(successor.attempt, 2);

        let settle = async |attempt, next| {
            let settled = Settled { id: mail.id, attempt, next };
            one.store.mails_settle(&[settled]).await.expect("stores");
        };
        settle(1, Next::Again { at: one.clock.now(), cause: "late".into() }).await;
        assert_eq!(claim(&one).await, [], "the successor's claim stands");
        settle(1, Next::Refused { cause: "late".into() }).await;
        assert_eq!(one.delivery(&mail).await, Delivery::Pending);
        settle(1, Next::Sent).await;
        assert_eq!(one.delivery(&mail).await, Delivery::Sent);
        settle(2, Next::Refused { cause: "the successor's".into() }).await;
        assert_eq!(one.delivery(&mail).await, Delivery::Sent, "what is sent is sent");
    }
}
