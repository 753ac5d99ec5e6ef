//! The query string.

use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use crate::Registry;
use crate::duration;
use crate::error::Refusal;
use crate::store::Wait;

/// How long a blocking query waits when it does not say.
const USUAL_WAIT: Duration = Duration::from_secs(300);
/// How long it waits at most.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// The parameters of a call, in which a bare `?recurse` counts as much as `?recurse=true`.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let number = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::bad(format!("Invalid value for ?{name}: {text:?} is no number")))
        };
        self.get(name).map(number).transpose()
    }

    /// A switch, on when it is there without a value.
    pub(super) fn switch(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("0" | "f" | "false" | "False" | "FALSE" | "F") => Ok(false),
            Some("" | "1" | "t" | "true" | "True" | "TRUE" | "T") => Ok(true),
            Some(_) => Err(Refusal::bad(format!("Invalid value for ?{name}"))),
        }
    }

    /// What the query waits for, if it is a blocking one.
    pub(super) fn wait(&self) -> Result<Option<Wait>, Refusal> {
        let span = match self.get("wait") {
            None | Some("") => USUAL_WAIT,
            Some(text) => duration::parse(text).map_err(|_| Refusal::bad("Invalid wait time"))?,
        };
        let index = match self.get("index") {
            None | Some("") => 0,
            Some(text) => text.parse().map_err(|_| Refusal::bad("Invalid index"))?,
        };
        Ok((index > 0).then_some(Wait { index, span: span.min(LONGEST_WAIT) }))
    }
}

impl FromRequestParts<Registry> for Params {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, registry: &Registry) -> Result<Self, Refusal> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Refusal::bad(error.to_string()))?;
        let params = Self(pairs);
        match params.get("dc") {
            Some(dc) if !dc.is_empty() && dc != registry.config.datacenter => {
                Err(Refusal::Failed("No path to datacenter".to_owned()))
            }
            _ => Ok(params),
        }
    }
}
