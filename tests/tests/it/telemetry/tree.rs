//! What the trace of an order looks like, in each coordination and over each wire.

use std::collections::BTreeSet;

use contracts::orders::Coordination;
use serde_json::json;
use system_tests::ground::ground;
use system_tests::shop::Shop;
use system_tests::trace::{Kind, Observatory, Span, Trace, trace_of};
use tradewind::topology::{Part, Topology};

use super::{PROGRAM, order_in, settled};

const CALLEES: [Part; 4] = [Part::Catalog, Part::Inventory, Part::Payments, Part::Shipping];

/// Statements and messages apart, this is all of it.
const CALLS_OF_A_SYNC_ORDER: &str = "
    gateway server POST /api/orders
      gateway client POST
        orders server orders.place
          orders client catalog.products
            catalog server catalog.products
          orders client shipping.quote
            shipping server shipping.quote
          orders client inventory.reserve
            inventory server inventory.reserve
          orders client payments.authorize
            payments server payments.authorize
              payments client PUT
                card-network server PUT /holds/{key}
          orders client shipping.schedule
            shipping server shipping.schedule
          orders client inventory.commit
            inventory server inventory.commit
          orders client payments.capture
            payments server payments.capture
              payments client PUT
                card-network server PUT /holds/{key}/capture
";

/// What is heard of a sync order is heard by those who do nothing for it.
const MESSAGES_OF_A_SYNC_ORDER: &str = "
    gateway server POST /api/orders
      orders producer publish …
        notifications consumer process notifications.events
      orders producer publish …
        notifications consumer process notifications.events
";

/// Each command is caused by the reply to the one before.
const MESSAGES_OF_AN_ORCHESTRATED_ORDER: &str = "
    gateway server POST /api/orders
      orders producer publish …
        notifications consumer process notifications.events
      orders producer publish …
        inventory consumer process inventory.commands
          inventory producer publish …
            orders consumer process orders.replies
              orders producer publish …
                payments consumer process payments.commands
                  payments producer publish …
                    orders consumer process orders.replies
                      orders producer publish …
                        shipping consumer process shipping.commands
                          shipping producer publish …
                            orders consumer process orders.replies
                              orders producer publish …
                                inventory consumer process inventory.commands
                                  inventory producer publish …
                                    orders consumer process orders.replies
                                      orders producer publish …
                                        payments consumer process payments.commands
                                          payments producer publish …
                                            orders consumer process orders.replies
                                              orders producer publish …
                                                notifications consumer process notifications.events
";

/// Each event is caused by one of somebody else's; orders listens to all of them.
const MESSAGES_OF_A_CHOREOGRAPHED_ORDER: &str = "
    gateway server POST /api/orders
      orders producer publish …
        notifications consumer process notifications.events
        inventory consumer process inventory.events
          inventory producer publish …
            orders consumer process orders.events
            payments consumer process payments.events
              payments producer publish …
                orders consumer process orders.events
                shipping consumer process shipping.events
                  shipping producer publish …
                    orders consumer process orders.events
                    inventory consumer process inventory.events
                      inventory producer publish …
                        orders consumer process orders.events
                        payments consumer process payments.events
                          payments producer publish …
                            orders consumer process orders.events
                              orders producer publish …
                                notifications consumer process notifications.events
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_one_trace_in_each_coordination_and_over_each_wire() {
    let shop = Shop::start(PROGRAM, &[]).await;
    each_order_is_one_trace(&shop, &ground().topology).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_the_same_trace_where_all_modules_share_a_process() {
    let shop = Shop::start(PROGRAM, &["--topology", "monolith"]).await;
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let monolith = Topology::find("monolith", here).unwrap_or_else(|why| panic!("{why}"));
    each_order_is_one_trace(&shop, &monolith).await;
    shop.stop().await;
}

async fn each_order_is_one_trace(shop: &Shop, topology: &Topology) {
    let observatory = Observatory::of(shop);
    let remote: Vec<Part> =
        CALLEES.into_iter().filter(|part| !topology.is_local(Part::Orders, *part)).collect();
    let wires: &[&str] = if remote.is_empty() { &["local"] } else { &["rest", "grpc", "amqp"] };
    // without a broker there is nobody to carry requests
    for wire in wires.iter().filter(|wire| **wire != "amqp" || topology.has_broker()) {
        for callee in &remote {
            let (code, out, err) = shop.run(&["wires", "set", "orders", callee.name(), wire]).await;
            assert_eq!(code, 0, "{out}{err}");
        }
        for coordination in Coordination::ALL {
            eprintln!("{} over {wire}", coordination.as_str());
            let order = settled(shop, &order_in(coordination, "tok_approve")).await;
            assert_eq!(order.step, "confirmed");
            let id = trace_of(shop, order.id).await;
            let trace = observatory.until(&id, |trace| is_whole(trace, coordination)).await;
            edges_take(&trace, topology, wire);
            the_edge_tells_what_was_asked(&trace);
            processes_tell_who_they_are(&trace, topology);
            statements_are_below_what_asked_them(&trace);
            every_step_is_stored_in_the_trace(&trace);
        }
    }
}

/// Whether all of it has arrived, and it looks as it should.
fn is_whole(trace: &Trace, coordination: Coordination) -> Result<(), String> {
    let messages = trace.only(|span| span.is_message() || span.parent.is_none());
    match coordination {
        Coordination::Sync => {
            let calls = trace.without(|span| span.is_message() || span.is_statement());
            calls.looks_like(CALLS_OF_A_SYNC_ORDER)?;
            messages.shows(MESSAGES_OF_A_SYNC_ORDER)?;
        }
        Coordination::Orchestrated => messages.shows(MESSAGES_OF_AN_ORCHESTRATED_ORDER)?,
        Coordination::Choreographed => messages.shows(MESSAGES_OF_A_CHOREOGRAPHED_ORDER)?,
    }
    trace.check_order()?;
    let everybody: BTreeSet<&str> = [
        "gateway",
        "orders",
        "catalog",
        "inventory",
        "payments",
        "shipping",
        "card-network",
        "notifications",
    ]
    .into();
    let missing: Vec<_> = everybody.difference(&trace.services()).copied().collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("nothing of {missing:?}:\n{}", trace.picture())) }
}

/// Calls of orders go over the wire that is configured, or straight to a module of the same process.
fn edges_take(trace: &Trace, topology: &Topology, wire: &str) {
    for callee in CALLEES {
        let taken = if topology.is_local(Part::Orders, callee) { "local" } else { wire };
        let meant = |span: &&Span| {
            span.service == "orders"
                && span.kind == Kind::Client
                && span.tag("peer.service") == Some(callee.name())
        };
        for call in trace.spans.iter().filter(meant) {
            assert_eq!(call.tag("tradewind.wire"), Some(taken), "{call:#?}");
        }
        for served in
            trace.spans.iter().filter(|span| span.service == callee.name() && span.kind == Kind::Server)
        {
            assert_eq!(served.tag("rpc.service"), Some(callee.name()), "{served:#?}");
            let method = served.tag("rpc.method").unwrap_or_default();
            assert_eq!(served.name, format!("{callee}.{method}"), "{served:#?}");
        }
    }
}

fn the_edge_tells_what_was_asked(trace: &Trace) {
    let root = trace.roots().next().expect("a root");
    assert_eq!(root.tag("http.request.method"), Some("POST"), "{root:#?}");
    assert_eq!(root.tag("http.route"), Some("/api/orders"), "{root:#?}");
    assert_eq!(root.tag("url.path"), Some("/api/orders"), "{root:#?}");
    let status = root.tags.get("http.response.status_code");
    assert!(status == Some(&json!(201)) || status == Some(&json!(202)), "{root:#?}");
}

fn processes_tell_who_they_are(trace: &Trace, topology: &Topology) {
    for span in &trace.spans {
        let told = |key: &str| span.resource.get(key).and_then(|value| value.as_str()).unwrap_or_default();
        assert_eq!(told("service.namespace"), "tradewind", "{span:#?}");
        assert!(!told("service.version").is_empty(), "{span:#?}");
        let Some(part) = Part::named(&span.service) else { continue };
        let instances: Vec<String> =
            (1..=topology.process_of(part).replicas).map(|number| format!("{part}-{number}")).collect();
        let instance = told("service.instance.id").to_owned();
        assert!(instances.contains(&instance), "{instance} is none of {instances:?}");
    }
}

/// The saga of a sync order runs in a task of its own: what it stores belongs to the order all the same.
fn every_step_is_stored_in_the_trace(trace: &Trace) {
    let steps = trace.named("orders", "UPDATE orders_orders").count();
    assert!(steps >= 5, "{steps} steps were stored:\n{}", trace.picture());
}

fn statements_are_below_what_asked_them(trace: &Trace) {
    let about = |table: &str| {
        let statements = trace.spans.iter().filter(|span| span.is_statement());
        statements.filter(|span| span.tag("db.collection.name") == Some(table)).count()
    };
    assert!(about("orders_orders") > 0, "{}", trace.picture());
    for reserve in trace.named("inventory", "inventory.reserve").filter(|span| span.kind == Kind::Server) {
        let below = trace.children(&reserve.id).filter(|span| span.is_statement()).count();
        assert!(below > 0, "nothing was asked of inventory's database:\n{}", trace.picture());
    }
    for statement in trace.spans.iter().filter(|span| span.is_statement()) {
        let [operation, table, text] =
            ["db.operation.name", "db.collection.name", "db.query.text"].map(|key| statement.tag(key));
        let text = text.unwrap_or_else(|| panic!("no text: {statement:#?}"));
        let engine = statement.tag("db.system.name").unwrap_or_default();
        assert!(["sqlite", "postgresql"].contains(&engine), "{statement:#?}");
        for private in ["tok_approve", "Elm 1", "53111"] {
            assert!(!text.contains(private), "{private} stands in a statement: {text}");
        }
        if let (Some(operation), Some(table)) = (operation, table) {
            assert_eq!(statement.name, format!("{operation} {table}"));
        }
    }
}
