//! Which queues a message reaches, by exchange, routing key and headers.

use std::collections::BTreeSet;

use lapin::ExchangeKind::{Direct, Fanout, Headers, Topic};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, ExchangeKind};

use crate::client::{Client, drain, number, publish, queue, table, text};
use crate::servers::servers;

/// What is published where, in one test.
struct Switchboard {
    channel: Channel,
    queues: BTreeSet<String>,
}

impl Switchboard {
    async fn new(client: &Client, kind: ExchangeKind) -> Self {
        let channel = client.confirming().await;
        let options = ExchangeDeclareOptions::default();
        channel.exchange_declare("board".into(), kind, options, table([])).await.expect("an exchange");
        Self { channel, queues: BTreeSet::new() }
    }

    /// Binds a queue, declared where it is new.
    async fn bind(&mut self, name: &str, key: &str, arguments: FieldTable) {
        if self.queues.insert(name.to_owned()) {
            queue(&self.channel, name, []).await;
        }
        let options = QueueBindOptions::default();
        let bound = self.channel.queue_bind(name.into(), "board".into(), key.into(), options, arguments);
        bound.await.expect("a binding");
    }

    async fn unbind(&self, name: &str, key: &str, arguments: FieldTable) {
        let unbound = self.channel.queue_unbind(name.into(), "board".into(), key.into(), arguments);
        unbound.await.expect("no binding more");
    }

    /// Where a message with this key arrives: a queue's name as often as it gets a copy, in order of names.
    async fn reached(&self, key: &str) -> Vec<&str> {
        self.reached_with(key, BasicProperties::default()).await
    }

    async fn reached_by_headers(&self, headers: FieldTable) -> Vec<&str> {
        self.reached_with("", BasicProperties::default().with_headers(headers)).await
    }

    async fn reached_with(&self, key: &str, properties: BasicProperties) -> Vec<&str> {
        let confirmed = publish(&self.channel, "board", key, "hello", properties).await;
        assert_eq!(confirmed, Confirmation::Ack(None), "key {key:?}");
        let mut reached = Vec::new();
        for queue in &self.queues {
            let copies = drain(&self.channel, queue).await;
            reached.extend(copies.iter().map(|_| queue.as_str()));
        }
        reached
    }
}

#[tokio::test]
async fn a_direct_exchange_routes_by_the_whole_key_to_each_queue_bound_with_it() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Direct).await;
        board.bind("one", "a", table([])).await;
        board.bind("one", "b", table([])).await;
        board.bind("two", "a", table([])).await;
        board.bind("empty", "", table([])).await;
        for (key, reached) in [
            ("a", vec!["one", "two"]),
            ("b", vec!["one"]),
            ("A", vec![]),
            ("a.b", vec![]),
            ("", vec!["empty"]),
        ] {
            assert_eq!(board.reached(key).await, reached, "{server}, key {key:?}");
        }
    }
}

#[tokio::test]
async fn a_topic_exchange_takes_a_star_for_a_word_and_a_hash_for_any_number_of_words() {
    let patterns = [
        "a", "a.b", "a.b.c", "*", "*.*", "*.*.*", "a.*", "a.*.c", "*.b", "#", "#.#", "*.#", "#.*", "a.#",
        "#.c", "a.#.c", "#.b.#", "a.*.#", "a*", "a.b*", "",
    ];
    let any = ["#", "#.#"];
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Topic).await;
        for pattern in patterns {
            board.bind(&format!("<{pattern}>"), pattern, table([])).await;
        }
        for (key, others) in [
            ("a", &["a", "*", "*.#", "#.*", "a.#"][..]),
            ("a.b", &["a.b", "*.*", "a.*", "*.b", "*.#", "#.*", "a.#", "#.b.#", "a.*.#"]),
            ("a.b.c", &["a.b.c", "*.*.*", "a.*.c", "*.#", "#.*", "a.#", "#.c", "a.#.c", "#.b.#", "a.*.#"]),
            ("a.x.y.c", &["*.#", "#.*", "a.#", "#.c", "a.#.c", "a.*.#"]),
            ("a.c", &["*.*", "a.*", "*.#", "#.*", "a.#", "#.c", "a.#.c", "a.*.#"]),
            ("c", &["*", "*.#", "#.*", "#.c"]),
            ("x", &["*", "*.#", "#.*"]),
            // words may be empty: these have two, three, and two of them
            ("a.", &["*.*", "a.*", "*.#", "#.*", "a.#", "a.*.#"]),
            ("a..c", &["*.*.*", "a.*.c", "*.#", "#.*", "a.#", "#.c", "a.#.c", "a.*.#"]),
            (".", &["*.*", "*.#", "#.*"]),
            (".b", &["*.*", "*.b", "*.#", "#.*", "#.b.#"]),
            // no word at all
            ("", &[""]),
            // in a key they are words like others
            ("*", &["*", "*.#", "#.*"]),
            ("#", &["*", "*.#", "#.*"]),
        ] {
            let mut expected: Vec<String> =
                others.iter().chain(&any).map(|pattern| format!("<{pattern}>")).collect();
            expected.sort();
            assert_eq!(board.reached(key).await, expected, "{server}, key {key:?}");
        }
    }
}

#[tokio::test]
async fn a_fanout_exchange_routes_to_all_whatever_the_key() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Fanout).await;
        board.bind("one", "a", table([])).await;
        board.bind("two", "", table([])).await;
        for key in ["a", "b", ""] {
            assert_eq!(board.reached(key).await, ["one", "two"], "{server}, key {key:?}");
        }
    }
}

#[tokio::test]
async fn a_headers_exchange_asks_for_all_of_a_bindings_headers_or_for_any() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Headers).await;
        let pair = || [("colour", text("red")), ("size", AMQPValue::LongInt(7))];
        let asking = |how: &str| {
            let mut arguments = table(pair());
            arguments.insert("x-match".into(), text(how));
            arguments
        };
        board.bind("all", "", asking("all")).await;
        board.bind("any", "", asking("any")).await;
        board.bind("unsaid", "", table(pair())).await;
        board.bind("nothing", "", table([])).await;
        board.bind("nothing-of-any", "", table([("x-match", text("any"))])).await;
        board.bind("there", "", table([("colour", AMQPValue::Void)])).await;

        let red = || ("colour", text("red"));
        let seven = || ("size", AMQPValue::LongInt(7));
        for (what, headers, reached) in [
            ("both", table([red(), seven()]), vec!["all", "any", "nothing", "there", "unsaid"]),
            (
                "both and more",
                table([red(), seven(), ("age", number(1))]),
                vec!["all", "any", "nothing", "there", "unsaid"],
            ),
            ("one", table([red()]), vec!["any", "nothing", "there"]),
            ("another value", table([("colour", text("blue"))]), vec!["nothing", "there"]),
            ("a text for a number", table([("size", text("7"))]), vec!["nothing"]),
            ("none", table([]), vec!["nothing"]),
        ] {
            assert_eq!(board.reached_by_headers(headers).await, reached, "{server}, {what}");
        }
        // no headers at all, and a routing key that means nothing
        assert_eq!(board.reached("colour").await, ["nothing"], "{server}");
    }
}

#[tokio::test]
async fn headers_that_begin_with_x_count_only_where_the_binding_says_so() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Headers).await;
        for how in ["all", "all-with-x", "any", "any-with-x"] {
            board.bind(how, "", table([("x-match", text(how)), ("x-colour", text("red"))])).await;
        }
        let red = table([("x-colour", text("red"))]);
        assert_eq!(board.reached_by_headers(red).await, ["all", "all-with-x", "any-with-x"], "{server}");
        assert_eq!(board.reached_by_headers(table([])).await, ["all"], "{server}");
    }
}

#[tokio::test]
async fn the_default_exchange_routes_to_the_queue_of_that_name() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "one", []).await;
        queue(&channel, "two", []).await;
        publish(&channel, "", "two", "hello", BasicProperties::default()).await;
        publish(&channel, "", "nobody", "lost", BasicProperties::default()).await;
        assert_eq!(drain(&channel, "two").await, ["hello"], "{server}");
        assert!(drain(&channel, "one").await.is_empty(), "{server}");
    }
}

#[tokio::test]
async fn a_queue_gets_one_copy_however_many_bindings_match() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Topic).await;
        board.bind("one", "a.*", table([])).await;
        board.bind("one", "#", table([])).await;
        // the same again is the same binding
        board.bind("one", "a.*", table([])).await;
        assert_eq!(board.reached("a.b").await, ["one"], "{server}");
        board.unbind("one", "a.*", table([])).await;
        board.unbind("one", "#", table([])).await;
        assert!(board.reached("a.b").await.is_empty(), "{server}");
    }
}

#[tokio::test]
async fn an_unbound_key_reaches_the_queue_no_more_and_others_still_do() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Direct).await;
        board.bind("one", "a", table([])).await;
        board.bind("one", "b", table([])).await;
        board.unbind("one", "a", table([])).await;
        // once more is no failure
        board.unbind("one", "a", table([])).await;
        assert!(board.reached("a").await.is_empty(), "{server}");
        assert_eq!(board.reached("b").await, ["one"], "{server}");
    }
}

#[tokio::test]
async fn bindings_that_differ_in_their_arguments_are_two() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut board = Switchboard::new(&client, Direct).await;
        let with = || table([("note", text("second"))]);
        board.bind("one", "a", table([])).await;
        board.bind("one", "a", with()).await;
        board.unbind("one", "a", table([])).await;
        assert_eq!(board.reached("a").await, ["one"], "{server}");
        board.unbind("one", "a", with()).await;
        assert!(board.reached("a").await.is_empty(), "{server}");
    }
}
