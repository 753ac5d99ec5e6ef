//! How a shop does that nobody supervises: every instance that is known is asked.

use chassis::address::shown;
use chassis::discovery::Instance;
use futures::future::{join_all, try_join_all};
use reqwest::Client;

use super::asking::body;
use super::elsewhere::Elsewhere;
use crate::health;
use crate::topology::Part;
use crate::up::status::{ProcessStatus, ShopStatus, State, Totals};

/// What a process is called that hosts several modules and does not say.
const SHOP: &str = "shop";
/// Of what a process tells at `/metrics`, its memory (`chassis::telemetry::process`).
const MEMORY: &str = "process_memory_usage_bytes";
/// Who says something else at `/metrics` than what it uses itself.
const OBSERVATORY: &str = "observatory";
/// The largest answer at `/metrics` that is read, far beyond what a process has to say.
const LARGEST: usize = 4 << 20;

/// A process that is known to be part of the shop.
struct Known {
    name: String,
    modules: Vec<String>,
    url: String,
}

/// How the shop does. It is ready when every module has an instance that is.
pub(super) async fn status(shop: &Elsewhere) -> anyhow::Result<ShopStatus> {
    let instances = try_join_all(Part::all().map(|part| shop.instances(part.name()))).await?;
    let mut known = processes(instances.into_iter().flatten());
    known.extend(servers(shop));
    let http = health::client()?;
    let mut processes = join_all(known.into_iter().map(|process| ask(&http, process))).await;
    let hosted =
        |part: Part| processes.iter().any(|process| process.modules.iter().any(|name| name == part.name()));
    let missing: Vec<_> = Part::all().into_iter().filter(|part| !hosted(*part)).map(missing).collect();
    processes.extend(missing);
    let mut status = ShopStatus {
        ready: false,
        pid: None,
        topology: None,
        data: None,
        uptime_ms: None,
        addresses: shop.shown(),
        totals: Totals::of(&processes),
        processes,
    };
    status.ready = Part::all().into_iter().all(|part| status.hosts_of(part.name()).next().is_some());
    Ok(status)
}

/// The processes whose modules these instances are: what has one address is one process.
fn processes(instances: impl Iterator<Item = Instance>) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    for instance in instances {
        let url = format!("http://{}", instance.address);
        match known.iter_mut().find(|process| process.url == url) {
            Some(process) if process.modules.contains(&instance.service) => {}
            Some(process) => {
                process.name = instance.meta.get("process").map_or(SHOP, String::as_str).to_owned();
                process.modules.push(instance.service);
            }
            None => known.push(Known { name: instance.id, modules: vec![instance.service], url }),
        }
    }
    known
}

/// The supporting servers whose addresses are known.
fn servers(shop: &Elsewhere) -> impl Iterator<Item = Known> {
    let config_server = Some(&shop.addresses.config_server).filter(|url| !url.is_empty());
    let named = [("config-server", config_server), (OBSERVATORY, shop.addresses.observatory.as_ref())];
    named.into_iter().filter_map(|(name, url)| {
        Some(Known { name: name.to_owned(), modules: Vec::new(), url: url?.clone() })
    })
}

async fn ask(http: &Client, Known { name, modules, url }: Known) -> ProcessStatus {
    let (state, detail, answers) = match health::check(http, &format!("{url}/readyz")).await {
        Ok(()) => (State::Ready, None, true),
        Err(unwell) => (State::NotReady, Some(unwell.why), unwell.status.is_some()),
    };
    let rss_kib = if answers && name != OBSERVATORY { memory_kib(http, &url).await } else { None };
    let address = shown(&url);
    let address = address.strip_prefix("http://").unwrap_or(&address).to_owned();
    ProcessStatus { address: Some(address), runs: answers, detail, rss_kib, ..unknown(name, modules, state) }
}

/// A module of which no instance is known.
fn missing(part: Part) -> ProcessStatus {
    let detail = Some("no instance of it is known".to_owned());
    ProcessStatus { detail, ..unknown(part.name().to_owned(), vec![part.name().to_owned()], State::NotReady) }
}

/// A process of which there is nothing more to say: only a supervisor would know.
fn unknown(name: String, modules: Vec<String>, state: State) -> ProcessStatus {
    ProcessStatus {
        name,
        modules,
        pid: None,
        address: None,
        http: None,
        runs: false,
        state,
        detail: None,
        last_end: None,
        pss_kib: None,
        rss_kib: None,
        restarts: None,
        uptime_ms: None,
    }
}

async fn memory_kib(http: &Client, url: &str) -> Option<u64> {
    let answer = http.get(format!("{url}/metrics")).send().await.ok()?.error_for_status().ok()?;
    resident_kib(&String::from_utf8_lossy(&body(answer, LARGEST).await.ok()?))
}

/// The resident memory in Prometheus' text format.
fn resident_kib(metrics: &str) -> Option<u64> {
    let sample = metrics.lines().find_map(|line| {
        let rest = line.strip_prefix(MEMORY)?;
        rest.starts_with([' ', '{']).then_some(rest)
    })?;
    let bytes: f64 = sample.rsplit(' ').next()?.parse().ok()?;
    Some((bytes / 1024.0) as u64)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;
    use crate::cli::ElsewhereArgs;

    const METRICS: &str = "# HELP process_memory_usage_bytes Memory\n# TYPE process_memory_usage_bytes gauge\n\
                           process_memory_usage_bytes_more 7\n\
                           process_memory_usage_bytes{otel_scope_name=\"tradewind\"} 20971520\n";

    fn instance(id: &str, service: &str, address: &str, process: Option<&str>) -> Instance {
        let meta = process.map(|process| ("process".to_owned(), process.to_owned())).into_iter().collect();
        Instance { id: id.into(), service: service.into(), address: address.into(), meta }
    }

    /// Where a process answers that is ready or not.
    async fn process(ready: StatusCode) -> String {
        measuring(ready, METRICS.to_owned()).await
    }

    async fn measuring(ready: StatusCode, metrics: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let routes = Router::new()
            .route("/readyz", get(async move || (ready, "not ready: database of orders: gone\n")))
            .route("/metrics", get(move || std::future::ready(metrics.clone())));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        address
    }

    async fn status_of(modules: &str) -> ShopStatus {
        let args = ElsewhereArgs {
            gateway: Some("http://gateway:8080".into()),
            modules: Some(modules.to_owned()),
            ..ElsewhereArgs::default()
        };
        let shop = Elsewhere::of(&args).expect("it makes sense").expect("it is elsewhere");
        status(&shop).await.expect("its processes are known")
    }

    #[tokio::test]
    async fn a_shop_is_ready_when_every_module_has_an_instance_that_is() {
        let address = process(StatusCode::OK).await;
        let told = status_of(&address).await;
        assert!(told.ready, "{told:?}");
        let [shop] = told.processes.as_slice() else { panic!("it is one process: {told:?}") };
        assert_eq!((shop.name.as_str(), shop.address.as_deref()), (SHOP, Some(address.as_str())));
        assert_eq!((shop.modules.len(), shop.rss_kib, shop.pid), (Part::all().len(), Some(20_480), None));
        assert_eq!(
            (told.totals.processes, told.totals.rss_kib, told.totals.restarts),
            (1, Some(20_480), None)
        );
    }

    #[tokio::test]
    async fn whoever_is_not_ready_says_why_and_whoever_is_not_there_is_not_ready() {
        let unwell = status_of(&process(StatusCode::SERVICE_UNAVAILABLE).await).await;
        assert!(!unwell.ready);
        assert_eq!(unwell.processes[0].detail.as_deref(), Some("not ready: database of orders: gone"));
        assert_eq!(unwell.processes[0].rss_kib, Some(20_480), "it runs");
        assert_eq!((unwell.totals.processes, unwell.totals.rss_kib), (1, Some(20_480)), "{unwell:?}");
        let gone = status_of("127.0.0.1:1").await;
        assert!(!gone.ready && gone.processes[0].detail.is_some(), "{gone:?}");
        assert_eq!(gone.totals.processes, 0, "{gone:?}");
    }

    #[tokio::test]
    async fn whoever_measures_without_end_is_not_listened_to() {
        let address = measuring(StatusCode::OK, METRICS.to_owned() + &" ".repeat(LARGEST)).await;
        let told = status_of(&address).await;
        assert_eq!((told.ready, told.processes[0].rss_kib), (true, None), "{told:?}");
    }

    #[test]
    fn what_has_one_address_is_one_process() {
        let known = processes(
            [
                instance("catalog-1", "catalog", "10.0.0.1:9000", Some("till")),
                instance("orders-1", "orders", "10.0.0.1:9000", Some("till")),
                instance("orders-1", "orders", "10.0.0.1:9000", Some("till")),
                instance("orders-2", "orders", "10.0.0.2:9000", Some("orders")),
                instance("payments-10.0.0.3", "payments", "10.0.0.3:9000", None),
                instance("shipping-10.0.0.3", "shipping", "10.0.0.3:9000", None),
            ]
            .into_iter(),
        );
        let told: Vec<_> =
            known.iter().map(|process| (process.name.as_str(), process.modules.join(" "))).collect();
        let wanted = [("till", "catalog orders"), ("orders-2", "orders"), (SHOP, "payments shipping")]
            .map(|(name, modules)| (name, modules.to_owned()));
        assert_eq!(told, wanted);
    }

    #[test]
    fn memory_is_found_among_all_that_a_process_measures() {
        assert_eq!(resident_kib(METRICS), Some(20_480));
        assert_eq!(resident_kib("process_memory_usage_bytes 1.048576e6\n"), Some(1024));
        assert_eq!(resident_kib("process_memory_usage_bytes_more 7\n"), None);
    }
}
