//! How the name of a service is made.

use crate::address;
use crate::discovery::DiscoveryError;

const SCHEME: &str = "dns://";
/// What stands in the place of a service's name.
const MODULE: &str = "{module}";

/// `dns://{module}.shop.svc.cluster.local:9000`: the host of a service, and the port of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    before: String,
    after: String,
    port: u16,
}

impl Template {
    /// Reads one; says what is wrong with it otherwise.
    pub(super) fn parse(url: &str) -> Result<Self, DiscoveryError> {
        Self::read(url).map_err(|what| DiscoveryError::Address {
            address: address::shown(url),
            reason: format!("{what}; it should read {SCHEME}{MODULE}.DOMAIN:PORT"),
        })
    }

    fn read(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix(SCHEME).ok_or_else(|| format!("it does not begin with {SCHEME}"))?;
        let (name, port) = rest.rsplit_once(':').ok_or("it names no port")?;
        let port = port.parse::<u16>().ok().filter(|port| *port > 0);
        let port = port.ok_or("what follows the last colon is no port")?;
        let (before, after) = name.split_once(MODULE).ok_or_else(|| format!("it does not hold {MODULE}"))?;
        if after.contains(MODULE) {
            return Err(format!("it holds {MODULE} more than once"));
        }
        let strange = |letter: &char| !letter.is_ascii_alphanumeric() && !"-._".contains(*letter);
        match [before, after].into_iter().flat_map(str::chars).find(strange) {
            Some(letter) => Err(format!("{letter:?} cannot stand in a name")),
            None => Ok(Self { before: before.to_owned(), after: after.to_owned(), port }),
        }
    }

    /// The name of a service's host.
    pub(super) fn host_of(&self, service: &str) -> String {
        format!("{}{service}{}", self.before, self.after)
    }

    /// Where everybody listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_service_takes_its_place() {
        for (url, host) in [
            ("dns://{module}:9000", "orders"),
            ("dns://{module}.tradewind.svc.cluster.local:9000", "orders.tradewind.svc.cluster.local"),
            ("dns://shop-{module}_1.:9000", "shop-orders_1."),
        ] {
            let template = Template::parse(url).unwrap();
            assert_eq!((template.host_of("orders").as_str(), template.port()), (host, 9000));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, what) in [
            ("http://{module}:9000", "begin with dns://"),
            ("dns:{module}:9000", "begin with dns://"),
            ("dns://{module}", "no port"),
            ("dns://{module}:", "is no port"),
            ("dns://{module}:0", "is no port"),
            ("dns://{module}:65536", "is no port"),
            ("dns://{module}:9000/", "is no port"),
            ("dns://orders:9000", "does not hold {module}"),
            ("dns://{module}.{module}:9000", "more than once"),
            ("dns://{module}/x:9000", "'/' cannot stand in a name"),
            ("dns://me@{module}:9000", "'@' cannot stand in a name"),
            ("dns://{module}:1:9000", "':' cannot stand in a name"),
            ("", "begin with dns://"),
        ] {
            let error = Template::parse(url).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("dns://{module}.DOMAIN:PORT"), "{url}: {error}");
        }
    }
}
