//! From a service's own path back to the public one: for `Location` and `Content-Location`.

use std::collections::HashMap;

use super::template::Template;

/// For each service, its public paths by its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Reverse(HashMap<String, matchit::Router<Template>>);

impl Reverse {
    /// Notes that `own` at `service` is `public` to the outside. The first route to a path gives it its
    /// public name; a public path that needs more than the own path tells cannot be named at all.
    pub fn add(&mut self, service: &str, own: &Template, public: &Template) {
        if public.names().all(|name| own.names().any(|own| own == name)) {
            let paths = self.0.entry(service.to_owned()).or_default();
            let _ = paths.insert(own.as_str(), public.clone());
        }
    }

    /// The public path of `path` at `service`, where it has one.
    pub fn public(&self, service: &str, path: &str) -> Option<String> {
        let found = self.0.get(service)?.at(path).ok()?;
        Some(found.value.fill(&found.params))
    }
}
