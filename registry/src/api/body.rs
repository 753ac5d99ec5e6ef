//! Request bodies, read as leniently in their keys as Consul reads them: `ServiceID`, `serviceid` and
//! `service_id` are the same field. Unknown fields are refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::duration::Span;
use crate::error::Refusal;
use crate::state::{Behavior, Weights};

/// Fields whose own keys are the client's, not ours.
const FREE: [&str; 2] = ["meta", "header"];

/// Reads a JSON body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let failed = |error| Refusal::bad(format!("Request decode failed: {error}"));
    let value: Value = serde_json::from_slice(body).map_err(failed)?;
    if !value.is_object() {
        return Err(Refusal::bad("Request decode failed: not an object"));
    }
    serde_json::from_value(folded(value)).map_err(failed)
}

/// The value with its keys in lower case, without underscores, and without what is null.
fn folded(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut small = Map::new();
            for (key, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
                let key = key.replace('_', "").to_ascii_lowercase();
                let value = if FREE.contains(&key.as_str()) { value } else { folded(value) };
                small.insert(key, value);
            }
            Value::Object(small)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(folded).collect()),
        other => other,
    }
}

/// Body of `/v1/agent/service/register`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServiceBody {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) tags: Vec<String>,
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) meta: BTreeMap<String, String>,
    pub(super) weights: Option<Weights>,
    pub(super) enabletagoverride: bool,
    pub(super) check: Option<CheckBody>,
    pub(super) checks: Vec<CheckBody>,
    /// Only a plain service is taken.
    pub(super) kind: String,
    /// Accepted because clients send them by habit, in their neutral form only.
    pub(super) proxy: Option<Value>,
    pub(super) connect: Option<Value>,
    pub(super) taggedaddresses: Option<Value>,
    pub(super) namespace: String,
}

/// A check, within a service or by itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CheckBody {
    pub(super) id: String,
    pub(super) checkid: String,
    pub(super) name: String,
    pub(super) notes: String,
    pub(super) serviceid: String,
    pub(super) status: String,
    pub(super) ttl: Option<Span>,
    pub(super) http: String,
    pub(super) method: String,
    pub(super) header: BTreeMap<String, Vec<String>>,
    pub(super) body: String,
    pub(super) interval: Option<Span>,
    pub(super) timeout: Option<Span>,
    pub(super) deregistercriticalserviceafter: Option<Span>,
    /// The kinds of checks that this registry does not run.
    pub(super) tcp: String,
    pub(super) grpc: String,
    pub(super) args: Vec<String>,
    pub(super) scriptargs: Vec<String>,
    pub(super) dockercontainerid: String,
    pub(super) aliasnode: String,
    pub(super) aliasservice: String,
    /// Accepted without effect: there is no TLS and no namespace here.
    pub(super) tlsskipverify: bool,
    pub(super) namespace: String,
}

/// Body of `/v1/agent/check/update/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateBody {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) output: String,
}

/// Body of `/v1/session/create`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SessionBody {
    pub(super) name: String,
    pub(super) node: String,
    pub(super) ttl: String,
    pub(super) lockdelay: Option<Span>,
    pub(super) behavior: Option<Behavior>,
    /// The older way to name checks of both kinds.
    pub(super) checks: Option<Vec<String>>,
    pub(super) nodechecks: Option<Vec<String>>,
    pub(super) servicechecks: Vec<ServiceCheckBody>,
    pub(super) namespace: String,
}

/// A check of a service that a session depends on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceCheckBody {
    pub(super) id: String,
    #[serde(default)]
    pub(super) namespace: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_may_be_written_in_any_way_but_those_of_meta_stay() {
        let text = br#"{"id":"a","NAME":"n","enable_tag_override":true,"Tags":null,"Meta":{"Key_A":"V"},
            "check":{"check_id":"c","Ttl":"5s"}}"#;
        let body: ServiceBody = read(text).unwrap();
        assert_eq!((body.id.as_str(), body.name.as_str()), ("a", "n"));
        assert!(body.enabletagoverride && body.tags.is_empty());
        assert_eq!(body.meta["Key_A"], "V");
        assert_eq!(body.check.unwrap().checkid, "c");
    }

    #[test]
    fn what_is_not_such_a_body_is_refused() {
        let deep = "[".repeat(100_000);
        for text in
            ["", "{", "[]", "null", "3", r#"{"Bogus":1}"#, r#"{"Port":"80"}"#, r#"{"Port":70000}"#, &deep]
        {
            assert!(matches!(read::<ServiceBody>(text.as_bytes()), Err(Refusal::Bad(_))), "{text:.20}");
        }
    }
}
