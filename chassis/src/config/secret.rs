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

/// Whether `value` may stand at `key`: anything where the key is no secret's; a reference, or nothing,
/// where it is.
pub fn may_stand(key: &str, value: &Value) -> bool {
    !is_secret(key)
        || match value {
            Value::Null | Value::Bool(_) => true,
            Value::String(text) => {
                text.is_empty() || text.len() > REFERENCE.len() && text.starts_with(REFERENCE)
            }
            _ => false,
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
    fn a_key_that_only_speaks_of_secrets_is_free() {
        assert!(may_stand("auth.token_ttl_ms", &json!(5)) && may_stand("secretary", &json!("Ms Moneypenny")));
    }
}
