//! The routes, checked and ready to be matched.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::{Fault, Kind};

use super::guard::Guard;
use super::reverse::Reverse;
use super::template::Template;
use super::{Method, Protocol, RouteConfig};

/// The routes of one configuration.
#[derive(Debug, Clone)]
pub struct RouteTable {
    paths: matchit::Router<Vec<usize>>,
    routes: Vec<Route>,
    reverse: Reverse,
    guard: Guard,
}

/// One route, checked.
#[derive(Debug, Clone)]
pub struct Route {
    config: RouteConfig,
    public: Template,
    rewrite: Template,
}

/// Where a request goes.
#[derive(Debug)]
pub struct Found<'a> {
    /// The route that it takes.
    pub route: &'a Route,
    /// Its path at the service.
    pub path: String,
}

/// Why a request goes nowhere.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is nothing public at this path.
    Path,
    /// There is, with these methods.
    Method(Vec<Method>),
}

impl Route {
    /// As it was configured.
    pub fn config(&self) -> &RouteConfig {
        &self.config
    }

    /// The service that answers.
    pub fn service(&self) -> &str {
        &self.config.service
    }

    /// What is spoken with it.
    pub fn protocol(&self) -> Protocol {
        self.config.protocol
    }

    /// How long it has to begin its answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.config.timeout_ms)
    }

    /// Whether a request by `method` may change something.
    pub fn kind(&self, method: &http::Method) -> Kind {
        self.config.kind(method)
    }
}

impl RouteTable {
    /// The table, or every fault of the routes; nothing of a faulty configuration is used.
    pub fn compile(configs: &[RouteConfig]) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut table = Self {
            paths: matchit::Router::new(),
            routes: Vec::new(),
            reverse: Reverse::default(),
            guard: Guard::new(),
        };
        for (index, config) in configs.iter().enumerate() {
            if let Err(more) = table.add(config) {
                let place =
                    |fault: Fault| Fault { field: format!("routes[{index}].{}", fault.field), ..fault };
                faults.extend(more.into_iter().map(place));
            }
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    fn add(&mut self, config: &RouteConfig) -> Result<(), Vec<Fault>> {
        let fault = |field: &str, message: String| Fault { field: field.to_owned(), message };
        let mut faults = config.faults();
        let public = Template::parse(&config.path).map_err(|message| faults.push(fault("path", message)));
        let rewrite =
            Template::parse(&config.rewrite).map_err(|message| faults.push(fault("rewrite", message)));
        let (Ok(public), Ok(rewrite)) = (public, rewrite) else { return Err(faults) };
        let unknown: Vec<_> =
            rewrite.names().filter(|name| public.names().all(|known| known != *name)).collect();
        if !unknown.is_empty() {
            faults.push(fault(
                "rewrite",
                format!("must use parameters of the path only, not {}", unknown.join(", ")),
            ));
        }
        let index = self.routes.len();
        if faults.is_empty()
            && let Err((field, message)) = self.place(index, config, &public)
        {
            faults.push(fault(field, message));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.reverse.add(&config.service, &rewrite, &public);
        self.routes.push(Route { config: config.clone(), public, rewrite });
        Ok(())
    }

    /// Puts a route among those that share its path, or says which field stands in the way.
    fn place(
        &mut self,
        index: usize,
        config: &RouteConfig,
        public: &Template,
    ) -> Result<(), (&'static str, String)> {
        let same_path: Vec<usize> =
            (0..index).filter(|known| self.routes[*known].public == *public).collect();
        for known in &same_path {
            let methods = &self.routes[*known].config.methods;
            if let Some(twice) = config.methods.iter().find(|method| methods.contains(method)) {
                let message = format!(
                    "must not repeat {} {}, which has a route already",
                    twice.as_str(),
                    public.as_str()
                );
                return Err(("methods", message));
            }
        }
        if same_path.is_empty() {
            let path = public.as_str();
            return self
                .paths
                .insert(path, vec![index])
                .map_err(|error| ("path", format!("must differ from all others: {error}")));
        }
        if let Ok(found) = self.paths.at_mut(public.as_str()) {
            found.value.push(index);
        }
        Ok(())
    }

    /// Where `method` `path` goes. The path is as it came, percent-encoded.
    pub fn find(&self, method: &http::Method, path: &str) -> Result<Found<'_>, Missing> {
        let found = self.paths.at(path).map_err(|_| Missing::Path)?;
        let routes = || found.value.iter().filter_map(|index| self.routes.get(*index));
        let Some(route) =
            routes().find(|route| route.config.methods.iter().any(|known| known.admits(method)))
        else {
            return Err(Missing::Method(routes().flat_map(|route| route.config.methods.clone()).collect()));
        };
        let path = route.rewrite.fill(&found.params);
        if self.guard.refuses(route.service(), &route.rewrite, &path) {
            return Err(Missing::Path);
        }
        Ok(Found { route, path })
    }

    /// The public path of `path` at `service`, where it has one.
    pub fn public_path(&self, service: &str, path: &str) -> Option<String> {
        self.reverse.public(service, path)
    }

    /// All routes, in the order of the configuration.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Every service that a route leads to.
    pub fn services(&self) -> BTreeSet<&str> {
        self.routes.iter().map(Route::service).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::public_api;

    fn route(path: &str, methods: &[Method], rewrite: &str) -> RouteConfig {
        RouteConfig {
            path: path.into(),
            methods: methods.to_vec(),
            service: "orders".into(),
            rewrite: rewrite.into(),
            timeout_ms: 1000,
            protocol: Protocol::Http,
            body_bytes: None,
        }
    }

    #[test]
    fn the_public_api_is_without_fault_and_leads_where_it_says() {
        let table = RouteTable::compile(&public_api()).expect("without fault");
        for (method, path, service, own) in [
            ("GET", "/api/products", "catalog", "/products"),
            ("HEAD", "/api/products", "catalog", "/products"),
            ("GET", "/api/products/search", "catalog", "/products/search"),
            ("GET", "/api/products/KETTLE-1", "catalog", "/products/KETTLE-1"),
            ("GET", "/api/stock/KETTLE-1", "inventory", "/stock/KETTLE-1"),
            ("POST", "/api/orders", "orders", "/orders"),
            ("GET", "/api/orders", "orders", "/orders"),
            ("GET", "/api/orders/1", "orders", "/orders/1"),
            ("GET", "/api/orders/1/timeline", "orders", "/orders/1/timeline"),
            ("POST", "/api/orders/1/cancel", "orders", "/orders/1/cancel"),
            ("GET", "/api/shipments/1", "shipping", "/shipments/1"),
            ("GET", "/api/shipments/1/track", "shipping", "/shipments/1/track"),
            ("GET", "/api/payments/ledger", "payments", "/ledger"),
            ("POST", "/tradewind.orders.v1.Orders/Place", "orders", "/tradewind.orders.v1.Orders/Place"),
        ] {
            let found = table
                .find(&method.parse().unwrap(), path)
                .unwrap_or_else(|error| panic!("{path}: {error:?}"));
            assert_eq!((found.route.service(), found.path.as_str()), (service, own), "{method} {path}");
        }
    }

    #[test]
    fn nothing_else_is_reachable() {
        let table = RouteTable::compile(&public_api()).expect("without fault");
        let public: BTreeSet<_> = public_api().into_iter().map(|route| route.path).collect();
        for operation in contracts::all_operations() {
            assert!(table.find(&http::Method::GET, operation.path).is_err(), "{}", operation.path);
            let reachable = table.find(&http::Method::POST, operation.grpc).is_ok();
            assert_eq!(reachable, public.contains(operation.grpc), "{}", operation.grpc);
        }
        assert_eq!(table.find(&http::Method::GET, "/api/products/batch").unwrap_err(), Missing::Path);
        let refused = table.find(&http::Method::DELETE, "/api/orders").unwrap_err();
        assert_eq!(refused, Missing::Method(vec![Method::Post, Method::Get]));
    }

    #[test]
    fn every_fault_of_a_configuration_is_named_at_once() {
        let mut slow = route("/api/c/{id}", &[Method::Get], "/c/{other}");
        slow.timeout_ms = 0;
        let faults = RouteTable::compile(&[
            route("/api/a", &[Method::Get], "/a"),
            route("/api/a", &[Method::Get, Method::Post], "/a"),
            route("api/b", &[], "b"),
            slow,
            route("/metrics", &[Method::Get], "/metrics"),
            route("/api/{*all}", &[Method::Get], "/{*all}"),
            route("/api/{*others}", &[Method::Put], "/{*others}"),
        ])
        .unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "routes[1].methods",
                "routes[2].methods",
                "routes[2].path",
                "routes[2].rewrite",
                "routes[3].timeout_ms",
                "routes[3].rewrite",
                "routes[4].path",
                "routes[6].path",
            ]
        );
    }

    #[test]
    fn a_path_of_a_service_is_mapped_back() {
        let table = RouteTable::compile(&public_api()).expect("without fault");
        assert_eq!(table.public_path("orders", "/orders/17").as_deref(), Some("/api/orders/17"));
        assert_eq!(table.public_path("payments", "/ledger").as_deref(), Some("/api/payments/ledger"));
        assert_eq!(table.public_path("orders", "/audit/orders"), None);
        assert_eq!(table.public_path("nobody", "/orders/17"), None);
    }
}
