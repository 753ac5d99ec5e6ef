//! Who knows the addresses of names.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asked for the addresses of a host.
#[async_trait]
pub(super) trait Names: Send + Sync + 'static {
    /// All of them; none where it is certain that there is no such name, or that it has no address.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver: its hosts file, search domains and name servers.
pub(super) struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        match timeout(PATIENCE, lookup_host((host, 0))).await {
            Ok(Ok(found)) => Ok(found.map(|address| address.ip()).collect()),
            Ok(Err(error)) if denies(&error) => Ok(Vec::new()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// What C libraries say of a name that is not there (glibc and macOS, musl), or that has no address (the same): the
/// standard library tells it in no other way.
const NOBODY: [&str; 4] = ["not known", "does not resolve", "No address associated", "no usable address"];

/// Whether somebody knows that there is no such name. A server that is away, or failed, denies nothing.
fn denies(error: &io::Error) -> bool {
    let text = error.to_string();
    NOBODY.iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_has_a_name() {
        let found = SystemNames.addresses("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn no_such_name_is_told_apart_from_no_answer() {
        let error = |text: &str| io::Error::other(format!("failed to lookup address information: {text}"));
        for text in [
            "Name or service not known",
            "nodename nor servname provided, or not known",
            "Name does not resolve",
            "No address associated with hostname",
            "Name has no usable address",
        ] {
            assert!(denies(&error(text)), "{text}");
        }
        for text in
            ["Temporary failure in name resolution", "Try again", "Non-recoverable failure", "System error"]
        {
            assert!(!denies(&error(text)), "{text}");
        }
    }
}
