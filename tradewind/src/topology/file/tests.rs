//! What a file may say, and what it is told when it says something else.

use proptest::prelude::*;
use wires::WireKind;

use crate::topology::samples::{any_topology, file_of};
use crate::topology::{Database, Part, Supporting, Topology};

/// What `text` is told, a line each, without the name of the file.
fn told(text: &str) -> Vec<String> {
    let faults = Topology::parse("mine", "mine.toml", text).expect_err("it has faults");
    let said = faults.to_string();
    let lines =
        said.lines().skip(1).map(|line| line.trim_start().trim_start_matches("mine.toml:").to_owned());
    lines.collect()
}

/// Expects exactly `expected` of `text`, each by its beginning.
#[track_caller]
fn expect(text: &str, expected: &[&str]) {
    let told = told(text);
    let all =
        told.len() == expected.len() && told.iter().zip(expected).all(|(told, it)| told.starts_with(it));
    assert!(all, "told:\n{}\nexpected:\n{}", told.join("\n"), expected.join("\n"));
}

/// Two processes, with `head` before them and `tail` behind.
fn two(head: &str, tail: &str) -> String {
    format!(
        "{head}\n[processes]\nshop = ['gateway', 'catalog', 'inventory', 'payments', 'shipping', 'orders']\n\
         news = ['notifications', 'recommendations']\n{tail}"
    )
}

#[test]
fn everything_that_a_file_may_say_is_read() {
    let text = "\
about = 'Payments run twice.'
database = 'shared'
[processes.payments]
modules = ['payments']
replicas = 2
[processes]
shop = ['orders', 'gateway', 'catalog', 'inventory', 'shipping', 'notifications', 'recommendations']
[wires]
orders.payments = 'amqp'
";
    let text = text.replace("[processes]\nshop = ", "[processes.shop]\nmodules = ");
    let topology = Topology::parse("mine", "mine.toml", &text).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!((topology.name.as_str(), topology.about.as_str()), ("mine", "Payments run twice."));
    assert_eq!(topology.database, Database::Shared);
    assert_eq!((topology.registry, topology.broker), (Supporting::Runs, Supporting::Runs));
    assert_eq!(topology.process_of(Part::Payments).replicas, 2);
    assert_eq!(topology.processes[1].modules[0], Part::Orders, "modules keep their order");
    assert_eq!(topology.wires[&Part::Orders][&Part::Payments], WireKind::Amqp);
}

#[test]
fn processes_keep_the_order_of_the_file() {
    let names: Vec<_> = Topology::parse("mine", "mine.toml", &two("", ""))
        .expect("valid")
        .processes
        .into_iter()
        .map(|process| process.name)
        .collect();
    assert_eq!(names, ["shop", "news"]);
}

#[test]
fn every_fault_is_told_at_once() {
    let text = "\
databse = 'own'
registry = false
broker = 0
[processes]
shop = ['gateway', 'catalog', 'orders', 'paymnets']
Payments = { modules = ['inventory'], replicas = 9 }
[wires.orders]
shipping = 'local'
";
    expect(
        text,
        &[
            "1: a topology has no key \"databse\": did you mean \"database\"?",
            "2: 2 processes cannot find each other without a registry",
            "3: broker is an integer: it must be true or false",
            "4: no process has shipping, notifications, recommendations: add each to one",
            "5: there is no module \"paymnets\": did you mean \"payments\"? There are gateway, catalog,",
            "6: replicas is 9: it must be a number from 1 to 8",
            "6: \"Payments\" cannot name a process",
            "8: \"local\" cannot be chosen: put orders and shipping into one process",
        ],
    );
}

#[test]
fn a_module_stands_in_one_process() {
    let text = "[processes]\nshop = ['gateway', 'catalog', 'inventory', 'shipping', 'orders', 'notifications',\n'recommendations', 'payments']\npayments = ['payments']\n";
    expect(
        text,
        &["4: payments stands in two processes, shop (line 3) and payments (line 4): keep it in one of them"],
    );
    let text = two("", "more = ['news']\nrest = ['payments', 'payments']");
    expect(
        &text,
        &[
            "5: there is no module \"news\": there are gateway",
            "6: payments stands in two processes, shop (line 3) and rest (line 6)",
            "6: payments stands in two processes, shop (line 3) and rest (line 6)",
        ],
    );
    let text = "[processes]\nshop = ['gateway', 'catalog', 'inventory', 'shipping', 'orders', 'notifications', 'recommendations', 'payments',\n'payments']";
    expect(text, &["3: payments stands in shop already (line 2): take one out"]);
}

#[test]
fn there_is_a_process_and_something_in_each() {
    expect("", &["1: [processes] names no process"]);
    expect("about = ''\n[processes]", &["2: [processes] names no process"]);
    let text = two("", "a = []\nb = { replicas = 2 }\nc = { modules = [] }");
    expect(
        &text,
        &[
            "5: process \"a\" has no module",
            "6: process \"b\" has no module",
            "7: process \"c\" has no module",
        ],
    );
}

#[test]
fn a_process_has_a_name_of_its_own() {
    let good = two("", "").replace("news", &format!("a{}", "-9".repeat(19)));
    Topology::parse("mine", "mine.toml", &good).unwrap_or_else(|faults| panic!("{faults}"));
    for bad in ["\"\"", "\"ö\"", "9lives", "-", "a_b", "News", &"a".repeat(41)] {
        let told = told(&two("", "").replace("news", bad));
        assert!(
            told.len() == 1 && told[0].contains("cannot name a process: use at most 40"),
            "{bad}: {told:?}"
        );
    }
    for reserved in ["registry", "config-server", "broker", "card-network", "observatory"] {
        let message = format!("4: \"{reserved}\" is a supporting server");
        expect(&two("", "").replace("news", reserved), &[&message]);
    }
}

#[test]
fn replicas_are_a_small_number() {
    for bad in ["0", "9", "-1", "99999999999999999999", "1.5", "'2'"] {
        let text = two("", "").replace(
            "['notifications', 'recommendations']",
            &format!("{{ modules = ['notifications', 'recommendations'], replicas = {bad} }}"),
        );
        let told = told(&text);
        assert!(told.len() == 1 && told[0].contains("it must be a number from 1 to 8"), "{bad}: {told:?}");
    }
}

#[test]
fn several_processes_need_a_registry_and_a_broker() {
    expect(
        &two("broker = false\nregistry = false", ""),
        &[
            "2: 2 processes cannot find each other without a registry: say registry = true, or keep",
            "5: notifications hears of nothing here without a broker (line 1): say broker = true, or move it to shop (line 4), where orders stands",
            "5: recommendations hears of nothing here without a broker (line 1)",
        ],
    );
}

#[test]
fn replicas_need_them_too() {
    let all = Part::all().map(Part::name);
    let text = format!("registry = false\nbroker = false\n[processes.shop]\nmodules = {all:?}\nreplicas = 2");
    expect(
        &text,
        &[
            "1: 2 processes cannot find each other",
            "5: \"shop\" cannot run more than once without a broker (line 2): say broker = true, or replicas = 1",
        ],
    );
}

#[test]
fn a_gateway_by_itself_needs_a_broker_although_it_hears_nothing() {
    let text = "broker = false\n[processes]\ndoor = ['gateway']\nshop = ['catalog', 'inventory', 'payments', 'shipping', 'orders', 'notifications', 'recommendations']";
    expect(text, &["1: several processes need a broker, through which every event goes: say broker = true"]);
}

#[test]
fn a_wire_is_for_an_edge_that_there_is() {
    let wires = "\
[wires.orders]
orders = 'rest'
notifications = 'rest'
payments = 'pigeon'
shipping = 1
ctalog = 'rest'
[wires.payments]
orders = 'rest'
[wires.gateway]
orders = 'grpc'
[wires.billing]
orders = 'grpc'
";
    expect(
        &two("wires.shipping = 'rest'", wires).replace("wires.shipping", "wires.recommendations"),
        &[
            "1: wires.recommendations is a string: it must be a table: [wires.recommendations]",
            "6: orders does not call itself",
            "7: orders does not call notifications: it calls catalog, inventory, payments, shipping",
            "8: there is no wire \"pigeon\": there are rest, grpc, amqp",
            "9: a wire is an integer: it must be \"rest\", \"grpc\" or \"amqp\"",
            "10: there is no module \"ctalog\": did you mean \"catalog\"?",
            "12: payments calls no other module",
            "14: the gateway passes on what its clients speak, REST or gRPC: its wire to orders cannot be chosen",
            "15: there is no module \"billing\": there are gateway",
        ],
    );
}

#[test]
fn amqp_needs_a_broker() {
    let all = Part::all().map(Part::name);
    let text = format!("broker = false\nprocesses.shop = {all:?}\nwires.orders.catalog = 'amqp'");
    expect(
        &text,
        &[
            "3: amqp goes through a broker, and there is none (line 1): say broker = true, or choose rest or grpc",
        ],
    );
}

#[test]
fn types_are_told_and_nothing_that_only_follows_from_them() {
    expect("processes = 'shop'", &["1: processes is a string: it must be a table: [processes]"]);
    expect("[[processes]]", &["1: processes is an array: it must be a table: [processes]"]);
    expect("processes.shop = 7", &["1: what \"shop\" runs is an integer: it must be a list of modules"]);
    expect(
        "processes.shop = ['orders', 7]",
        &["1: a module is an integer: it must be a name, such as \"orders\""],
    );
    expect(
        &two("about = 1\ndatabase = 2\nwires = 3", ""),
        &[
            "1: about is an integer",
            "2: database is an integer: it must be \"shared\" or \"own\"",
            "3: wires is an integer",
        ],
    );
    expect(&two("database = 'both'", ""), &["1: database is \"both\": say \"shared\""]);
}

#[test]
fn a_sentence_is_no_place_for_control_characters() {
    expect(&two(r#"about = "\u001b[2J""#, ""), &["1: about must be one line, of at most 200 characters"]);
    expect(&two(&format!("about = '{}'", "a".repeat(201)), ""), &["1: about must be one line"]);
    // what is repeated from the file is repeated in a readable form
    expect(&two(r#""\u001b[2J" = 1"#, ""), &[r#"1: a topology has no key "\u{1b}[2J""#]);
}

#[test]
fn broken_toml_is_told_with_line_and_column_and_nothing_else() {
    let told = told("database = 'own'\nregistry = \n[processes\nshop = ['orders']\n");
    assert!(told[0].starts_with("2:12: "), "{told:?}");
    assert!(told.len() > 1 && told[1].starts_with("3:11: "), "{told:?}");
    expect("[processes]\nshop = ['orders']\nshop = ['orders']\n", &["3:1: duplicate key"]);
}

/// Pieces of topology files, and what breaks them.
fn pieces() -> impl Strategy<Value = String> {
    let words = "about database registry broker processes wires shop orders gateway payments modules replicas 'own' \
                 \"rest\" 'local' = [ ] { } , . true false 2 -9 0x_1 1979-05-27 ''' \"\\u00\" # ö \u{0}";
    let words: Vec<&str> = words.split(' ').chain([" ", "\n", "\r"]).collect();
    proptest::collection::vec(prop::sample::select(words), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_valid_topology_is_read_as_it_was_written(topology in any_topology()) {
        let text = file_of(&topology);
        let read = Topology::parse("any", "any.toml", &text);
        prop_assert_eq!(read.as_ref(), Ok(&topology), "{}", text);
        let copy = serde_json::to_string(&topology).expect("writes");
        prop_assert_eq!(serde_json::from_str::<Topology>(&copy).expect("reads"), topology);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = Topology::parse("any", "any.toml", &text);
    }

    #[test]
    fn no_file_that_is_almost_right_makes_it_panic(text in pieces()) {
        if let Err(faults) = Topology::parse("any", "any.toml", &text) {
            prop_assert!(!faults.faults.is_empty());
            let last = text.matches('\n').count() + 1;
            prop_assert!(faults.faults.iter().all(|fault| (1..=last).contains(&fault.line)), "{}", faults);
        }
    }
}
