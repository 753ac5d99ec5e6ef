//! Addresses: as they may be shown, in logs, errors and answers, and as a process has one.

use std::net::Ipv6Addr;

/// What separates the scheme of an address from the rest.
const AFTER_SCHEME: &str = "://";

/// An address without what may be secret in it: name and password, and what follows `?` or `#`, where keys stand. Also
/// one that makes no sense, which may have a password all the same.
pub fn shown(address: &str) -> String {
    let (scheme, rest) = match address.find(AFTER_SCHEME) {
        Some(at) => address.split_at(at + AFTER_SCHEME.len()),
        None => ("", address),
    };
    let (place, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    if query.contains('@') {
        // that is in the password, or behind it: nobody can tell
        return format!("{scheme}…");
    }
    // the password may hold an @ itself; a host cannot
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    format!("{scheme}{}", place.trim_end_matches('/'))
}

/// Whether `address` is HOST:PORT and nothing besides. An address of IPv6 stands in brackets: without them its last group
/// could be the port.
pub fn is_host_and_port(address: &str) -> bool {
    address
        .rsplit_once(':')
        .is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok_and(|port| port != 0))
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(['/', '@', ' ', ':', '[', ']']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_secret_is_shown_as_it_is() {
        for address in [
            "",
            "orders:9000",
            "http://127.0.0.1:4317",
            "http://[::1]:8500/v1",
            "dns://{module}.shop:9000",
            "postgres://db/tradewind_{module}",
            "sqlite:/data/db/{module}.db",
        ] {
            assert_eq!(shown(address), address);
        }
        assert_eq!(shown("http://gateway:8080/"), "http://gateway:8080");
    }

    #[test]
    fn no_name_no_password_and_no_key_is_shown() {
        for (address, told) in [
            ("amqp://shop:hunter2@broker:5672/orders", "amqp://broker:5672/orders"),
            ("http://shop:hunter2@collector:4318/v1?key=hunter2", "http://collector:4318/v1"),
            ("postgres://db/shop?password=hunter2", "postgres://db/shop"),
            ("http://gateway:8080/#hunter2", "http://gateway:8080"),
            // those make no sense
            ("shop:hunter2@consul:8500", "consul:8500"),
            ("amqp:hunter2@broker", "broker"),
            ("mysql://root:hun@ter2@db/x", "mysql://db/x"),
            ("http://shop:hun/ter2@db", "http://db"),
            ("http://shop:hun?ter2@db", "http://…"),
            ("http://collector/?key=hun@ter2", "http://…"),
            ("shop:hun#ter2@db", "…"),
        ] {
            assert_eq!(shown(address), told, "{address}");
        }
    }
}
