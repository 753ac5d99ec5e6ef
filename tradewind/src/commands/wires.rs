//! `tradewind wires`

use std::time::Duration;

use anyhow::Context as _;
use chassis::config::protocol::{DEFAULT_PROFILE, SHARED};
use chassis::discovery::Instance;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::config::set_key;
use crate::cli::{StatusArgs, WiresArgs, WiresCommand, WiresSetArgs};
use crate::client::{RequestError, Shop};
use crate::exit::Ending;
use crate::text;
use crate::up::status::ShopStatus;

/// The wire that nobody chooses.
const LOCAL: &str = "local";
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// How one edge stands, as an instance of its caller reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EdgeReport {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
    /// How new calls go.
    pub wire: String,
    /// Calls so far, by wire.
    pub calls: Map<String, Value>,
}

/// Shows or changes wires.
pub async fn wires(args: WiresArgs) -> anyhow::Result<()> {
    match args.command {
        None => show(&args.show).await,
        Some(WiresCommand::Show(args)) => show(&args).await,
        Some(WiresCommand::Set(args)) => set(&args).await,
    }
}

async fn show(args: &StatusArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let edges = in_use(&shop, &shop.status().await?).await?;
    if args.json {
        return super::print_json(&edges);
    }
    Ok(text::say(table(&edges))?)
}

/// Every edge of every process that is ready.
pub(super) async fn in_use(shop: &Shop, status: &ShopStatus) -> Result<Vec<EdgeReport>, RequestError> {
    let asked = status.hosted().filter_map(|(module, process)| {
        let address = process.http_address()?;
        Some(edges_at(shop, address, module))
    });
    let mut edges = Vec::new();
    for told in join_all(asked).await {
        match told {
            Ok(told) => edges.extend(told),
            Err(error) if error.is_closed_door() => return Err(error),
            // modules that call nobody have no such report
            Err(_) => {}
        }
    }
    Ok(edges)
}

async fn edges_at(shop: &Shop, address: &str, module: &str) -> Result<Vec<EdgeReport>, RequestError> {
    shop.read(shop.at(address, &format!("/control/{module}/wires"))).await
}

/// The edges as people read them.
pub(super) fn table(edges: &[EdgeReport]) -> String {
    let mut rows = vec![text::row(["caller", "callee", "wire", "calls so far"])];
    rows.extend(edges.iter().map(|edge| {
        let made = edge.calls.iter().filter(|(_, count)| count.as_u64() != Some(0));
        let calls = made.map(|(wire, count)| format!("{count} {wire}")).collect::<Vec<_>>().join(", ");
        text::row([&edge.caller, &edge.callee, &edge.wire, &calls])
    }));
    text::table(&rows)
}

/// How an instance stands towards a change of its wire.
#[derive(Debug, Serialize)]
struct Progress {
    instance: String,
    address: String,
    /// The wire that it takes; nothing where it does not say.
    wire: Option<String>,
    taken_over: bool,
}

/// What became of the change.
#[derive(Debug, Serialize)]
struct Switched {
    origin: String,
    target: String,
    wire: &'static str,
    version: u64,
    taken_over: bool,
    instances: Vec<Progress>,
}

/// Changes a wire by changing the configuration, and waits until every live instance of the caller has
/// taken it over.
async fn set(args: &WiresSetArgs) -> anyhow::Result<()> {
    let WiresSetArgs { origin, target, .. } = args;
    let shop = Shop::find(&args.shop)?;
    let operator = shop.operator()?;
    check_edge(&shop, origin, target).await?;

    let wire = args.wire.as_str();
    let key = format!("wires.{origin}.{target}");
    let changed = set_key(&operator, SHARED, DEFAULT_PROFILE, &key, Value::from(wire)).await?;
    let instances = until_taken_over(&shop, args).await?;

    let taken_over = instances.iter().all(|instance| instance.taken_over);
    let switched = Switched {
        origin: origin.clone(),
        target: target.clone(),
        wire,
        version: changed.version,
        taken_over,
        instances,
    };
    if args.json {
        super::print_json(&switched)?;
    } else {
        text::say(switched.text())?;
    }
    if taken_over { Ok(()) } else { Err(Ending::Said.into()) }
}

/// Refuses, before anything is changed, an edge that nobody has.
async fn check_edge(shop: &Shop, origin: &str, target: &str) -> anyhow::Result<()> {
    let live = shop.instances(origin).await?;
    let Some(instance) = live.first() else {
        let message =
            format!("there is no live instance of {origin:?}; `tradewind wires` shows who calls whom");
        return Err(Ending::Usage(message).into());
    };
    let edges = edges_at(shop, &instance.address, origin)
        .await
        .with_context(|| format!("{} at {} does not tell its wires", instance.id, instance.address))?;
    match edges.iter().find(|edge| edge.callee == target) {
        Some(edge) if edge.wire == LOCAL => {
            let mut message = format!("{origin} and {target} live in one process, and call each other there");
            if shop.supervised().is_ok() {
                message.push_str("; `tradewind move` sets them apart");
            }
            return Err(Ending::Usage(message).into());
        }
        Some(_) => return Ok(()),
        None => {}
    }
    let callees: Vec<_> = edges.iter().map(|edge| edge.callee.as_str()).collect();
    let callees = if callees.is_empty() { "nobody".into() } else { callees.join(", ") };
    Err(Ending::Usage(format!("{origin} does not call {target:?}; it calls {callees}")).into())
}

/// Asks every live instance, those too that come up meanwhile, until all have it or the time is up.
async fn until_taken_over(shop: &Shop, args: &WiresSetArgs) -> anyhow::Result<Vec<Progress>> {
    let patience = Instant::now() + Duration::from_secs(args.patience);
    loop {
        let instances = shop.instances(&args.origin).await?;
        let asked = join_all(instances.into_iter().map(|instance| ask(shop, instance, args))).await;
        let done = !asked.is_empty() && asked.iter().all(|instance| instance.taken_over);
        if done || Instant::now() >= patience {
            return Ok(asked);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn ask(shop: &Shop, instance: Instance, args: &WiresSetArgs) -> Progress {
    let edges = edges_at(shop, &instance.address, &args.origin).await.unwrap_or_default();
    let wire = edges.into_iter().find(|edge| edge.callee == args.target).map(|edge| edge.wire);
    let taken_over = wire.as_deref() == Some(args.wire.as_str());
    Progress { instance: instance.id, address: instance.address, wire, taken_over }
}

impl Switched {
    fn text(&self) -> String {
        let Self { origin, target, wire, version, instances, .. } = self;
        let behind: Vec<_> = instances.iter().filter(|instance| !instance.taken_over).collect();
        if instances.is_empty() {
            return format!(
                "{origin} to {target} is set to {wire} (version {version}), but no instance of {origin} is live to take it over"
            );
        }
        if behind.is_empty() {
            let names: Vec<_> = instances.iter().map(|instance| instance.instance.as_str()).collect();
            return format!(
                "{origin} calls {target} over {wire} now (version {version}): {}",
                names.join(", ")
            );
        }
        let lines = behind.iter().map(|instance| match &instance.wire {
            Some(wire) => format!("\n  {} at {} still takes {wire}", instance.instance, instance.address),
            None => format!("\n  {} at {} does not answer", instance.instance, instance.address),
        });
        format!(
            "{origin} to {target} is set to {wire} (version {version}), but not taken over by{}",
            lines.collect::<String>()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switched(wires: &[Option<&str>]) -> Switched {
        let instances = wires.iter().enumerate().map(|(number, wire)| Progress {
            instance: format!("orders-{number}"),
            address: format!("127.0.0.1:{number}"),
            wire: wire.map(str::to_owned),
            taken_over: *wire == Some("grpc"),
        });
        Switched {
            origin: "orders".into(),
            target: "inventory".into(),
            wire: "grpc",
            version: 7,
            taken_over: wires.iter().all(|wire| *wire == Some("grpc")),
            instances: instances.collect(),
        }
    }

    #[test]
    fn whoever_has_not_taken_it_over_is_named() {
        let text = switched(&[Some("grpc"), Some("rest"), None]).text();
        assert!(text.contains("orders-1 at 127.0.0.1:1 still takes rest"), "{text}");
        assert!(text.contains("orders-2 at 127.0.0.1:2 does not answer"), "{text}");
        assert!(!text.contains("orders-0"), "{text}");
    }

    #[test]
    fn when_all_have_it_they_are_listed() {
        assert_eq!(
            switched(&[Some("grpc")]).text(),
            "orders calls inventory over grpc now (version 7): orders-0"
        );
        assert!(switched(&[]).text().contains("no instance of orders is live"));
    }

    #[test]
    fn the_report_of_the_services_is_understood() {
        let text = r#"[{"caller":"orders","callee":"inventory","wire":"rest","calls":{"local":0,"rest":12,"grpc":3}}]"#;
        let edges: Vec<EdgeReport> = serde_json::from_str(text).expect("reads");
        assert!(table(&edges).contains("12 rest") && !table(&edges).contains("local"), "{}", table(&edges));
    }
}
