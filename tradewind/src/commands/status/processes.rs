//! The processes of a shop, as people read of them.

use std::time::Duration;

use crate::text;
use crate::up::status::{ProcessStatus, ShopStatus};

/// The columns that only a supervisor can fill, the last one first.
const OF_A_SUPERVISOR: [usize; 3] = [6, 4, 1];

/// How the shop is, a line for each process, and what is to be said of those that are not well.
pub(super) fn told(shop: &ShopStatus) -> String {
    let mut text = format!("{}\n\n{}", headline(shop), table(shop));
    for process in &shop.processes {
        if let Some(detail) = &process.detail {
            text.push_str(&format!("{} is not ready: {detail}\n", process.name));
        }
        if let Some(how) = &process.last_end {
            text.push_str(&format!("{} {how} before its last restart\n", process.name));
        }
    }
    text
}

fn headline(shop: &ShopStatus) -> String {
    let ShopStatus { ready, topology, data, uptime_ms, addresses, .. } = shop;
    let mut line = if *ready { "ready" } else { "not ready" }.to_owned();
    if let Some(millis) = uptime_ms {
        line.push_str(&format!(", up for {}", text::duration(Duration::from_millis(*millis))));
    }
    line.push_str(&format!(", at {}", addresses.gateway));
    if let (Some(topology), Some(data)) = (topology, data) {
        line.push_str(&format!(" (topology {topology}, data in {data})"));
    }
    line
}

fn table(shop: &ShopStatus) -> String {
    let ShopStatus { pid, processes, totals, .. } = shop;
    // resident memory where the system does not tell the proportional kind, and then it says so
    let (unit, total) = match totals.pss_kib.filter(|_| pid.is_some()) {
        Some(pss) => ("PSS", Some(pss)),
        None => ("RSS", totals.rss_kib),
    };
    let mut rows = vec![text::row(["process", "pid", "address", unit, "restarts", "state", "uptime"])];
    rows.extend(processes.iter().map(|process| row(process, unit)));
    let sum = total.map_or_else(String::new, text::megabytes);
    let restarts = totals.restarts.map(|restarts| restarts.to_string()).unwrap_or_default();
    rows.push(text::row([&format!("{} running", totals.processes), "", "", &sum, &restarts, "", ""]));
    if pid.is_none() {
        for row in &mut rows {
            for column in OF_A_SUPERVISOR {
                row.remove(column);
            }
        }
    }
    if processes.iter().any(shares_its_process) {
        let cells = std::iter::once("modules".to_owned())
            .chain(processes.iter().map(|process| process.modules.join(", ")))
            .chain([String::new()]);
        rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
    text::table(&rows)
}

/// Whether its name does not say what it hosts.
fn shares_its_process(process: &ProcessStatus) -> bool {
    let says = |module: &String| {
        process
            .name
            .strip_prefix(module.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    !process.modules.iter().all(says)
}

fn row(process: &ProcessStatus, unit: &str) -> Vec<String> {
    let memory = if unit == "PSS" { process.pss_kib } else { process.rss_kib };
    let uptime = process.uptime_ms.map(|millis| text::duration(Duration::from_millis(millis)));
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    text::row([
        &process.name,
        &number(process.pid),
        process.address.as_deref().unwrap_or("-"),
        &memory.map_or_else(|| "-".to_owned(), text::megabytes),
        &number(process.restarts),
        process.state.as_str(),
        uptime.as_deref().unwrap_or("-"),
    ])
}

/// Shops for tests.
#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::folder::Addresses;
    use crate::up::status::{State, Totals};

    /// One of a single process.
    pub(crate) fn shop(pss_kib: Option<u64>) -> ShopStatus {
        let process = ProcessStatus {
            name: "orders".into(),
            modules: vec!["orders".into()],
            pid: Some(42),
            address: Some("127.0.0.1:4711".into()),
            http: None,
            runs: true,
            state: State::NotReady,
            detail: Some("database of orders: gone".into()),
            last_end: Some("was killed by signal 9".into()),
            pss_kib,
            rss_kib: Some(20_000),
            restarts: Some(3),
            uptime_ms: Some(1500),
        };
        let addresses = Addresses {
            gateway: "http://127.0.0.1:8080".into(),
            registry: String::new(),
            config_server: String::new(),
            card_network: String::new(),
            broker: String::new(),
            broker_http: None,
            observatory: None,
            otlp: None,
        };
        ShopStatus {
            ready: false,
            pid: Some(1),
            topology: Some("microservices".into()),
            data: Some("/shop".into()),
            uptime_ms: Some(61_000),
            addresses,
            totals: Totals::of(std::slice::from_ref(&process)),
            processes: vec![process],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::status::{State, Totals};

    fn words<'a>(text: &'a str, line: &str) -> Vec<&'a str> {
        let found = text.lines().find(|text| text.starts_with(line)).expect("a line");
        found.split_whitespace().collect()
    }

    #[test]
    fn a_row_tells_what_a_process_is_and_a_line_why_it_is_not_ready() {
        let text = told(&samples::shop(Some(10_000)));
        assert_eq!(
            words(&text, "orders "),
            ["orders", "42", "127.0.0.1:4711", "10.2", "MB", "3", "not", "ready", "1.50", "s"]
        );
        assert!(
            text.starts_with("not ready, up for 1 min 01 s, at http://127.0.0.1:8080 (topology"),
            "{text}"
        );
        assert!(text.contains("orders is not ready: database of orders: gone"), "{text}");
        assert!(text.contains("orders was killed by signal 9 before its last restart"), "{text}");
        assert!(text.contains("1 running") && text.contains("PSS"), "{text}");
    }

    #[test]
    fn where_nobody_supervises_there_are_no_columns_for_what_nobody_knows() {
        let mut shop = samples::shop(None);
        (shop.pid, shop.topology, shop.data, shop.uptime_ms) = (None, None, None, None);
        let process = &mut shop.processes[0];
        (process.pid, process.restarts, process.uptime_ms, process.last_end) = (None, None, None, None);
        (process.name, process.state) = ("orders-1".into(), State::Ready);
        shop.totals = Totals::of(&shop.processes);
        let text = told(&shop);
        assert!(text.starts_with("not ready, at http://127.0.0.1:8080\n"), "{text}");
        assert_eq!(words(&text, "process"), ["process", "address", "RSS", "state"]);
        assert_eq!(words(&text, "orders-1"), ["orders-1", "127.0.0.1:4711", "20.5", "MB", "ready"]);
        assert_eq!(words(&text, "1 running"), ["1", "running", "20.5", "MB"]);
    }

    #[test]
    fn what_a_process_hosts_is_told_where_its_name_does_not_say_it() {
        let mut shop = samples::shop(None);
        assert!(!told(&shop).contains("modules"), "{}", told(&shop));
        shop.processes[0].name = "orders-2".into();
        assert!(!told(&shop).contains("modules"), "{}", told(&shop));
        shop.processes[0].name = "till".into();
        shop.processes[0].modules.push("payments".into());
        let text = told(&shop);
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        assert!(lines.iter().any(|line| line.ends_with("uptime  modules")), "{text}");
        assert!(lines.iter().any(|line| line.ends_with("1.50 s  orders, payments")), "{text}");
    }

    #[test]
    fn memory_of_the_other_kind_is_called_by_its_name() {
        let text = told(&samples::shop(None));
        assert!(text.contains("RSS") && text.contains("20.5 MB") && !text.contains("PSS"), "{text}");
    }
}
