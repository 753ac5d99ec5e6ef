//! Messages change their carrier: from one process to a broker, and back.

use std::sync::Arc;
use std::time::Duration;

use chassis::messaging::bus::{Gate, GateState, MoveError, Moved};
use chassis::messaging::consumer::{consume, log_end, read_log};
use chassis::messaging::dead_letters::{DeadLetter, DeadLetters};
use chassis::messaging::mailbox::Publish as _;
use chassis::messaging::{Bus, Handled, Mailbox};
use contracts::messages::Outgoing;
use testkit::{BrokerHost, BrokerKind, eventually};

use super::bench::{Bench, COMMANDS, SOON, Script, as_sent, command, commands, event};
use super::ground::{Ground, LOG_KEEPER, processes};
use super::log::Reader;

/// A process without a broker, and a broker that its messages could go to.
struct Moving {
    process: Ground,
    bench: Bench,
    broker: Bus,
}

impl Moving {
    fn url(&self) -> &str {
        &self.bench.host.url
    }

    async fn hand_over(&self) -> Result<Moved, MoveError> {
        self.process.bus.hand_over(self.url()).await
    }

    async fn take_over(&self) -> Result<Moved, MoveError> {
        self.process.bus.take_over(self.url()).await
    }

    /// Consumes commands at the broker.
    fn consume_there(&self, handler: &Arc<Script>) {
        tokio::spawn(consume(self.broker.clone(), COMMANDS, handler.clone(), self.bench.stop.clone()));
    }

    async fn letters_there(&self) -> Vec<DeadLetter> {
        let letters = DeadLetters::new(self.broker.clone(), "inventory", Mailbox::closed());
        letters.list(1_000).await.expect("a list").letters
    }

    async fn letters_here(&self) -> Vec<DeadLetter> {
        self.process.letters().list(1_000).await.expect("a list").letters
    }

    /// What a new reader is given of the log of `bus`, up to `number`.
    async fn log_of(&self, bus: &Bus, number: u64) -> Vec<(u64, u64)> {
        let reader = Reader::from(0);
        let stop = self.process.stop.child_token();
        tokio::spawn(read_log(bus.clone(), reader.clone(), stop.clone()));
        reader.read_to(number).await;
        stop.cancel();
        reader.entries().iter().map(|entry| entry.offset).zip(reader.numbers()).collect()
    }
}

/// Each broker with each engine; nothing is held.
async fn movings() -> Vec<Moving> {
    let mut movings = Vec::new();
    for kind in BrokerKind::wanted() {
        for process in processes().await {
            let Some(host) = BrokerHost::of(kind).await else { continue };
            eprintln!("from {} to {}", process.name, host.name());
            let bench = Bench::on(host).await;
            let broker = bench.broker.clone().into();
            movings.push(Moving { process, bench, broker });
        }
    }
    movings
}

/// Has the commands 0 to `count` in the process' dead letters.
async fn bury(process: &Ground, count: u64) {
    let hopeless = Script::new(|_| Handled::Hopeless("no such thing".to_owned()));
    let stop = process.stop.child_token();
    tokio::spawn(consume(process.bus.clone(), COMMANDS, hopeless, stop.clone()));
    process.publish(&commands(0..count)).await;
    process.holds(&COMMANDS.dead_letters(), count).await;
    stop.cancel();
    eventually("the consumer to end", SOON, async || process.bus.gate().at_work().is_empty().then_some(()))
        .await;
}

fn events(numbers: std::ops::RangeInclusive<u64>) -> Vec<Outgoing> {
    numbers.map(event).collect()
}

#[tokio::test]
async fn all_that_waits_goes_to_the_broker_and_comes_back_and_the_log_keeps_its_offsets() {
    for moving in movings().await {
        let Moving { process, broker, .. } = &moving;
        bury(process, 2).await;
        let waiting = commands(2..302);
        process.publish(&waiting).await;
        process.publish(&events(1..=600)).await;
        let buried = moving.letters_here().await;
        assert!(process.bus.hold().await.is_empty());

        let moved = moving.hand_over().await.expect("moves");
        assert_eq!(moved, Moved { messages: 300, dead_letters: 2, log_entries: 600 });
        process.holds(COMMANDS.name, 0).await;
        assert_eq!(moving.letters_there().await, buried, "from {}", process.name);
        assert_eq!(log_end(broker).await.expect("an end"), Some(599));
        let log = moving.log_of(broker, 600).await;
        assert_eq!(log, (0..600).zip(1..=600).collect::<Vec<_>>());
        let again = moving.hand_over().await.expect("there is nothing left");
        assert_eq!(again, Moved::default());

        // the broker's consumers know them, and the shop goes on there for a while
        let handler = Script::new(|delivery| match delivery.message.sequence {
            7 => Handled::Hopeless("nor here".to_owned()),
            _ => Handled::Done,
        });
        moving.consume_there(&handler);
        let seen = handler.saw(300).await;
        let first = seen.iter().find(|seen| seen.message.sequence == 2).expect("it came");
        assert_eq!((as_sent(first, &waiting[0]), first.attempt), (waiting[0].message.clone(), 1));
        broker.publish(&events(601..=700)).await.expect("confirmed");
        moving.bench.holds(&COMMANDS.dead_letters(), 3).await;
        assert!(broker.hold().await.is_empty());
        broker.publish(&commands(400..410)).await.expect("confirmed");

        let moved = moving.take_over().await.expect("moves");
        assert_eq!(moved, Moved { messages: 10, dead_letters: 3, log_entries: 100 });
        assert_eq!(moving.take_over().await.expect("there is nothing left"), Moved::default());
        moving.bench.holds(COMMANDS.name, 0).await;
        let back = moving.letters_here().await;
        assert_eq!(back[..2], buried[..]);
        assert_eq!((back[2].cause.as_str(), back[2].attempts), ("nor here", Some(1)));
        let handler = Script::done();
        process.consume(COMMANDS, &handler);
        process.bus.open().await;
        handler.saw(10).await;
        let log = moving.log_of(&process.bus, 700).await;
        assert_eq!(log, (0..700).zip(1..=700).collect::<Vec<_>>());
        process.publish(&events(701..=701)).await;
        assert_eq!(log_end(&process.bus).await.expect("an end"), Some(700), "it goes on from there");
    }
}

/// Does `work` again and again, cut short at one moment after another, until it comes to its end.
async fn cut_short<F: Future<Output = Result<Moved, MoveError>>>(work: impl Fn() -> F) {
    let mut moment = Duration::from_millis(20);
    while tokio::time::timeout(moment, work()).await.map(|moved| moved.expect("moves")).is_err() {
        moment += Duration::from_millis(15);
    }
}

#[tokio::test]
async fn cut_short_at_any_moment_a_move_loses_nothing_and_doubles_no_entry_of_the_log() {
    for moving in movings().await {
        let Moving { process, broker, bench } = &moving;
        // of a stream that is empty the end is not known at once: it would be cut short there, again and again
        process.publish(&events(1..=1)).await;
        process.bus.hold().await;
        moving.hand_over().await.expect("moves");
        process.bus.open().await;
        bury(process, 300).await;
        process.publish(&commands(300..1_300)).await;
        process.publish(&events(2..=1_500)).await;
        assert!(process.bus.hold().await.is_empty());
        cut_short(|| moving.hand_over()).await;
        assert_eq!(log_end(broker).await.expect("an end"), Some(1_499), "from {}", process.name);
        process.holds(COMMANDS.name, 0).await;
        // some may be there twice
        eventually("all of them at the broker", SOON, async || {
            bench.host.queue(COMMANDS.name).await.filter(|queue| queue.messages >= Some(1_000))
        })
        .await;

        broker.publish(&events(1_501..=2_500)).await.expect("confirmed");
        cut_short(|| moving.take_over()).await;
        bench.holds(COMMANDS.name, 0).await;
        bench.holds(&COMMANDS.dead_letters(), 0).await;
        process.holds(COMMANDS.name, 1_000).await;
        process.holds(&COMMANDS.dead_letters(), 300).await;
        let all = format!("SELECT COUNT(*) FROM {LOG_KEEPER}_event_log");
        assert_eq!(process.shop().count(LOG_KEEPER, all).await, 2_500);
        process.bus.open().await;
        let log = moving.log_of(&process.bus, 2_500).await;
        assert_eq!(log, (0..2_500).zip(1..=2_500).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_nobody_can_read_is_moved_as_it_is() {
    for moving in movings().await {
        let Moving { process, bench, .. } = &moving;
        let headers = serde_json::json!({ "cloudEvents:specversion": "9", "note": "mine" });
        bench.host.publish_with(COMMANDS.name, "{\"number\":7}", headers.clone()).await;
        bench.host.publish_with("events.log", "{\"number\":8}", headers).await;
        let held = Bus::in_process(Gate::new(GateState::Held));
        process.shop().furnish(&held).await;
        let moved = held.take_over(moving.url()).await.expect("moves");
        assert_eq!(moved, Moved { messages: 1, dead_letters: 0, log_entries: 1 });

        process.consume(COMMANDS, &Script::done());
        process.holds(&COMMANDS.dead_letters(), 1).await;
        let here = moving.letters_here().await;
        assert!(here[0].cause.contains("specversion"), "{here:?}");
        let shown = process.letters().show(&here[0].id).await.expect("an answer").expect("it is there");
        assert_eq!((&shown.headers["note"], &shown.body["number"]), (&"mine".into(), &7.into()));
        let reader = Reader::from(0);
        tokio::spawn(read_log(process.bus.clone(), reader.clone(), process.stop.clone()));
        eventually("the entry", SOON, async || (!reader.entries().is_empty()).then_some(())).await;
        assert!(reader.entries()[0].message.as_ref().expect_err("cannot be read").contains("specversion"));

        process.bus.hold().await;
        let moved = moving.hand_over().await.expect("moves");
        assert_eq!(moved, Moved { messages: 0, dead_letters: 1, log_entries: 0 });
        assert_eq!(moving.letters_there().await, here, "from {}", process.name);
    }
}

#[tokio::test]
async fn a_message_keeps_the_attempts_that_the_broker_counted() {
    for moving in movings().await {
        let handler = Script::new(|_| Handled::Again("not yet".to_owned()));
        moving.consume_there(&handler);
        moving.broker.publish(&[command(1)]).await.expect("confirmed");
        handler.saw(3).await;
        assert!(moving.broker.hold().await.is_empty());
        let attempts = handler.seen().len() as u32;
        moving.process.bus.hold().await;
        assert_eq!(moving.take_over().await.expect("moves").messages, 1);
        let handler = Script::done();
        moving.process.consume(COMMANDS, &handler);
        moving.process.bus.open().await;
        assert_eq!(handler.saw(1).await[0].attempt, attempts + 1);
    }
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused_with_what_to_do() {
    for moving in movings().await {
        let Moving { process, broker, bench } = &moving;
        let refused = async |why: &str| {
            let (there, here) = (moving.hand_over().await, moving.take_over().await);
            for error in [there.expect_err("refused"), here.expect_err("refused")] {
                assert!(error.to_string().contains(why), "{error}");
            }
        };
        refused("hold them first").await;
        let error = broker.hand_over(moving.url()).await.expect_err("it has a broker");
        assert!(matches!(error, MoveError::HasBroker), "{error}");
        process.bus.hold().await;
        let error = process.bus.hand_over("http://nowhere").await.expect_err("is no address");
        assert!(matches!(error, MoveError::Address(_)), "{error}");

        let consumer = Script::done();
        let stop = bench.stop.child_token();
        let consuming = tokio::spawn(consume(broker.clone(), COMMANDS, consumer.clone(), stop.clone()));
        broker.publish(&[command(1)]).await.expect("confirmed");
        consumer.saw(1).await;
        let error = moving.take_over().await.expect_err("somebody consumes");
        assert!(matches!(&error, MoveError::Consumed(queue) if *queue == COMMANDS.name), "{error}");
        stop.cancel();
        consuming.await.expect("no panic");

        let alone = Bus::in_process(Gate::new(GateState::Held));
        alone.register(&process.shop().mailbox("inventory").await);
        let error = alone.take_over(moving.url()).await.expect_err("not all are there");
        assert!(matches!(error, MoveError::Missing(_)), "{error}");
    }
}

#[tokio::test]
async fn logs_that_do_not_fit_are_left_alone() {
    for moving in movings().await {
        let Moving { process, broker, .. } = &moving;
        broker.publish(&events(1..=3)).await.expect("confirmed");
        process.bus.hold().await;
        let longer = moving.hand_over().await.expect_err("the stream has more");
        assert!(matches!(longer, MoveError::StreamIsLonger), "{longer}");
        process.publish(&events(1..=5)).await;
        for other in [moving.hand_over().await, moving.take_over().await] {
            let other = other.expect_err("these are other events");
            assert!(matches!(other, MoveError::Different { offset: 2 }), "{other}");
        }
        assert_eq!(log_end(broker).await.expect("an end"), Some(2), "nothing was appended");
        assert_eq!(log_end(&process.bus).await.expect("an end"), Some(4));
    }
    // a log whose head was cut off at the broker has no place in a new stream
    for moving in movings().await {
        let Moving { process, broker, .. } = &moving;
        process.publish(&events(1..=5)).await;
        let cut = format!("DELETE FROM {LOG_KEEPER}_event_log WHERE log_offset < 2");
        process.shop().execute(LOG_KEEPER, cut).await;
        process.publish(&[command(1)]).await;
        process.bus.hold().await;
        let error = moving.hand_over().await.expect_err("offsets would be lost");
        assert!(matches!(error, MoveError::Gap { expected: 0, found: 2 }), "{error}");
        assert!(error.to_string().contains("tradewind replay recommendations"), "{error}");
        assert_eq!(log_end(broker).await.expect("an end"), None);
        process.holds(COMMANDS.name, 1).await;
    }
}

#[tokio::test]
async fn two_who_move_at_once_take_turns() {
    for moving in movings().await {
        let second = Bus::in_process(Gate::new(GateState::Held));
        moving.process.shop().furnish(&second).await;
        moving.process.publish(&events(1..=1_000)).await;
        moving.process.bus.hold().await;
        let (one, two) = tokio::join!(moving.hand_over(), second.hand_over(moving.url()));
        let moved = one.expect("moves").log_entries + two.expect("moves").log_entries;
        assert_eq!(moved, 1_000);
        assert_eq!(log_end(&moving.broker).await.expect("an end"), Some(999));
    }
}
