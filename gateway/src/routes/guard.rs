//! Keeps the parameters of a public path from spelling the path of an operation that is not public.
//!
//! `/api/products/{sku}` leads to `/products/{sku}`. A client that asks for the product `batch` would
//! reach `/products/batch`, which is another operation at that service, and an internal one. The
//! services' operations are all known, so each rewritten path is checked against them.

use std::collections::HashMap;

use super::template::Template;

/// The paths of every operation of every service.
#[derive(Debug, Clone)]
pub(super) struct Guard(HashMap<&'static str, matchit::Router<String>>);

impl Guard {
    /// A guard that knows the operations in `contracts`.
    pub fn new() -> Self {
        let mut services: HashMap<_, matchit::Router<String>> = HashMap::new();
        for operation in contracts::all_operations() {
            if let Ok(template) = Template::parse(operation.path) {
                // two operations that share a path differ in their method, which routes name: one of them
                // stands for both
                let _ = services.entry(operation.port).or_default().insert(operation.path, template.shape());
            }
        }
        Self(services)
    }

    /// Whether `path` at `service`, made from `template`, belongs to an operation of another path.
    pub fn refuses(&self, service: &str, template: &Template, path: &str) -> bool {
        let Some(operations) = self.0.get(service) else { return false };
        operations.at(path).is_ok_and(|operation| *operation.value != template.shape())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_cannot_spell_another_operation() {
        let (guard, product) = (Guard::new(), Template::parse("/products/{sku}").unwrap());
        assert!(guard.refuses("catalog", &product, "/products/batch"));
        assert!(!guard.refuses("catalog", &product, "/products/KETTLE-1"));
        assert!(!guard.refuses("somebody-elses", &product, "/products/batch"));
    }
}
