//! Bare HTTP, for what must be seen as a third-party client sees it.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

/// A client with the base address of one registry.
#[derive(Clone)]
pub struct Http {
    pub base: String,
    client: reqwest::Client,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub index: u64,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The answer, which must be a success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }
}

impl Http {
    pub fn new(base: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60));
        Self { base: base.to_owned(), client: client.build().unwrap() }
    }

    pub async fn try_send(&self, request: reqwest::RequestBuilder) -> Option<Reply> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let index = headers.get("x-consul-index").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.text().await.ok()?;
        Some(Reply { status, index: index.unwrap_or_default(), headers, text })
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub async fn try_get(&self, path: &str) -> Option<Reply> {
        self.try_send(self.request(Method::GET, path)).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.try_get(path).await.unwrap_or_else(|| panic!("no answer to GET {path}"))
    }

    pub async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let sent = self.try_send(self.request(Method::PUT, path).body(body)).await;
        sent.unwrap_or_else(|| panic!("no answer to PUT {path}"))
    }

    pub async fn put_json(&self, path: &str, body: Value) -> Reply {
        self.put(path, body.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        let sent = self.try_send(self.request(Method::DELETE, path)).await;
        sent.unwrap_or_else(|| panic!("no answer to DELETE {path}"))
    }

    /// Registers a service and expects that to work.
    pub async fn register(&self, body: Value) {
        self.put_json("/v1/agent/service/register", body).await.ok();
    }
}
