//! Virtual hosts: a space of its own for each test, on one server.

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::management::{Management, QueueInfo};
use super::{RabbitMq, programs_or_skip};
use crate::engine::{engines_hidden, unique};

/// A virtual host, with what an operator could do to it.
pub struct VirtualHost {
    /// Its address, as an AMQP client takes it: `amqp://guest:guest@127.0.0.1:PORT/NAME`.
    pub url: String,
    name: String,
    management: Management,
    // deletes one that was made for a test
    _removal: Option<Removal>,
}

/// A fresh virtual host on a server that all tests of this process share, or on the one that
/// `TRADEWIND_TEST_RABBITMQ` names; none, and a word on what is skipped, where RabbitMQ is missing. It
/// is deleted when dropped.
pub async fn virtual_host() -> Option<VirtualHost> {
    static SERVER: OnceCell<RabbitMq> = OnceCell::const_new();
    if let Some(url) = std::env::var("TRADEWIND_TEST_RABBITMQ").ok().filter(|_| !engines_hidden()) {
        let url = url.trim_end_matches('/');
        return Some(VirtualHost::create(url, &management_of(url)).await);
    }
    let programs = programs_or_skip()?;
    Some(SERVER.get_or_init(|| RabbitMq::start_from(&programs)).await.virtual_host().await)
}

/// The management API of the server at `url`: where `TRADEWIND_TEST_RABBITMQ_API` says, or on the usual
/// port of the same machine.
fn management_of(url: &str) -> Management {
    let broker = Url::parse(url).expect("TRADEWIND_TEST_RABBITMQ: amqp://USER:PASSWORD@HOST:PORT");
    let address = std::env::var("TRADEWIND_TEST_RABBITMQ_API")
        .unwrap_or_else(|_| format!("http://{}:15672", broker.host_str().unwrap_or("127.0.0.1")));
    let (user, password) = match broker.username() {
        "" => ("guest", "guest"),
        user => (user, broker.password().unwrap_or_default()),
    };
    Management::new(&address, user, password)
}

impl VirtualHost {
    /// Makes one on the server whose default virtual host is at `server`.
    pub(super) async fn create(server: &str, management: &Management) -> Self {
        let name = format!("test-{}", unique());
        management.put(&["vhosts", &name], &json!({})).await;
        let removal = Removal { name: name.clone(), management: management.clone() };
        let url = format!("{server}/{name}");
        Self { url, name, management: management.clone(), _removal: Some(removal) }
    }

    /// One that is there anyway.
    pub(super) fn existing(url: String, name: &str, management: Management) -> Self {
        Self { url, name: name.to_owned(), management, _removal: None }
    }

    pub(super) fn management(&self) -> &Management {
        &self.management
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All its queues.
    pub async fn queues(&self) -> Vec<QueueInfo> {
        self.management.get(&["queues", &self.name]).await
    }

    /// The queue of that name, if there is one.
    pub async fn queue(&self, queue: &str) -> Option<QueueInfo> {
        self.queues().await.into_iter().find(|found| found.name == queue)
    }

    /// Declares a durable queue of a kind: `classic`, `quorum` or `stream`.
    pub async fn declare_queue(&self, queue: &str, kind: &str) {
        let declaration = json!({ "durable": true, "arguments": { "x-queue-type": kind } });
        self.management.put(&["queues", &self.name, queue], &declaration).await;
    }

    /// Deletes a queue and all that is in it; that there is none is no failure.
    pub async fn delete_queue(&self, queue: &str) {
        self.management.delete(&["queues", &self.name, queue]).await;
    }

    /// Puts a persistent message into a queue.
    pub async fn publish(&self, queue: &str, payload: &str) {
        self.publish_with(queue, payload, json!({})).await;
    }

    /// Puts a persistent message with headers, and a body of JSON, into a queue.
    pub async fn publish_with(&self, queue: &str, payload: &str, headers: Value) {
        let message = json!({
            "properties": { "delivery_mode": 2, "content_type": "application/json", "headers": headers },
            "routing_key": queue,
            "payload": payload,
            "payload_encoding": "string",
        });
        // the default exchange has no name of its own
        let path = ["exchanges", &self.name, "amq.default", "publish"];
        let answer = self.management.post(&path, &message).await;
        assert_eq!(answer["routed"], true, "no queue {queue} in {}", self.name);
    }

    /// Closes all its clients' connections, as an operator would; returns how many. A connection is
    /// listed a moment after it opened, so a test that knows of one repeats this until it is met.
    pub async fn close_connections(&self) -> usize {
        #[derive(Deserialize)]
        struct Connection {
            name: String,
        }
        let open: Vec<Connection> = self.management.get(&["vhosts", &self.name, "connections"]).await;
        for connection in &open {
            self.management.delete(&["connections", &connection.name]).await;
        }
        open.len()
    }
}

/// Deletes a virtual host when dropped.
struct Removal {
    name: String,
    management: Management,
}

impl Drop for Removal {
    fn drop(&mut self) {
        let (name, management) = (std::mem::take(&mut self.name), self.management.clone());
        // on a thread and a runtime of its own: the test's may be about to end. It takes a few
        // milliseconds, and nothing where the server is gone.
        let removal = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(management.delete_if_up(&["vhosts", &name]));
            }
        });
        // what failed here leaves an idle virtual host behind, and no test sees it
        let _ = removal.join();
    }
}
