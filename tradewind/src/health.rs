//! Whether somebody who answers HTTP is well, and why not.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use contracts::error::chain;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most of an answer that is worth telling.
const LONGEST: usize = 300;

/// Why somebody is not well.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unwell {
    /// What it answered, if it did.
    pub status: Option<StatusCode>,
    /// In its own words, or in those of whoever could not ask it.
    pub why: String,
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) if self.why == status.to_string() => write!(f, "it answers {status}"),
            Some(status) => write!(f, "it answers {status}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// Whoever asks.
pub(crate) fn client() -> anyhow::Result<Client> {
    // an answer from elsewhere says nothing about whoever was asked
    let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE);
    client.build().context("the HTTP client")
}

/// Asks for `url`; well is who answers 2xx.
pub(crate) async fn check(client: &Client, url: &str) -> Result<(), Unwell> {
    let answer = client.get(url).send().await.map_err(|error| Unwell {
        status: None,
        why: if error.is_timeout() { "no answer".into() } else { chain(&error) },
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = first_line(answer).await;
    Err(Unwell { status: Some(status), why: said.unwrap_or_else(|| status.to_string()) })
}

/// How an answer begins; nothing where there is no text in it.
async fn first_line(mut answer: Response) -> Option<String> {
    let beginning = answer.chunk().await.ok()??;
    let text = String::from_utf8_lossy(&beginning);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    async fn asked(path: &str) -> Result<(), Unwell> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}{path}", listener.local_addr().expect("bound"));
        let said = "\nnot ready: database of orders: gone\nand more\n";
        let routes = Router::new()
            .route("/well", get(async || "ready\n"))
            .route("/unwell", get(async move || (StatusCode::SERVICE_UNAVAILABLE, said)))
            .route("/mute", get(async || StatusCode::IM_A_TEAPOT))
            .route("/elsewhere", get(async || Redirect::temporary("/well")));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        check(&client().expect("a client"), &url).await
    }

    #[tokio::test]
    async fn whoever_is_not_well_says_why_in_one_line() {
        assert_eq!(asked("/well").await, Ok(()));
        let unwell = asked("/unwell").await.expect_err("it says so");
        assert_eq!(unwell.why, "not ready: database of orders: gone");
        let told = unwell.to_string();
        assert_eq!(told, "it answers 503 Service Unavailable: not ready: database of orders: gone");
        let mute = asked("/mute").await.expect_err("it is no success");
        assert_eq!(mute.to_string(), "it answers 418 I'm a teapot");
        let elsewhere = asked("/elsewhere").await.expect_err("that is somebody else's answer");
        assert_eq!(elsewhere.status, Some(StatusCode::TEMPORARY_REDIRECT));
    }

    #[tokio::test]
    async fn whoever_is_not_there_is_not_well() {
        let nobody = check(&client().expect("a client"), "http://127.0.0.1:1/readyz").await;
        let nobody = nobody.expect_err("nothing listens there");
        assert_eq!(nobody.status, None);
        assert!(nobody.why.contains("http://127.0.0.1:1/readyz"), "{nobody}");
    }
}
