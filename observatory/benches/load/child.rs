//! The observatory, as a process of its own.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::eventually;

/// Ticks of the clock by which the system counts processor time: the same on every Linux.
const TICKS: f64 = 100.0;

pub struct Child {
    process: std::process::Child,
    pub grpc: String,
    pub pages: String,
    client: reqwest::Client,
}

/// What a process takes.
pub struct Usage {
    /// Bytes at most, and now.
    pub peak: u64,
    pub now: u64,
    pub cpu_seconds: f64,
}

impl Child {
    pub async fn start() -> Self {
        let [grpc, http, pages] = [(); 3].map(|()| format!("127.0.0.1:{}", testkit::free_port()));
        let process = Command::new(env!("CARGO_BIN_EXE_observatory"))
            .args(["--grpc", &grpc, "--http", &http, "--pages", &pages])
            .stderr(Stdio::null())
            .spawn()
            .expect("the observatory starts");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (grpc, pages) = (format!("http://{grpc}"), format!("http://{pages}"));
        let child = Self { process, grpc, pages, client };
        eventually("the observatory", Duration::from_secs(10), async || {
            child.client.get(format!("{}/readyz", child.pages)).send().await.ok().map(drop)
        })
        .await;
        child
    }

    pub async fn status(&self) -> Value {
        let answer = self.client.get(format!("{}/api/observatory/status", self.pages)).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    pub fn usage(&self) -> Usage {
        let of_process = |file: &str| {
            fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).expect("Linux, and a process")
        };
        let (memory, stat) = (of_process("status"), of_process("stat"));
        let kilobytes = |name: &str| -> u64 {
            let line = memory.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            line.trim_end_matches("kB").trim().parse().expect("a number")
        };
        // the name of the program, in parentheses, may hold anything
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().expect("ticks")).sum();
        Usage { peak: kilobytes("VmHWM:") << 10, now: kilobytes("VmRSS:") << 10, cpu_seconds: ticks / TICKS }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
