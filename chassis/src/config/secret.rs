//! Secrets stay out of the configuration: a key that holds one holds a reference, `secret:NAME`.

use serde_json::Value;

/// What a reference to a secret begins with.
pub const REFERENCE: &str = "secret:";

/// What a secret's key may hold, for messages.
pub const ALLOWED: &str = "a reference such as \"secret:NAME\": secrets are never written into configuration";

/// Whether the key's last segment says that its value is a secret.
pub fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    ["password", "token", "secret"].iter().any(|word| {
        last.strip_suffix(word).is_some_and(|before| before.is_empty() || before.ends_with(['_', '-']))
    })
}

/// Whether `value` may stand at `key`: a reference, or nothing, where the key is a secret's; anything
/// elsewhere, as long as the same holds for every field within it (of the objects in a list, say).
pub fn may_stand(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) if is_secret(key) => {
            text.is_empty() || text.len() > REFERENCE.len() && text.starts_with(REFERENCE)
        }
        _ if is_secret(key) => false,
        Value::Array(entries) => entries.iter().all(|entry| may_stand(key, entry)),
        Value::Object(fields) => fields.iter().all(|(name, field)| may_stand(name, field)),
        Value::String(_) | Value::Number(_) => true,
    }
}

/// The value as messages and logs may show it.
pub fn shown(key: &str, value: &Value) -> Value {
    if may_stand(key, value) { value.clone() } else { Value::from("(hidden)") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_in_the_open_is_refused_and_never_shown() {
        for key in ["db.password", "consul_token", "card.client-secret", "Token"] {
            assert!(!may_stand(key, &json!("hunter2")), "{key}");
            assert!(!shown(key, &json!("hunter2")).to_string().contains("hunter2"));
            assert!(may_stand(key, &json!("secret:db")) && may_stand(key, &json!("")), "{key}");
        }
        assert!(!may_stand("password", &json!(1234)) && !may_stand("password", &json!("secret:")));
    }

    #[test]
    fn a_secret_within_a_list_or_an_object_is_seen() {
        for value in [
            json!([{"url": "db", "password": "hunter2"}]),
            json!([["x", {"deep": [{"api_token": "hunter2"}]}]]),
            json!({"sinks": {"secret": ["hunter2"]}}),
        ] {
            assert!(!may_stand("log.sinks", &value), "{value}");
            assert!(!shown("log.sinks", &value).to_string().contains("hunter2"), "{value}");
        }
        let referring = json!([{"url": "db", "password": "secret:db"}, {"token": ""}, {"ttl": 5}]);
        assert!(may_stand("log.sinks", &referring));
        assert_eq!(shown("log.sinks", &referring), referring);
    }

    #[test]
    fn a_key_that_only_speaks_of_secrets_is_free() {
        assert!(may_stand("auth.token_ttl_ms", &json!(5)) && may_stand("secretary", &json!("Ms Moneypenny")));
    }
}
