//! Which operation a request is for, whichever wire it came over.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use contracts::{Operation, Verb, all_operations};

struct Operations {
    by_route: HashMap<(&'static str, &'static str), &'static Operation>,
    by_method: HashMap<&'static str, &'static Operation>,
}

static OPERATIONS: LazyLock<Operations> = LazyLock::new(|| Operations {
    by_route: all_operations().map(|operation| ((verb(operation), operation.path), operation)).collect(),
    by_method: all_operations().map(|operation| (operation.grpc, operation)).collect(),
});

fn verb(operation: &Operation) -> &'static str {
    match operation.verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Put => "PUT",
    }
}

/// The operation that is asked for by `method` at a route of ours.
pub(super) fn by_route(method: &Method, route: &str) -> Option<&'static Operation> {
    OPERATIONS.by_route.get(&(method.as_str(), route)).copied()
}

/// The operation whose gRPC method a path names: `/package.Service/Method`.
pub(super) fn by_method(path: &str) -> Option<&'static Operation> {
    OPERATIONS.by_method.get(path).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_either_way() {
        for operation in all_operations() {
            let method = verb(operation).parse().expect("a method");
            assert_eq!(by_route(&method, operation.path), Some(operation));
            assert_eq!(by_method(operation.grpc), Some(operation));
        }
        assert_eq!(by_route(&Method::DELETE, "/livez"), None);
        assert_eq!(by_method("/grpc.health.v1.Health/Check"), None);
    }
}
