//! Hands a mail to a mail server: SMTP (RFC 5321) over plain TCP. There is no TLS and no login, so this
//! is for a server on the same machine or in a network that one trusts.

use std::error::Error as _;
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;

use crate::config::SmtpConfig;

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server will not have it, now or later (5xx).
    Refused(String),
    /// The server may have it later (4xx).
    NotNow(String),
    /// There is no talking with the server: no other mail would fare better at present.
    Away(String),
}

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Hands over one mail; returns when the server has taken responsibility for it. After [`Failure::Away`]
/// it may have done so all the same.
pub async fn send(config: &SmtpConfig, message: &Message) -> Result<(), Failure> {
    let timeout = config.timeout();
    let mut connection = tokio::time::timeout(timeout, exchange(config, message))
        .await
        .unwrap_or_else(|_| Err(Failure::Away(format!("the mail server took longer than {timeout:?}"))))?;
    // the mail is the server's by now, however this ends
    let _ = tokio::time::timeout(FAREWELL, connection.abort()).await;
    Ok(())
}

async fn exchange(config: &SmtpConfig, message: &Message) -> Result<AsyncSmtpConnection, Failure> {
    let (server, myself) = ((config.host.as_str(), config.port), ClientId::default());
    let connected =
        AsyncSmtpConnection::connect_tokio1(server, Some(config.timeout()), &myself, None, None).await;
    // a server that refuses to talk, with whatever code, has said nothing about this mail
    let mut connection = connected.map_err(|error| Failure::Away(chain(&error)))?;
    connection.send(message.envelope(), &message.formatted()).await.map_err(|error| judge(&error))?;
    Ok(connection)
}

fn judge(error: &Error) -> Failure {
    let cause = chain(error);
    if error.is_transient() {
        Failure::NotNow(cause)
    } else if error.is_permanent() || error.is_client() {
        Failure::Refused(cause)
    } else {
        Failure::Away(cause)
    }
}

/// The error, and what caused it, in which its own text has no part already.
fn chain(error: &Error) -> String {
    let text = error.to_string();
    match error.source().map(ToString::to_string) {
        Some(source) if !text.contains(&source) => format!("{text}: {source}"),
        _ => text,
    }
}
