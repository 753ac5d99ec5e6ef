//! Somebody who looks at the pages.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What is looked at, again and again.
const PATHS: [&str; 9] = [
    "/",
    "/metrics",
    "/api/services",
    "/api/traces?limit=100",
    "/api/traces?service=payments&limit=20&tags=%7B%22error%22%3A%22true%22%7D",
    "/api/traces?service=gateway&operation=POST%20%2Fapi%2Forders&minDuration=1s",
    "/api/dependencies",
    "/api/observatory/map?minutes=15",
    "/api/observatory/services/orders?minutes=60",
];
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

pub struct Looking {
    ended: CancellationToken,
    looks: JoinHandle<Looks>,
}

/// How long each look took, by path.
pub struct Looks {
    took: Vec<(&'static str, Vec<Duration>)>,
    pub unanswered: usize,
}

pub fn start(pages: String) -> Looking {
    let ended = CancellationToken::new();
    let looks = tokio::spawn(look(pages, ended.clone()));
    Looking { ended, looks }
}

impl Looking {
    pub async fn end(self) -> Looks {
        self.ended.cancel();
        self.looks.await.expect("no panic")
    }
}

async fn look(pages: String, ended: CancellationToken) -> Looks {
    let client =
        reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().expect("a client");
    let mut looks = Looks { took: PATHS.map(|path| (path, Vec::new())).into(), unanswered: 0 };
    while !ended.is_cancelled() {
        for (path, took) in &mut looks.took {
            let asked = Instant::now();
            let answered = async {
                let answer = client.get(format!("{pages}{path}")).send().await?;
                let status = answer.status();
                answer.bytes().await.map(|_| status)
            };
            match answered.await {
                // a service is not known before its first span
                Ok(status) if status.is_success() || status == StatusCode::NOT_FOUND => {
                    took.push(asked.elapsed());
                }
                other => {
                    println!("{path}: {other:?}");
                    looks.unanswered += 1;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    looks
}

impl Looks {
    pub fn print(&self) {
        println!("answers   {:>10} {:>10} {:>10}", "median", "95 %", "longest");
        for (path, took) in &self.took {
            let mut took = took.clone();
            took.sort_unstable();
            let at = |share: f64| {
                took.get(((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1)))
            };
            let millis = |share| at(share).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0);
            println!("  {:>13.1} ms {:>7.1} ms {:>7.1} ms  {path}", millis(0.5), millis(0.95), millis(1.0));
        }
    }
}
