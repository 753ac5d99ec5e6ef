//! The few calls of RabbitMQ's management API that tests need.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::Deserialize;
use serde_json::Value;

/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A queue, as the management API shows it. Counts are up to a second old on a server of the testkit's
/// own (five elsewhere), and unknown for as long after the queue was declared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QueueInfo {
    /// Its name.
    pub name: String,
    /// `classic`, `quorum` or `stream`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many messages it holds, delivered ones that are not yet acknowledged included.
    pub messages: Option<u64>,
    /// How many consumers it has.
    pub consumers: Option<u64>,
}

/// A client of one server's management API. What the server refuses fails the test.
#[derive(Clone)]
pub(super) struct Management {
    client: Client,
    address: Url,
    user: String,
    password: String,
}

impl Management {
    pub(super) fn new(address: &str, user: &str, password: &str) -> Self {
        let client = Client::builder()
            .timeout(DEADLINE)
            // a connection kept alive would belong to the runtime of one test, and end with it
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client without TLS");
        let address = Url::parse(address).expect("the address of the management API");
        Self { client, address, user: user.to_owned(), password: password.to_owned() }
    }

    /// Whether it answers.
    pub(super) async fn is_up(&self) -> bool {
        let answer = self.request(Method::GET, &["overview"]).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub(super) async fn get<T: for<'de> Deserialize<'de>>(&self, path: &[&str]) -> T {
        let answer = self.send(Method::GET, path, None).await;
        let answer = succeeded(answer).await.json().await;
        answer.unwrap_or_else(|error| panic!("RabbitMQ's answer on {path:?}: {error}"))
    }

    pub(super) async fn put(&self, path: &[&str], body: &Value) {
        succeeded(self.send(Method::PUT, path, Some(body)).await).await;
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Value {
        let answer = succeeded(self.send(Method::POST, path, Some(body)).await).await;
        answer.json().await.unwrap_or_else(|error| panic!("RabbitMQ's answer on {path:?}: {error}"))
    }

    /// Deletes what is there; that it is gone already is no failure.
    pub(super) async fn delete(&self, path: &[&str]) {
        let answer = self.send(Method::DELETE, path, None).await;
        if answer.status() != reqwest::StatusCode::NOT_FOUND {
            succeeded(answer).await;
        }
    }

    /// Deletes what is there, if the server still lives.
    pub(super) async fn delete_if_up(&self, path: &[&str]) {
        // a server that is gone, or refuses, keeps nothing that another test would see
        let _ = self.request(Method::DELETE, path).send().await;
    }

    async fn send(&self, method: Method, path: &[&str], body: Option<&Value>) -> Response {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await;
        answer.unwrap_or_else(|error| panic!("RabbitMQ's management API on {path:?}: {error:?}"))
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.address.clone();
        // segment by segment: `/` is a name of a virtual host
        url.path_segments_mut().expect("an http address").pop_if_empty().push("api").extend(path);
        self.client.request(method, url).basic_auth(&self.user, Some(&self.password))
    }
}

async fn succeeded(answer: Response) -> Response {
    if answer.status().is_success() {
        return answer;
    }
    let (status, url) = (answer.status(), answer.url().clone());
    panic!("RabbitMQ answered {status} on {url}: {}", answer.text().await.unwrap_or_default());
}
