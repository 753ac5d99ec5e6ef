//! `kill -9` while an answer is out: what was done before it is still there afterwards.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// The network as a process, which dies with this value.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    async fn start(data: &Path) -> Self {
        let address = format!("127.0.0.1:{}", testkit::free_port());
        let child = Command::new(env!("CARGO_BIN_EXE_card-network"))
            .args(["--listen", &address, "--data"])
            .arg(data)
            .env_remove("TRADEWIND_STORE")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let process = Self { child, url: format!("http://{address}") };
        testkit::eventually("the network to be ready", Duration::from_secs(20), || async {
            let answer = reqwest::get(format!("{}/readyz", process.url)).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        process
    }

    async fn record(&self, key: &str) -> Option<Value> {
        let answer = reqwest::get(format!("{}/holds/{key}", self.url)).await.ok()?;
        answer.json().await.ok()
    }

    fn kill(mut self) {
        self.child.kill().expect("SIGKILL is sent");
        self.child.wait().expect("it is dead");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // it may be dead already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_charge_survives_the_process_that_was_killed_before_it_could_answer() {
    let data = tempfile::tempdir().expect("a folder");
    let process = Process::start(data.path()).await;
    let client = reqwest::Client::new();
    let send = |path: &str, body: Option<Value>| {
        let request = client.put(format!("{}/holds/{path}", process.url));
        tokio::spawn(
            body.map_or(request.try_clone().expect("no body yet"), |body| request.json(&body)).send(),
        )
    };

    let body = json!({ "card": "tok_charge_then_time_out", "amount": 1999, "currency": "EUR" });
    let hold = send("k1", Some(body));
    testkit::eventually("the hold", Duration::from_secs(10), || async {
        process.record("k1").await.filter(|record| record["state"] == "held")
    })
    .await;
    let capture = send("k1/capture", None);
    let captured = testkit::eventually("the capture", Duration::from_secs(10), || async {
        process.record("k1").await.filter(|record| record["state"] == "captured")
    })
    .await;

    process.kill();
    for lost in [hold, capture] {
        lost.await.expect("no panic").expect_err("the answer was never given");
    }
    let again = Process::start(data.path()).await;
    assert_eq!(again.record("k1").await, Some(captured));
}
