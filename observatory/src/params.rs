//! The query string of a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Characters of a bad value that are told back.
const QUOTED: usize = 60;

/// A parameter that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter '{name}': {given:?} is not {wanted}")]
pub(crate) struct BadParam {
    name: &'static str,
    given: String,
    wanted: &'static str,
}

impl BadParam {
    /// Names the parameter, what was given, and what would be right.
    pub(crate) fn new(name: &'static str, given: &str, wanted: &'static str) -> Self {
        let mut quoted: String = given.chars().take(QUOTED).collect();
        if quoted.len() < given.len() {
            quoted.push('…');
        }
        Self { name, given: quoted, wanted }
    }
}

/// The parameters of a request. One without a value counts as not given, which is how forms leave a field empty.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query string.
    pub(crate) fn of(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter as `read` reads it, or what it should have been.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        wanted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, BadParam> {
        let read = |given| read(given).ok_or_else(|| BadParam::new(name, given, wanted));
        self.get(name).map(read).transpose()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_parameter_is_none_and_the_first_counts() {
        let params = Params::of("a=&b=1&b=2&c=%7B%22x%22%3A1%7D&d=a+b");
        assert_eq!(params.get("a"), None);
        assert_eq!(params.get("b"), Some("1"));
        assert_eq!(params.all("b").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(params.get("c"), Some("{\"x\":1}"));
        assert_eq!(params.get("d"), Some("a b"));
    }

    #[test]
    fn a_bad_parameter_is_named_and_not_told_back_at_length() {
        let bad = BadParam::new("limit", &"x".repeat(1000), "a number");
        let text = bad.to_string();
        assert!(
            text.starts_with("parameter 'limit': \"xxx") && text.ends_with("…\" is not a number"),
            "{text}"
        );
        assert!(text.len() < 120);
    }
}
